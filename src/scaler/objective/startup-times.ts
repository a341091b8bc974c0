/** How long starts take, from the last 64 that were seen, in milliseconds. */

/** The starts that are remembered, the oldest first. */
export type StartupTimes = readonly number[];

const mostSamples = 64;
/** With fewer, what was declared is believed. */
export const enoughSamples = 5;

/** Notes a start. */
export function noteStartup(times: StartupTimes, ms: number): StartupTimes {
  return [...times, Math.max(0, ms)].slice(-mostSamples);
}

/** What is known of starts at one time. */
export interface StartupView {
  readonly times: StartupTimes;
  readonly p90: number;
  readonly mean: number;
  /** By how much the slowest exceed the ninth of ten. */
  readonly spread: number;
  /** A start that has taken longer is counted as lost. */
  readonly lostAfter: number;
}

/** See {@link StartupView}; as declared until enough were seen. */
export function viewStartups(times: StartupTimes, declaredMs: number): StartupView {
  const known = times.length < enoughSamples ? [declaredMs] : times.toSorted((a, b) => a - b);
  const [p90, p99] = [quantileOf(known, 0.9), quantileOf(known, 0.99)];
  const mean = known.reduce((total, ms) => total + ms, 0) / known.length;
  return { times, p90, mean, spread: p99 - p90, lostAfter: Math.max(3 * p99, 1000) };
}

/** The start that this share of all do not exceed. */
function quantileOf(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/**
 * How long a worker that has been starting for `age` still takes; null when it is lost. Past the usual time it is the mean
 * of those starts that took longer still.
 */
export function remainingMs({ times, p90, lostAfter }: StartupView, age: number): number | null {
  if (age > lostAfter) return null;
  if (age < p90) return p90 - age;
  const longer = times.filter((ms) => ms > age);
  if (longer.length === 0) return p90 / 4;
  return longer.reduce((sum, ms) => sum + ms - age, 0) / longer.length;
}
