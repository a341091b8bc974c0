/**
 * The mean time of a job: all the time that workers spent on jobs over the jobs that ended (renewal-reward: unbiased in the
 * long run, and jobs that still run count with the time they have had), both forgotten by 0.5 % with every job that ends.
 *
 * When many workers begin or end at once, time and endings do not belong together for a moment: the time of jobs that run
 * has been counted, their ends have not. So what `pendingMs` differs from what it usually is, is left out.
 */
export interface ServiceTime {
  readonly busyMs: number;
  readonly ended: number;
  /** Time of jobs that run now, each with no more than the mean; and the same as it has been on average. */
  readonly pendingMs: number;
  readonly usualPendingMs: number;
}

const forgetting = 0.005;
/** How many jobs the declared time weighs as. It matters little: a few dozen jobs override it. */
const priorJobs = 1;

/** Before any job ended. */
export function declaredService(ms: number): ServiceTime {
  return { busyMs: ms * priorJobs, ended: priorJobs, pendingMs: 0, usualPendingMs: 0 };
}

/** What was done since the last look. */
export interface WorkDone {
  readonly busyMs: number;
  readonly ended: number;
  /** Time of jobs that run now, each with no more than the mean. */
  readonly pendingMs: number;
}

/** Adds what was done since the last look. */
export function noteService(service: ServiceTime, done: WorkDone): ServiceTime {
  const { busyMs, ended, pendingMs } = done;
  const kept = (1 - forgetting) ** ended;
  return {
    busyMs: service.busyMs * kept + busyMs,
    ended: service.ended * kept + ended,
    pendingMs,
    usualPendingMs: pendingMs + kept * (service.usualPendingMs - pendingMs),
  };
}

/** The mean by the jobs that ended, in milliseconds. */
export function meanServiceMs(service: ServiceTime): number {
  const { busyMs, ended, pendingMs, usualPendingMs } = service;
  return Math.max(1, (busyMs - pendingMs + usualPendingMs) / ended);
}

/** What is known of the jobs that run. */
export interface RunningJobs {
  /** How long each busy worker is known to have run what it runs. */
  readonly runningFor: readonly number[];
  /** How many jobs were begun within so long a time until now. */
  readonly begunWithin: (ms: number) => number;
}

/**
 * The estimate, in milliseconds. When more than half of the running jobs have run for far longer, and hardly any were begun
 * meanwhile, the jobs have become longer than the ended ones tell: then the median age of those that run counts.
 */
export function serviceMs(service: ServiceTime, { runningFor, begunWithin }: RunningJobs): number {
  const mean = meanServiceMs(service);
  if (runningFor.length === 0) return mean;
  const ages = runningFor.toSorted((a, b) => a - b);
  const median = ages[Math.floor((ages.length - 1) / 2)] ?? 0;
  const isFar = median > (runningFor.length < 4 ? 10 : 3) * mean;
  const isOnset = isFar && begunWithin(median) < runningFor.length;
  return isOnset ? median : mean;
}
