/**
 * Groups awaited calls into one round trip: every caller gets the result of its own item, and waits no longer than the
 * flush before its own takes.
 *
 * States: idle → (first item) scheduled → (end of this turn of the event loop) flushing → idle, or flushing again at
 * once when items came meanwhile. One flush is under way at a time unless more are asked for, and what comes meanwhile
 * forms the next group. Items leave in the order they were added. A lone item is delayed by less than one turn of the
 * event loop, and durability is the flush's own: nothing resolves before it.
 */
import { SluiceError } from "./errors.ts";

/** How a {@link Batcher} groups and sends. */
export interface BatcherOptions<Item, Result> {
  /** Most items of one flush. */
  readonly maxItems: number;
  /**
   * Flushes that may be under way at a time, among which items are shared out: for what answers each item by itself and
   * would be idle between two large groups. Default 1.
   */
  readonly maxFlushes?: number | undefined;
  /** Items that may wait before `add` rejects with `OVERLOADED`. Default 100,000. */
  readonly maxWaiting?: number;
  /** Sends a group; resolves with one result per item, in order. Anything else rejects every item of the group. */
  readonly flush: (items: readonly Item[]) => Promise<readonly Result[]>;
}

/** See the top of this file. */
export interface Batcher<Item, Result> {
  /** Resolves with the item's own result once its group is flushed. */
  add(item: Item): Promise<Result>;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** A {@link Batcher} over `flush`. */
export function createBatcher<Item, Result>(
  options: BatcherOptions<Item, Result>,
): Batcher<Item, Result> {
  const { maxWaiting = 100_000, maxFlushes = 1 } = options;
  let waiting: Waiting<Item, Result>[] = [];
  let running = 0;
  let isScheduled = false;

  /** One more flush, if there may be one. */
  function start(): void {
    if (running >= maxFlushes) return;
    running += 1;
    void flushAll();
  }

  function schedule(): void {
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      start();
    });
  }

  async function flushAll(): Promise<void> {
    while (waiting.length > 0) {
      const share = Math.ceil(waiting.length / (maxFlushes - running + 1));
      const group = waiting.slice(0, Math.min(share, options.maxItems));
      waiting = waiting.slice(group.length);
      const flushing = flushGroup(group);
      if (waiting.length > 0) start(); // after this one, for the sake of the order
      await flushing;
    }
    running -= 1;
  }

  async function flushGroup(group: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await options.flush(group.map((entry) => entry.item));
      if (results.length !== group.length) {
        const message = `${group.length} items were sent and ${results.length} were answered for; what became of them is unknown.`;
        throw new SluiceError("DRIVER_FAILED", message);
      }
      group.forEach((entry, index) => {
        entry.resolve(results[index] as Result);
      });
    } catch (error) {
      for (const entry of group) entry.reject(error);
    }
  }

  return {
    add(item) {
      if (waiting.length >= maxWaiting) {
        const message = `at most ${maxWaiting} sends may wait for their confirmation; await earlier ones first, or use publishMany.`;
        return Promise.reject(new SluiceError("OVERLOADED", message));
      }
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (!isScheduled && running < maxFlushes) schedule();
      });
    },
  };
}
