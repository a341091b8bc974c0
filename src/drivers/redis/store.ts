/** An open server, and how the driver's methods reach it. */
import { type Clock, type Logger, SluiceError } from "../../core/index.ts";
import type { ClientLike } from "./client.ts";
import { type Connection, openConnection } from "./connection.ts";
import type { KeySpace } from "./keys.ts";
import type { Argument } from "./records.ts";
import { lookScript } from "./scripts/look.ts";
import type { Script } from "./scripts/script.ts";
import { WakeReader, type WakeUpOptions, type WakeUps } from "./wake-ups.ts";

/** See the top of this file. */
export interface Store {
  readonly clock: Clock;
  readonly wakeUps: WakeUps;
  /** Aborts with close. */
  readonly closed: AbortSignal;
  /** Throws `CLOSED`. */
  check(): void;
  /** Runs a script on a queue. `onWritten`: see `SendOptions`. */
  run(
    script: Script,
    queue: string,
    args?: readonly Argument[],
    onWritten?: () => void,
  ): Promise<unknown>;
  /** Enters the queue into the list of queues, unless that was done lately. */
  register(queue: string): Promise<void>;
  queues(): Promise<readonly string[]>;
  /** Waits for what is under way, but not for long; idempotent. */
  close(): Promise<void>;
}

/** What a {@link Store} is made of. */
export interface StoreParts {
  readonly connection: Connection;
  readonly isCluster: boolean;
  readonly keys: KeySpace;
  /** For messages; without the password. */
  readonly address: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly makeClient: () => ClientLike;
}

/** How long a blocking read may be overdue: together with its own wait, a dead connection is replaced within 6 s. */
const wakeTimeoutMs = 2000;
const closingMs = 2000;
/** The list of queues heals by itself after somebody emptied the server. */
const registeredMs = 60_000;

/** A store over a connection that works. */
export function createStore(parts: StoreParts): Store {
  const { connection, keys, address, clock } = parts;
  const closing = new AbortController();
  const underWay = new Set<Promise<unknown>>();
  const registered = new Map<string, number>();
  let closed: Promise<void> | null = null;

  function check(): void {
    if (closing.signal.aborted)
      throw new SluiceError("CLOSED", `the connection to ${address} was closed; connect again.`);
  }

  async function whileOpen<T>(call: () => Promise<T>): Promise<T> {
    check();
    const answer = call();
    underWay.add(answer);
    try {
      return await answer;
    } catch (error) {
      check(); // What close cut off failed because of it.
      throw error;
    } finally {
      underWay.delete(answer);
    }
  }

  const run: Run = (script, queue, args = [], onWritten) =>
    whileOpen(() =>
      connection.run(script, { keys: keys.of(queue).namesOf(script.keys), args, onWritten }),
    );

  const wakeUps = createStoreWakeUps(parts, run);

  return {
    clock,
    wakeUps,
    closed: closing.signal,
    check,
    run,
    async register(queue) {
      const now = clock.now();
      if (now - (registered.get(queue) ?? Number.NEGATIVE_INFINITY) < registeredMs) return;
      await whileOpen(() => connection.send("SADD", [keys.queues, queue]));
      if (registered.size >= 10_000) registered.clear();
      registered.set(queue, now);
    },
    async queues() {
      const names = await whileOpen(() => connection.send("SMEMBERS", [keys.queues]));
      return (names as readonly Buffer[]).map(String).sort();
    },
    close() {
      closed ??= (async () => {
        closing.abort();
        wakeUps.close();
        const cut = new Promise<void>((resolve) => {
          const cancel = clock.after(closingMs, resolve);
          void Promise.allSettled(underWay).then(() => {
            cancel();
            resolve();
          });
        });
        await cut;
        connection.close();
      })();
      return closed;
    },
  };
}

type Run = Store["run"];

/** One blocking connection for all queues; in a cluster one per queue, since a read cannot span slots. */
function createStoreWakeUps(parts: StoreParts, run: Run): WakeUps {
  const { connection, keys, address, clock, logger } = parts;
  const options: WakeUpOptions = {
    clock,
    logger,
    connect: () =>
      openConnection({ client: parts.makeClient(), address, clock, timeoutMs: wakeTimeoutMs }),
    async unblock(connectionId) {
      return (await connection.send("CLIENT", ["UNBLOCK", connectionId])) === 1;
    },
    async look(queue) {
      const [ready = 0, nextInMs = -1] = (await run(lookScript, queue)) as readonly number[];
      return { ready, nextInMs: nextInMs < 0 ? null : nextInMs };
    },
    wakeKeyOf: (queue) => keys.of(queue).wake,
  };
  if (!parts.isCluster) return new WakeReader(options);
  const byQueue = new Map<string, WakeUps>();
  return {
    watch(queue, onReady) {
      const own = byQueue.get(queue) ?? new WakeReader(options);
      byQueue.set(queue, own);
      return own.watch(queue, onReady);
    },
    ringSoon: (queue) => byQueue.get(queue)?.ringSoon(queue),
    close() {
      for (const own of byQueue.values()) own.close();
    },
  };
}
