import type { Clock } from "../../core/index.ts";

/** What the workers of a target have cost so far. */
export interface ProcessTargetStats {
  /** Processes started, restarts included. */
  readonly started: number;
  /** The most processes that ran at the same time, draining ones included. */
  readonly peak: number;
  /** Seconds that processes ran, added up; those that run now count up to now. */
  readonly workerSeconds: number;
  /** Deaths that nobody asked for. */
  readonly crashes: number;
}

/** Counts processes and their time. */
export interface UsageMeter {
  /** A process began; call the result once when it ended. */
  begin(): () => void;
  crashed(): void;
  stats(): ProcessTargetStats;
}

/** A {@link UsageMeter} at zero. */
export function createUsageMeter(clock: Clock): UsageMeter {
  const running = new Set<{ readonly since: number }>();
  let started = 0;
  let peak = 0;
  let endedMs = 0;
  let crashes = 0;
  return {
    begin() {
      const one = { since: clock.now() };
      running.add(one);
      started += 1;
      peak = Math.max(peak, running.size);
      return () => {
        if (running.delete(one)) endedMs += clock.now() - one.since;
      };
    },
    crashed() {
      crashes += 1;
    },
    stats() {
      const runningMs = [...running].reduce((sum, one) => sum + clock.now() - one.since, 0);
      return { started, peak, workerSeconds: (endedMs + runningMs) / 1000, crashes };
    },
  };
}
