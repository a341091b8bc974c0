/**
 * Tells watchers of a queue that it may have work. Every script that makes a message ready adds an entry to the queue's
 * stream, which keeps only the last one, and here a connection of its own waits for entries after the last one seen.
 * So an idle process costs the server one blocking read per {@link blockMs}, everybody is woken by one entry, and what
 * happens between two reads, or while the connection is being replaced, is found by the next read.
 *
 * An entry also tells when the next delay or lease ends. A watcher sets a timer for it and then looks by itself.
 *
 * asleep → (first watcher) reading → (entry) ring, look at a new time → reading → (error) pausing → reading from the
 * start → (no watcher for {@link lingerMs}) asleep.
 */
import { type Cancel, type Clock, type Logger, sleep } from "../../core/index.ts";
import type { Connection } from "./connection.ts";

/** What a look at a queue finds. */
export interface Prospect {
  readonly ready: number;
  /** How long until the next delay or lease ends; `null` when none is pending. */
  readonly nextInMs: number | null;
}

/** What wake-ups are made from. */
export interface WakeUpOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Another connection to the same server, for blocking reads. */
  readonly connect: () => Promise<Connection>;
  /** Interrupts the blocking read of the connection with this id; resolves with whether there was one. */
  readonly unblock: (connectionId: string) => Promise<boolean>;
  /** Makes ready what is due. */
  readonly look: (queue: string) => Promise<Prospect>;
  readonly wakeKeyOf: (queue: string) => string;
}

/** See the top of this file. */
export interface WakeUps {
  watch(queue: string, onReady: () => void): Cancel;
  /** Rings at the end of the running task: for what is known here before the server tells it. */
  ringSoon(queue: string): void;
  close(): void;
}

interface WatchedQueue {
  readonly queue: string;
  readonly listeners: Set<() => void>;
  /** The last entry seen. */
  cursor: string;
  /** The time that the last entry told, in the server's words. */
  told: string;
  cancelTimer: Cancel;
  /** Since when nobody watches it. */
  leftAt: number;
}

/** How long one read waits: short enough to notice a dead connection, long enough to cost nothing. */
export const blockMs = 4000;
const lingerMs = 10_000;
const pauseMs = 200;
const longestPauseMs = 2000;
/** Failures in a row; a single one is the server's restart or a connection that was cut. */
const worthSaying = 3;
const lookAgainMs = 1000;
const start = "0-0";
const nothing: Cancel = () => undefined;

/** Reads while somebody watches. All queues share one connection. */
export class WakeReader implements WakeUps {
  readonly #options: WakeUpOptions;
  readonly #closing = new AbortController();
  readonly #queues = new Map<string, WatchedQueue>();
  #connection: Connection | null = null;
  #connectionId: string | null = null;
  #isRunning = false;
  /** The queues of the read under way. */
  #reading: ReadonlySet<WatchedQueue> | null = null;

  constructor(options: WakeUpOptions) {
    this.#options = options;
  }

