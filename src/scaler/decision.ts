import type { MetricType } from "../specs/index.ts";
import type { Recommendation } from "./stabilization.ts";
import type { TargetStatus } from "./target.ts";
import type { MetricSample } from "./trigger.ts";

/** Numbers behind a sentence, for programs; times are in milliseconds. */
export type Figures = Readonly<Record<string, number>>;

/** A reading that did not succeed, and whose it was. */
export interface ReadingFailure {
  readonly of: "trigger" | "target";
  readonly text: string;
}

/** What a decision is made from. */
export interface Observation {
  readonly at: number;
  /** Empty when the trigger failed; an empty list is never an amount of zero then. */
  readonly samples: readonly MetricSample[];
  /** The last known status when the target failed. */
  readonly status: TargetStatus;
  /** Set: nothing in here may lead to another count than the present one. */
  readonly failure: ReadingFailure | null;
}

/**
 * Why, in the words that KEDA (conditions, events) and the Kubernetes HPA (conditions) use for the same thing, because
 * those are the words that people search for. The last group is Sluice's own, where neither has a word.
 */
export type ReasonCode =
  // KEDA
  | "ScalerActive"
  | "ScalerNotActive"
  | "ScalerCooldown"
  | "KEDAScalerFailed"
  | "KEDAScaleTargetActivated"
  | "KEDAScaleTargetDeactivated"
  | "KEDAJobsCreated"
  | "TriggerError"
  | "PartialTriggerError"
  | "ScaledObjectPaused"
  | "ScaledObjectFallbackActivated"
  // the HPA
  | "FailedGetScale"
  | "FailedGetExternalMetric"
  | "FailedGetResourceMetric"
  | "ScalingDisabled"
  | "ValidMetricFound"
  | "TooManyReplicas"
  | "TooFewReplicas"
  | "DesiredWithinRange"
  | "ScaleUpLimit"
  | "ScaleDownLimit"
  | "ScaleUpStabilized"
  | "ScaleDownStabilized"
  | "ReadyForNewScale"
  // Sluice
  | "ThresholdExceeded"
  | "MessageTooOld"
  | "WaitingForReadiness"
  | "NoCapacity"
  // the wait objective
  | "DeadlineAtRisk"
  | "DeadlineMissed"
  | "DelayedJobsDue"
  | "ForecastAtRisk"
  | "IdleReleased"
  | "ReserveKept"
  | "PrewarmKept"
  | "ObjectiveKept"
  | "DownstreamSaturated"
  | "GroupsExhausted"
  | "StartBudgetSpent"
  | "FallbackActivated"
  | "SharedCap"
  | "JobsFailing";

/** One reason of a decision: a word for programs, a sentence for people, the figures of the sentence. */
export interface Reason {
  readonly code: ReasonCode;
  readonly text: string;
  readonly figures: Figures;
}

/** The steps of a decision; one of them has the last word. */
export type Rule =
  | "backlog"
  | "activation"
  | "bounds"
  | "stabilization"
  | "cooldown"
  | "hold"
  // KEDA's loop
  | "paused"
  | "minimum"
  // the HPA
  | "metric"
  | "highest"
  | "rate"
  // ScaledJob
  | "strategy"
  | "threshold"
  | "age"
  | "readiness"
  | "capacity"
  // the wait objective
  | "deadline"
  | "hopeless"
  | "due"
  | "forecast"
  | "idle-release"
  | "reserve"
  | "prewarm"
  | "fallback"
  | "groups"
  | "maximum"
  | "shared-cap"
  // and with jobs
  | "backoff";

/** The count that one rule proposes, and how it comes to it. */
export interface Candidate {
  readonly rule: Rule;
  readonly replicas: number;
  readonly text: string;
  readonly figures: Figures;
  /** The recommendations that a stabilisation looked at. */
  readonly window?: readonly Recommendation[];
  /** What each rate policy allows. */
  readonly limits?: readonly RateLimit[];
}

/** What one scaling policy of `behavior` allows now. */
export interface RateLimit {
  readonly type: "Pods" | "Percent";
  readonly value: number;
  readonly periodMs: number;
  /** The count at the beginning of the period, by the changes remembered. */
  readonly startedFrom: number;
  readonly allowed: number;
}

/** Which of the loops that act on a replica count decided. */
export type Controller = "backlog" | "keda" | "hpa" | "job" | "objective";

/** One metric of a decision: what it was and what became of it. */
export interface MetricRecord {
  /** As KEDA names it, or `composite-metric` for a formula. */
  readonly metricName: string;
  /** The trigger's name, or its type where it has none; `scalingModifiers` for a formula. */
  readonly trigger: string;
  readonly metricType: MetricType;
  readonly target: number;
  /** What is compared with the target; null when it failed. */
  readonly value: number | null;
  readonly active: boolean;
  /** Why there is no reading, whether or not a fallback stands in for it. */
  readonly failure: string | null;
  /** Failures in a row, this one included; counted where a fallback exists. */
  readonly failures: number;
  readonly source: "reading" | "cache" | "fallback" | "formula" | "none";
  readonly oldestAgeMs: number | null;
}

/** The full record of one decision. The same record feeds logs, dashboard, command line and simulator. */
export interface Decision {
  readonly at: number;
  readonly controller: Controller;
  /** What was read. */
  readonly seen: Observation;
  /** How many replicas there were. */
  readonly current: number;
  /** How many there shall be. */
  readonly replicas: number;
  /** No decision goes beyond these. */
  readonly minReplicaCount: number;
  readonly maxReplicaCount: number;
  /** What each rule proposed, in the order in which the rules were asked. */
  readonly candidates: readonly Candidate[];
  /** The rule that settled the count. */
  readonly rule: Rule;
  /** The most telling first. */
  readonly reasons: readonly Reason[];
  /** KEDA's loop: the row of its decision table (docs/5-scaling.md) that matched, from 0 to 8. */
  readonly kedaRule?: number;
  /** Each metric with its activity, where the decision is made from KEDA's triggers. */
  readonly metrics?: readonly MetricRecord[];
}

/** A policy: pure, so that the simulator runs what production runs. `state` is the policy's own memory. */
export type Decide<S> = (
  state: S,
  seen: Observation,
) => { readonly state: S; readonly decision: Decision };

/** The reasons of a decision as one line of text. */
export function explainDecision(decision: Decision): string {
  return decision.reasons.map((reason) => `${reason.code}: ${reason.text}`).join("; ");
}
