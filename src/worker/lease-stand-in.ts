/**
 * Keeps leases while a handler blocks the event loop, when no timer of this thread can fire: a thread of its own knows
 * which leases are held and hears a beat from the main thread. While the beat goes on it does nothing. When the beat
 * stops, it opens the queues by itself and renews in the main thread's place, until the beat is back.
 */
import { Worker as Thread } from "node:worker_threads";
import type { DriverAddress, Logger } from "../core/index.ts";

/** What the thread is started with. */
export interface StandInData {
  readonly address: DriverAddress;
  readonly leaseMs: number;
  /** One 32-bit counter that the main thread raises. */
  readonly beats: SharedArrayBuffer;
}

/** Leases that came and went since the last message. */
export interface StandInChanges {
  readonly added: readonly { readonly queue: string; readonly receipt: string }[];
  readonly removed: readonly string[];
}

/** See the top of this file. */
export interface LeaseStandIn {
  add(queue: string, receipt: string): void;
  remove(receipt: string): void;
  close(): void;
}

/** The thread looks, and the main thread beats, this often within one lease. */
export const beatsPerLease = 6;

/** For drivers whose leases end with this process anyway, and for code that runs from its TypeScript source. */
export const noStandIn: LeaseStandIn = {
  add: () => undefined,
  remove: () => undefined,
  close: () => undefined,
};

const entry = new URL("./lease-stand-in-thread.js", import.meta.url);

/** Starts the thread; it does not keep the process alive. */
export function startLeaseStandIn(
  address: DriverAddress | null,
  leaseMs: number,
  logger: Logger,
): LeaseStandIn {
  if (address === null || import.meta.url.endsWith(".ts")) return noStandIn;
  const beats = new SharedArrayBuffer(4);
  const counter = new Int32Array(beats);
  const data: StandInData = { address, leaseMs, beats };
  const thread = new Thread(entry, {
    workerData: data,
    execArgv: [],
    stdout: false,
    stderr: false,
  });
  thread.unref();
  thread.on("error", (error) => {
    logger.warn("leases cannot be kept while a handler blocks the event loop", { error });
  });
  const beat = setInterval(() => Atomics.add(counter, 0, 1), leaseMs / beatsPerLease).unref();
  const post = groupedPost((changes) => thread.postMessage(changes));
  return {
    add: (queue, receipt) => post({ added: { queue, receipt } }),
    remove: (receipt) => post({ removed: receipt }),
    close() {
      clearInterval(beat);
      void thread.terminate();
    },
  };
}

interface Change {
  readonly added?: { readonly queue: string; readonly receipt: string };
  readonly removed?: string;
}

/**
 * Joins the changes of one turn into one message. It leaves with the next microtask, which comes before the handler of
 * a delivery begins: the thread knows of a lease before the handler can block.
 */
function groupedPost(send: (changes: StandInChanges) => void): (change: Change) => void {
  let added: { readonly queue: string; readonly receipt: string }[] = [];
  let removed: string[] = [];
  function flush(): void {
    send({ added, removed });
    added = [];
    removed = [];
  }
  return (change) => {
    if (added.length + removed.length === 0) queueMicrotask(flush);
    if (change.added) added.push(change.added);
    if (change.removed !== undefined) removed.push(change.removed);
  };
}
