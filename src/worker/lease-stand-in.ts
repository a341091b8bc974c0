/**
 * Keeps leases while a handler blocks the event loop, when no timer of this thread can fire: a thread of its own sees
 * which leases are held (`shared-leases.ts`) and hears a beat from the main thread. While the beat goes on it does nothing. When the beat
 * stops, it opens the queues by itself and renews in the main thread's place, until the beat is back.
 */
import { Worker as Thread } from "node:worker_threads";
import type { DriverAddress, Logger } from "../core/index.ts";
import { createLeaseWriter, type LeaseWriter } from "./shared-leases.ts";

/** What the thread is started with. */
export interface StandInData {
  readonly address: DriverAddress;
  readonly leaseMs: number;
  /** One 32-bit counter that the main thread raises. */
  readonly beats: SharedArrayBuffer;
}

/** See the top of this file. */
export interface LeaseStandIn extends LeaseWriter {
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
  return {
    ...createLeaseWriter((table) => thread.postMessage(table)),
    close() {
      clearInterval(beat);
      void thread.terminate();
    },
  };
}
