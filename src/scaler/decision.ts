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
 * those are the words that people search for.
 */
export type ReasonCode =
  | "ScalerActive"
  | "ScalerNotActive"
  | "ScalerCooldown"
  | "KEDAScalerFailed"
  | "KEDAScaleTargetActivated"
  | "KEDAScaleTargetDeactivated"
  | "FailedGetScale"
  | "TooManyReplicas"
  | "TooFewReplicas"
  | "DesiredWithinRange"
  | "ScaleDownStabilized";

/** One reason of a decision: a word for programs, a sentence for people, the figures of the sentence. */
export interface Reason {
  readonly code: ReasonCode;
  readonly text: string;
  readonly figures: Figures;
}

/** The steps of a decision; one of them has the last word. */
export type Rule = "backlog" | "activation" | "bounds" | "stabilization" | "cooldown" | "hold";

/** The count that one rule proposes, and how it comes to it. */
export interface Candidate {
  readonly rule: Rule;
  readonly replicas: number;
  readonly text: string;
  readonly figures: Figures;
}

/** The full record of one decision. The same record feeds logs, dashboard, command line and simulator. */
export interface Decision {
  readonly at: number;
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
