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

/**
 * Leases that came and went since the last message. Lists of texts, because a thread is sent those more than ten times
 * faster than objects (measured: 9 µs for 200 receipts, against 102 µs for 200 objects of queue and receipt).
 */
export interface StandInChanges {
  readonly added: readonly { readonly queue: string; readonly receipts: readonly string[] }[];
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
  const changes = groupChanges((group) => thread.postMessage(group));
  const beat = setInterval(() => {
    Atomics.add(counter, 0, 1);
    changes.flush();
  }, leaseMs / beatsPerLease).unref();
  return {
    add: changes.add,
    remove: changes.remove,
    close() {
      clearInterval(beat);
      void thread.terminate();
    },
  };
}

interface Changes extends Pick<LeaseStandIn, "add" | "remove"> {
  /** Sends what has not been sent. */
  flush(): void;
}

/**
 * Joins the changes of one turn into one message. New leases leave with the next microtask, which comes before the
 * handler of a delivery begins: the thread knows of a lease before the handler can block. Leases that ended leave with
 * the next new ones, or with the beat: renewing one of them fails and harms nobody.
 */
function groupChanges(send: (changes: StandInChanges) => void): Changes {
  const added = new Map<string, string[]>();
  let removed: string[] = [];
  function flush(): void {
    if (added.size + removed.length === 0) return;
    send({ added: [...added].map(([queue, receipts]) => ({ queue, receipts })), removed });
    added.clear();
    removed = [];
  }
  return {
    flush,
    add(queue, receipt) {
      if (added.size === 0) queueMicrotask(flush);
      const ofQueue = added.get(queue);
      if (ofQueue) ofQueue.push(receipt);
      else added.set(queue, [receipt]);
    },
    remove(receipt) {
      removed.push(receipt);
    },
  };
}
