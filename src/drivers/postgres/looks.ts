import type { Cancel, Clock } from "../../core/index.ts";

/** Looks are this far apart at least. */
const shortestGapMs = 200;

/** When to look. */
export interface Looks {
  /** Looks after `ms` or earlier, but not before the shortest gap is over. */
  soon(ms: number): void;
  stop(): void;
}

/** One look at a time, none of them asked for in vain, and never in quick succession. */
export function createLooks(clock: Clock, look: () => Promise<void>): Looks {
  let cancelTimer: Cancel = () => undefined;
  let setFor = Number.POSITIVE_INFINITY;
  let lastAt = Number.NEGATIVE_INFINITY;
  let isLooking = false;
  let isWanted = false;

  async function run(): Promise<void> {
    setFor = Number.POSITIVE_INFINITY;
    if (isLooking) {
      isWanted = true;
      return;
    }
    isLooking = true;
    lastAt = clock.now();
    await look();
    isLooking = false;
    if (isWanted) soon(0);
    isWanted = false;
  }

  function soon(ms: number): void {
    const at = Math.max(clock.now() + ms, lastAt + shortestGapMs);
    if (at >= setFor) return;
    cancelTimer();
    setFor = at;
    cancelTimer = clock.after(at - clock.now(), () => void run());
  }

  return {
    soon,
    stop() {
      cancelTimer();
      setFor = Number.POSITIVE_INFINITY;
      isWanted = false;
    },
  };
}
