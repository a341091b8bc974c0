import { formatMs } from "../../core/index.ts";
import type { ObjectivePolicy } from "./objective-policy.ts";

/** Whether an objective can be kept by reacting to jobs that are there, and what to expect where it cannot. */
export interface ObjectiveCheck {
  readonly isAttainable: boolean;
  /** From a job's arrival to the first job of a worker that is started for it, at worst. */
  readonly reactionMs: number;
  /** After a rise of the load, the jobs of so long a time are late; 0 where it can be kept. */
  readonly lateForMs: number;
  /** The same for people, with what to do. */
  readonly text: string;
}

/** What is known of start-up and readings; what is not given is as the policy declares. */
export interface ObjectiveFacts {
  /** What nine of ten starts do not exceed. */
  readonly startupMs?: number;
  /** How old readings of the queue are. */
  readonly stalenessMs?: number;
}

/**
 * Holds an objective against the dead time of the loop: reading, look and start. A job that comes when all workers are busy
 * waits for all of them, so an objective below their sum is only kept by workers that are there before the job.
 *
 * @example
 * const { isAttainable, text } = checkObjective(toObjectivePolicy({ maxWait: "5s" }));
 */
export function checkObjective(
  policy: ObjectivePolicy,
  facts: ObjectiveFacts = {},
): ObjectiveCheck {
  const { maxWaitMs, pollingIntervalMs, minReplicaCount } = policy;
  const { startupMs = policy.startupMs, stalenessMs = 0 } = facts;
  const reactionMs = startupMs + pollingIntervalMs + stalenessMs;
  const lateForMs = Math.max(0, reactionMs - maxWaitMs);
  const sum = `start-up ${formatMs(startupMs)} + look ${formatMs(pollingIntervalMs)}${stalenessMs > 0 ? ` + age of readings ${formatMs(stalenessMs)}` : ""} = ${formatMs(reactionMs)}`;
  if (reactionMs < maxWaitMs) {
    const text = `a wait of ${formatMs(maxWaitMs)} can be kept: ${sum}`;
    return { isAttainable: true, reactionMs, lateForMs: 0, text };
  }
  const cure =
    minReplicaCount > 0
      ? "Raise maxWait or minReplicaCount"
      : `Raise maxWait above ${formatMs(reactionMs)}, or keep workers with minReplicaCount`;
  const text = `a wait of ${formatMs(maxWaitMs)} cannot be kept by reaction: ${sum}. When the load rises beyond the workers that run, jobs wait up to ${formatMs(reactionMs)}, those of the first ${formatMs(lateForMs)} longer than promised. ${cure}`;
  return { isAttainable: false, reactionMs, lateForMs, text };
}
