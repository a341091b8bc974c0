/**
 * The mean time of a job: all the time that workers spent on jobs over the jobs that ended (renewal-reward: unbiased in the
 * long run, and jobs that still run count with the time they have had), both forgotten by 0.5 % with every job that ends.
 */
export interface ServiceTime {
  readonly busyMs: number;
  readonly ended: number;
}

const forgetting = 0.005;
/** How many jobs the declared time weighs as. It matters little: a few dozen jobs override it. */
const priorJobs = 1;

/** Before any job ended. */
export function declaredService(ms: number): ServiceTime {
  return { busyMs: ms * priorJobs, ended: priorJobs };
}

/** Adds what was done since the last look. */
export function noteService(service: ServiceTime, busyMs: number, ended: number): ServiceTime {
  const kept = (1 - forgetting) ** ended;
  return { busyMs: service.busyMs * kept + busyMs, ended: service.ended * kept + ended };
}

/** What is known of the jobs that run. */
export interface RunningJobs {
  /** How long each busy worker is known to have run what it runs. */
  readonly runningFor: readonly number[];
  /** Jobs that end in a millisecond, as of late. */
  readonly endedPerMs: number;
}

/**
 * The estimate, in milliseconds. When more than half of the running jobs have run for far longer, and hardly any ended
 * meanwhile, the jobs have become longer than the ended ones tell: then the median age of those that run counts.
 */
export function serviceMs(service: ServiceTime, { runningFor, endedPerMs }: RunningJobs): number {
  const mean = Math.max(1, service.busyMs / service.ended);
  if (runningFor.length === 0) return mean;
  const ages = runningFor.toSorted((a, b) => a - b);
  const median = ages[Math.floor((ages.length - 1) / 2)] ?? 0;
  const isOnset =
    median > (runningFor.length < 4 ? 10 : 3) * mean && endedPerMs * median < runningFor.length / 2;
  return isOnset ? median : mean;
}
