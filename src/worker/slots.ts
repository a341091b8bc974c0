/**
 * The places of a worker: as many jobs run at once as there are slots, over all its queues. Whoever waits first is
 * served first, and nobody overtakes those who wait, so that a busy queue cannot keep the others from their turn.
 */
export interface Slots {
  readonly used: number;
  /** Waits until at least one is free, then takes up to `most` and says how many. 0 once `signal` aborts. */
  take(most: number, signal: AbortSignal): Promise<number>;
  give(count: number): void;
}

interface Waiter {
  readonly most: number;
  readonly serve: (taken: number) => void;
}

/** `total` slots, all free. */
export function createSlots(total: number): Slots {
  let used = 0;
  /** In the order of coming. */
  const waiters = new Set<Waiter>();

  let isServing = false;

  /**
   * At the end of the turn, when all who give slots back in it have done so: served at once, a waiter would get the
   * first one alone and make a round trip for a single message (measured: half the claims were of one).
   */
  function serveWaiters(): void {
    isServing = false;
    for (const waiter of waiters) {
      if (used === total) return;
      waiters.delete(waiter);
      waiter.serve(claim(waiter.most));
    }
  }

  function claim(most: number): number {
    const taken = Math.min(most, total - used);
    used += taken;
    return taken;
  }

  return {
    get used() {
      return used;
    },
    async take(most, signal) {
      if (signal.aborted) return 0;
      if (used < total && waiters.size === 0) return claim(most);
      return new Promise((resolve) => {
        const leave = (): void => {
          waiters.delete(waiter);
          resolve(0);
        };
        const serve = (taken: number): void => {
          signal.removeEventListener("abort", leave);
          resolve(taken);
        };
        const waiter: Waiter = { most, serve };
        waiters.add(waiter);
        signal.addEventListener("abort", leave, { once: true });
      });
    },
    give(count) {
      used -= count;
      if (isServing || waiters.size === 0) return;
      isServing = true;
      setImmediate(serveWaiters);
    },
  };
}
