/** What a poll of a ScaledJob goes by, and what a strategy makes of it. */
import type { Candidate, Reason, Rule } from "../decision.ts";
import type { CombinedJobMetric, JobMetric } from "./job-metrics.ts";
import type { JobObservation } from "./object-observation.ts";
import type { ScaledJobPolicy } from "./scaled-job-policy.ts";

/** What a ScaledJob's clock remembers. Plain data. */
export interface ScaledJobState {
  readonly lastActiveAt: number | null;
  /** Since when no look has found the queue empty; null: it was empty at the last look. For `sequential`. */
  readonly waitingSince: number | null;
}

/** Everything that was looked at, for either kind of strategy. */
export interface JobLook {
  readonly policy: ScaledJobPolicy;
  readonly state: ScaledJobState;
  readonly seen: JobObservation;
  /** Jobs that run, pending ones included. */
  readonly running: number;
  readonly pending: number;
  readonly metrics: readonly JobMetric[];
  readonly errors: readonly string[];
  readonly combined: CombinedJobMetric;
}

/** What a strategy makes of it. */
export interface JobVerdict {
  readonly rule: Rule;
  readonly create: number;
  readonly candidates: readonly Candidate[];
  readonly reasons: readonly Reason[];
}
