import {
  aborted,
  type Cancel,
  type Clock,
  type Driver,
  type DriverCapabilities,
  type Duration,
  receiveWithin,
  SluiceError,
  systemClock,
  toMs,
} from "../../core/index.ts";
import type { MemoryQueue } from "./memory-queue.ts";
import { enterStore, MemoryStore } from "./memory-store.ts";

/** Where the queues are and how they tell the time. */
export interface MemoryDriverOptions {
  /**
   * Connections of this process with the same name share their queues, which end with the last of them; the first one
   * decides clock and window. Default: queues of one's own.
   */
  readonly name?: string;
  /** Default: the machine's time. */
  readonly clock?: Clock;
  /** How long an id that a publisher chose is remembered. Default 10m. */
  readonly dedupWindow?: Duration;
}

/** What the memory driver can do. */
export const memoryCapabilities: DriverCapabilities = {
  durable: false,
  shared: false,
  ordering: "fifo",
  delay: "native",
  priority: "native",
  deduplication: "native",
  leaseExtension: "native",
  failureHistory: "native",
  wakeUp: "native",
  deadLetters: "native",
  browse: "native",
  transactions: "none",
  depth: { ready: "exact", delayed: "exact", inFlight: "exact", dead: "exact", oldestAge: "exact" },
  limits: {
    maxBodyBytes: 16 * 1024 * 1024,
    maxHeaderBytes: 64 * 1024,
    maxDelayMs: 3650 * 86_400_000,
    maxPublishBatch: 10_000,
    maxPriority: 9,
  },
};

/**
 * Queues inside this process, gone with it: for tests, simulations and work that need not survive. It keeps every
 * promise but durability, and is what the other drivers' semantics are compared with.
 *
 * @example
 * ```ts
 * import { memoryDriver } from "sluice/drivers/memory";
 *
 * const driver = memoryDriver({ name: "tests" });
 * await driver.close();
 * ```
 */
export function memoryDriver(options: MemoryDriverOptions = {}): Driver {
  const { clock = systemClock } = options;
  const dedupWindowMs = toMs(options.dedupWindow ?? "10m", "dedupWindow");
  const access = enterStore(options.name ?? "", () => new MemoryStore({ clock, dedupWindowMs }));
  const closing = new AbortController();
  const watches = new Set<Cancel>();

  function open(): MemoryStore {
    if (closing.signal.aborted) throw closed();
    return access.store;
  }
  const use = (queue: string): MemoryQueue => open().queue(queue);

  return {
    name: "memory",
    capabilities: memoryCapabilities,
    async publish(queue, messages, { signal } = {}) {
      const target = use(queue);
      if (signal?.aborted) throw aborted(signal);
      return target.publish(messages);
    },
    async receive(queue, { max, waitMs, leaseMs, signal }) {
      const source = use(queue);
      return receiveWithin({
        attempt: async () => source.receive(max, leaseMs),
        watch: (onReady) => source.watch(onReady),
        waitMs,
        clock,
        signal,
        closing: closing.signal,
      });
    },
    settle: async (queue, settlements) => use(queue).settle(settlements),
    extend: async (queue, receipts, leaseMs) => use(queue).extend(receipts, leaseMs),
    depth: async (queue) => use(queue).depth(),
    dueWithin: async (queue, edgesMs) => use(queue).dueWithin(edgesMs),
    watch(queue, onReady) {
      const stop = use(queue).watch(onReady);
      watches.add(stop);
      return () => {
        watches.delete(stop);
        stop();
      };
    },
    deadLetters: async (queue, { limit }) => use(queue).deadLetters(limit),
    redrive: async (queue, selection) => use(queue).redrive(selection),
    purgeDeadLetters: async (queue, selection) => use(queue).purgeDeadLetters(selection),
    peek: async (queue, { limit }) => use(queue).peek(limit),
    purge: async (queue) => use(queue).purge(),
    queues: async () => open().names(),
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      for (const stop of watches) stop();
      watches.clear();
      access.leave();
    },
  };
}

function closed(): SluiceError {
  return new SluiceError(
    "CLOSED",
    "the memory driver's connection was used after close(). Connect anew.",
  );
}
