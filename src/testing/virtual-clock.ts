import type { Clock } from "../core/index.ts";

/** A {@link Clock} that stands still until it is told to move. */
export interface VirtualClock extends Clock {
  /**
   * Moves time forward by `ms`, stopping at every timer that comes due, in order of time and then of arming. What a
   * timer sets going settles before the next one runs. Rejects with the error of a timer that throws. Calls that
   * overlap run one after the other.
   */
  advance(ms: number): Promise<void>;
  /** How many timers are armed: what a test checks to see that nothing was left behind. */
  readonly armedTimers: number;
}

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/**
 * Turns of the event loop between two timers. A publish and a settle that are grouped each take one (`setImmediate`);
 * ten let a job that publishes jobs that publish jobs run through.
 */
const settlingTurns = 10;

/** A clock for tests and simulations that begins at `startMs`, by default 2026-01-01 UTC. */
export function createVirtualClock(startMs: number = Date.UTC(2026, 0, 1)): VirtualClock {
  const timers: Timer[] = [];
  let now = startMs;
  let advancing: Promise<void> = Promise.resolve();

  async function advanceTo(end: number): Promise<void> {
    await settle();
    for (let next = timers[0]; next !== undefined && next.at <= end; next = timers[0]) {
      timers.shift();
      now = next.at;
      next.callback();
      await settle();
    }
    now = end;
  }

  return {
    now: () => now,
    after(ms, callback) {
      const timer = { at: now + Math.max(0, ms), callback };
      const place = timers.findLastIndex((other) => other.at <= timer.at) + 1;
      timers.splice(place, 0, timer);
      return () => {
        const index = timers.indexOf(timer);
        if (index >= 0) timers.splice(index, 1);
      };
    },
    advance(ms) {
      const run = advancing.then(() => advanceTo(now + Math.max(0, ms)));
      advancing = run.catch(() => undefined);
      return run;
    },
    get armedTimers() {
      return timers.length;
    },
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < settlingTurns; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
