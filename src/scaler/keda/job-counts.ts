/** Which of a ScaledJob's jobs count as pending, and which are cleared away. For targets that see pods. */
import type { JobStatus } from "../job-target.ts";
import type { ScaledJobPolicy } from "./scaled-job-policy.ts";

/** A pod of a job, as far as the pending rule looks at it. */
export interface JobPod {
  readonly phase: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
  /** The types of its conditions that are True, such as `Ready`, `PodScheduled`. */
  readonly conditions: readonly string[];
}

/**
 * Whether an unfinished job is not at work yet. With `pendingPodConditions`: no single pod has them all. Without: no pod
 * runs or has succeeded; a job without a pod is pending.
 */
export function isPendingJob(pods: readonly JobPod[], conditions: readonly string[]): boolean {
  const atWork = (pod: JobPod): boolean =>
    conditions.length === 0
      ? pod.phase === "Running" || pod.phase === "Succeeded"
      : conditions.every((condition) => pod.conditions.includes(condition));
  return !pods.some(atWork);
}

/** The ids of ended jobs beyond the history limits, oldest first. */
export function jobsToForget(
  jobs: readonly JobStatus[],
  history: ScaledJobPolicy["history"],
): readonly string[] {
  const beyond = (state: JobStatus["state"], limit: number): readonly string[] => {
    const over = jobs
      .filter((job) => job.state === state)
      .toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
    return over.slice(0, Math.max(0, over.length - limit)).map((job) => job.id);
  };
  return [...beyond("succeeded", history.successful), ...beyond("failed", history.failed)];
}

/** The ids of jobs of other generations, running ones too, which an immediate roll-out of a new spec ends. */
export function jobsToReplace(
  jobs: readonly JobStatus[],
  { rollout, generation }: Pick<ScaledJobPolicy, "rollout" | "generation">,
): readonly string[] {
  if (rollout === "gradual") return [];
  return jobs.filter((job) => job.generation !== generation).map((job) => job.id);
}
