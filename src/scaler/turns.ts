/** Runs of one piece of work, one at a time; see {@link createTurns}. */
export interface Turns<T> {
  /** A run that begins after this call: at once, or when the one under way is over. Callers who wait share that one. */
  next(): Promise<T>;
  /** Resolves when no run is under way or waits. */
  idle(): Promise<void>;
}

/**
 * Takes turns: never two runs of `work` at the same time, and any number of calls during a run make one more after it.
 *
 * States: resting → (next) running → (next) running with one to follow → running → resting.
 */
export function createTurns<T>(work: () => Promise<T>): Turns<T> {
  let running: Promise<T> | null = null;
  let following: Promise<T> | null = null;

  function begin(): Promise<T> {
    following = null;
    running = work().finally(() => {
      running = null;
    });
    return running;
  }

  return {
    next() {
      if (running === null) return following ?? begin();
      following ??= running.then(begin, begin);
      return following;
    },
    async idle() {
      while (running !== null || following !== null)
        await Promise.allSettled([following ?? running]);
    },
  };
}
