/**
 * Tells watchers of a queue that it may have work, whichever process published it.
 *
 * A notification calls them at once. A look asks the database what all watched queues have to offer, in one statement:
 * it calls the watchers of those that have something ready, and sets a timer for the next delay or lease to end. There
 * is one soon after each notification, and one every two seconds in case a notification went missing: half a query
 * per second and process, however many queues it watches, and also the proof that the connection lives.
 */
import type { Cancel, Clock, Logger } from "../../core/index.ts";
import type { Database } from "./database.ts";
import { createListener, type Listener } from "./listener.ts";
import { createLooks } from "./looks.ts";
import { quoted } from "./schema.ts";

/** What wake-ups are made from. */
export interface WakeUpOptions {
  readonly database: Database;
  readonly schema: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

/** See the top of this file. */
export interface WakeUps {
  watch(queue: string, onReady: () => void): Cancel;
  /** This process has just made a message ready. */
  announce(queue: string): void;
  close(): Promise<void>;
}

interface WatchedQueue {
  readonly listeners: Set<() => void>;
  cancelTimer: Cancel;
}

const safetyLookMs = 2000;
/** From a notification to the look that follows it, by which time whoever was woken has taken what there was. */
const echoMs = 40;
const connectionLostMs = 500;

/** Listens from the first watcher on, until it is closed. */
export function createWakeUps(options: WakeUpOptions): WakeUps {
  const { clock, schema } = options;
  const text = `SELECT queue, ready, wait_ms FROM ${quoted(schema)}.prospect($1::text[])`;
  const queues = new Map<string, WatchedQueue>();
  let listener: Listener | null = null;
  let isClosed = false;
  const looks = createLooks(clock, look);

  function ring(queue: string): void {
    for (const onReady of [...(queues.get(queue)?.listeners ?? [])]) onReady();
  }

  function ringAll(): void {
    for (const queue of [...queues.keys()]) ring(queue);
  }

  /** A look that fails ends the connection, and the next one to listen looks anew. */
  async function look(): Promise<void> {
    if (listener === null || queues.size === 0) return;
    const rows = await listener.query(text, [[...queues.keys()]]).catch(() => null);
    if (rows === null) return looks.soon(connectionLostMs);
    for (const [queue, isReady, waitMs] of rows)
      tell(String(queue), isReady === true, waitMs === null ? null : Number(waitMs));
    if (queues.size > 0) looks.soon(safetyLookMs * (0.9 + options.random() / 5));
  }

  /** Rings when something is ready or due, and sets the timer for what will be before the look after next. */
  function tell(queue: string, isReady: boolean, waitMs: number | null): void {
    const watched = queues.get(queue);
    if (watched === undefined) return;
    const isDue = waitMs !== null && waitMs <= 0;
    if (isReady || isDue) ring(queue);
    if (waitMs === null || isDue || waitMs > 2 * safetyLookMs) return;
    watched.cancelTimer();
    watched.cancelTimer = clock.after(Math.ceil(waitMs), () => announce(queue));
  }

  function announce(queue: string): void {
    if (!queues.has(queue)) return;
    ring(queue);
    looks.soon(echoMs);
  }

  function start(): Listener {
    return createListener({
      ...options,
      channel: quoted(schema),
      onNotification: announce,
      onListening() {
        ringAll();
        looks.soon(0);
      },
      onAway: ringAll,
    });
  }

  return {
    watch(queue, onReady) {
      const watched = queues.get(queue) ?? { listeners: new Set(), cancelTimer: () => undefined };
      queues.set(queue, watched);
      const own = (): void => onReady();
      watched.listeners.add(own);
      listener ??= start();
      looks.soon(0);
      return () => {
        watched.listeners.delete(own);
        if (watched.listeners.size > 0 || queues.get(queue) !== watched) return;
        watched.cancelTimer();
        queues.delete(queue);
        if (queues.size === 0) looks.stop();
      };
    },
    announce(queue) {
      if (queues.has(queue)) setImmediate(() => !isClosed && announce(queue));
    },
    async close() {
      isClosed = true;
      looks.stop();
      for (const watched of queues.values()) watched.cancelTimer();
      queues.clear();
      await listener?.close();
    },
  };
}
