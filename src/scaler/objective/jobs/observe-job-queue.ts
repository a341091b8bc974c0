/** What a ScaledJob's objective looks at, put together from its triggers and its jobs. */
import type { ReadingFailure } from "../../decision.ts";
import type { JobTargetStatus } from "../../job-target.ts";
import { type JobObservation, observeJobs, type TriggerReading } from "../../keda/index.ts";
import type { MetricSample } from "../../trigger.ts";
import { isCount, sampleOf } from "../counting-triggers.ts";
import { type QueueLook, sumKnown } from "../queue-look.ts";
import type { JobObjectivePolicy } from "./job-objective-policy.ts";
import { takesAt } from "./jobs-as-workers.ts";

/** The parts of a look. */
export interface JobQueueLook {
  readonly at: number;
  readonly triggers: readonly TriggerReading[];
  readonly jobs: JobTargetStatus;
  /** The target's, when its status could not be read. */
  readonly failure?: ReadingFailure | null;
}

/** Puts together what was read at one time. A failed reading of any trigger that counts messages is the failure of all. */
export function observeJobQueue(policy: JobObjectivePolicy, look: JobQueueLook): JobObservation {
  const { at, failure = null } = look;
  const counting = look.triggers.filter(({ index }) => policy.counts[index] !== null);
  const failed = counting.find(({ readings }) => readings === null);
  const unread: ReadingFailure | null =
    failed === undefined ? null : { of: "trigger", text: failed.failure ?? "it was not read" };
  const samples = counting.flatMap((trigger) => samplesOf(trigger, { policy, at }));
  return { ...observeJobs(look), failure: failure ?? unread, samples };
}

function samplesOf(
  { readings, index }: TriggerReading,
  { policy, at }: { readonly policy: JobObjectivePolicy; readonly at: number },
): readonly MetricSample[] {
  const isReady = policy.counts[index] === "excluded";
  return (readings ?? []).filter(isCount).map((reading) => sampleOf(reading, { at, isReady }));
}

/** What is known besides the look. */
export interface OneMessageTerms {
  /** What a start takes, for jobs that do not say when they are ready. */
  readonly startupMs: number;
  /**
   * What waits at least: what waited at the last look, less what jobs have taken since. A job that is done with its message
   * and has not ended yet would hide one that waits otherwise.
   */
  readonly atLeast: number;
}

/**
 * The queue where each job takes one message: what waits, without what ready jobs have taken, whether the source still
 * counts that or not. A message that a job is just about to take may be counted for one look as one that has just come,
 * which has its time. Null where the samples make no sense.
 */
export function lookAtOneMessageJobs(
  { samples, jobs: { jobs }, at: now }: JobObservation,
  { startupMs, atLeast }: OneMessageTerms,
): QueueLook | null {
  const isSense = samples.every(({ value }) => value >= 0 && Number.isFinite(value));
  if (samples.length === 0 || !isSense) return null;
  const at = Math.min(now, ...samples.map((sample) => sample.at));
  const inHand = jobs.filter((job) => {
    const from = takesAt(job, startupMs);
    return from !== null && from <= at && (job.endedAt === null || job.endedAt > at);
  }).length;
  const value = samples.reduce((sum, sample) => sum + sample.value, 0);
  const excludes = samples.every(({ ready }) => ready !== null);
  const ages = samples.flatMap(({ oldestAgeMs }) => (oldestAgeMs === null ? [] : [oldestAgeMs]));
  const ready = Math.max(0, excludes ? value : value - inHand, Math.min(value, atLeast));
  return {
    ...{ at, ready, inFlight: inHand, due: [], workersTell: true },
    activeGroups: sumKnown(samples.map(({ activeGroups }) => activeGroups ?? null)),
    oldestAgeMs: ages.length === 0 || ready === 0 ? null : Math.max(0, ...ages),
  };
}
