/**
 * The places of a worker: as many jobs run at once as there are slots, over all its queues. Whoever waits first is
 * served first, so that a busy queue cannot keep the others from their turn.
 */
export interface Slots {
  readonly used: number;
  /** Waits until at least one is free, then takes up to `most` and says how many. 0 once `signal` aborts. */
  take(most: number, signal: AbortSignal): Promise<number>;
  give(count: number): void;
}

/** `total` slots, all free. */
export function createSlots(total: number): Slots {
  let used = 0;
  const waiters: (() => void)[] = [];
  /** One function for all waits, so that a signal holds it once. */
  const wakeAll = (): void => {
    for (const wake of waiters.splice(0)) wake();
  };

  return {
    get used() {
      return used;
    },
    async take(most, signal) {
      while (used === total && !signal.aborted) {
        await new Promise<void>((resolve) => {
          waiters.push(resolve);
          signal.addEventListener("abort", wakeAll, { once: true });
        });
      }
      if (signal.aborted) return 0;
      const taken = Math.min(most, total - used);
      used += taken;
      return taken;
    },
    give(count) {
      used -= count;
      if (count > 0) waiters.shift()?.();
    },
  };
}