  watch(queue: string, onReady: () => void): Cancel {
    const watched = this.#queues.get(queue) ?? newQueue(queue);
    this.#queues.set(queue, watched);
    const listener = (): void => onReady();
    watched.listeners.add(listener);
    if (this.#isRunning) void this.#include(watched);
    else void this.#run();
    return () => {
      watched.listeners.delete(listener);
      watched.leftAt = this.#options.clock.now();
    };
  }

  ringSoon(queue: string): void {
    queueMicrotask(() => {
      const watched = this.#queues.get(queue);
      if (watched !== undefined) ring(watched);
    });
  }

  close(): void {
    this.#closing.abort();
    for (const watched of this.#queues.values()) watched.cancelTimer();
    this.#queues.clear();
    this.#connection?.close();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    let failures = 0;
    while (this.#isWanted()) {
      try {
        await this.#readOnce();
        if (failures >= worthSaying) this.#options.logger.info("waiting for work works again");
        failures = 0;
      } catch (error) {
        failures += 1;
        if (!this.#isClosed) await this.#recover(error, failures);
      }
      this.#reading = null;
      // Whoever was rung asks for the messages first: the next read is in no hurry.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#isRunning = false;
    this.#connection?.close();
    this.#connection = null;
    this.#connectionId = null;
  }

  async #readOnce(): Promise<void> {
    this.#connection ??= await this.#options.connect();
    if (this.#isClosed) return this.#connection.close();
    this.#connectionId ??= String(await this.#connection.send("CLIENT", ["ID"]));
    const all = [...this.#queues.values()];
    this.#reading = new Set(all);
    const byKey = new Map(all.map((watched) => [this.#options.wakeKeyOf(watched.queue), watched]));
    const cursors = all.map(({ cursor }) => cursor);
    const args = ["BLOCK", blockMs, "STREAMS", ...byKey.keys(), ...cursors];
    const reply = await this.#connection.send("XREAD", args, { waitMs: blockMs });
    if (reply !== null) this.#take(byKey, reply as readonly StreamReply[]);
  }

  #take(byKey: ReadonlyMap<string, WatchedQueue>, reply: readonly StreamReply[]): void {
    for (const [key, entries] of reply) {
      const watched = byKey.get(String(key));
      const [id, fields] = entries.at(-1) ?? [];
      if (watched === undefined || id === undefined || fields === undefined) continue;
      watched.cursor = String(id);
      const told = String(fields[1]);
      const isNews = told !== watched.told && told !== "0";
      watched.told = told;
      ring(watched);
      if (isNews) void this.#look(watched);
    }
  }

  async #look(watched: WatchedQueue): Promise<void> {
    const { clock, look } = this.#options;
    watched.cancelTimer();
    const found = await look(watched.queue).catch((error: unknown) => this.#unseen(watched, error));
    if (this.#queues.get(watched.queue) !== watched) return;
    watched.cancelTimer();
    if (found.nextInMs !== null)
      watched.cancelTimer = clock.after(found.nextInMs, () => void this.#look(watched));
    if (found.ready > 0) ring(watched);
  }

  /** What is there is not known, so it is looked at again soon. */
  #unseen({ queue }: WatchedQueue, error: unknown): Prospect {
    if (!this.#isClosed)
      this.#options.logger.warn("looking for work failed; trying again", { queue, error });
    return { ready: 0, nextInMs: lookAgainMs };
  }

  /** Where the last entry was is not sure any more: the server may have lost it with the message it stood for. */
  async #recover(error: unknown, failures: number): Promise<void> {
    const { clock, logger } = this.#options;
    if (failures === worthSaying)
      logger.warn("waiting for work fails; looking now and then until it works", { error });
    this.#connectionId = null;
    for (const watched of this.#queues.values()) {
      watched.cursor = start;
      watched.told = "";
    }
    const ms = Math.min(pauseMs * (failures - 1), longestPauseMs);
    await sleep(clock, ms, this.#closing.signal).catch(nothing);
  }

  /** Ends the read under way if it lacks this queue. It may not have reached the server yet: then once more. */
  async #include(watched: WatchedQueue): Promise<void> {
    const { clock, logger, unblock } = this.#options;
    const isMissing = (): boolean => this.#reading?.has(watched) === false && !this.#isClosed;
    while (isMissing() && this.#connectionId !== null) {
      try {
        if (await unblock(this.#connectionId)) return;
      } catch (error) {
        logger.debug("a blocking read cannot be interrupted; connecting anew", { error });
        this.#connection?.replace();
        return;
      }
      await sleep(clock, 2, this.#closing.signal).catch(nothing);
    }
  }

  /**
   * Forgets queues that nobody has watched for a while, and tells whether any is left. Watchers come back soon as a
   * rule, and reading on costs less than connecting or interrupting for them.
   */
  #isWanted(): boolean {
    const now = this.#options.clock.now();
    for (const [queue, watched] of this.#queues) {
      if (watched.listeners.size > 0 || now - watched.leftAt < lingerMs) continue;
      watched.cancelTimer();
      this.#queues.delete(queue);
    }
    return !this.#isClosed && this.#queues.size > 0;
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }
}

type StreamReply = readonly [key: Buffer, entries: readonly [id: Buffer, fields: Buffer[]][]];

function ring(watched: WatchedQueue): void {
  for (const listener of [...watched.listeners]) listener();
}

function newQueue(queue: string): WatchedQueue {
  return { queue, listeners: new Set(), cursor: start, told: "", cancelTimer: nothing, leftAt: 0 };
}
