/**
 * The Kubernetes HPA's half of a scaled object: between one and many, every 15 s. In this order: metrics, the highest
 * proposal, stabilisation, rate, bounds.
 */
import type {
  Candidate,
  Decision,
  Figures,
  MetricRecord,
  Reason,
  ReasonCode,
  Rule,
} from "../decision.ts";
import type { Recommendation } from "../stabilization.ts";
import { isPaused, type ScaledObjectOutcome } from "./keda-loop.ts";
import { type LimitedReplicas, limitByBehavior, limitWithoutBehavior } from "./limit-replicas.ts";
import { type MetricProposal, proposeForMetrics } from "./metric-proposals.ts";
import type { ObjectObservation } from "./object-observation.ts";
import { recordScale } from "./rate-policies.ts";
import type { AutoscalerPolicy, ScaledObjectPolicy } from "./scaled-object-policy.ts";
import type { AutoscalerState, ScaledObjectState } from "./scaled-object-state.ts";
import { serveMetrics } from "./served-metrics.ts";

/** One sync of the autoscaler; see the top of this file. Pure. */
export function syncAutoscaler(
  policy: ScaledObjectPolicy,
  state: ScaledObjectState,
  seen: ObjectObservation,
): ScaledObjectOutcome {
  const current = seen.status.replicas;
  const sync: Sync = { policy, seen, current, metrics: [] };
  if (isPaused(policy))
    return settle(
      sync,
      state,
      rest("paused", current, "paused: KEDA deletes the HPA", "ScaledObjectPaused"),
    );
  if (seen.failure !== null)
    return settle(sync, state, rest("hold", current, seen.failure.text, "FailedGetScale"));
  const begun = { ...state, autoscaler: begin(state.autoscaler, seen.at, current) };
  const { minReplicas, maxReplicas } = policy.autoscaler;
  if (current === 0) {
    const text = "scaling is disabled since the replica count of the target is zero";
    return settle(sync, begun, rest("activation", 0, text, "ScalingDisabled"));
  }
  if (current > maxReplicas || current < minReplicas) return backInBounds(sync, begun);
  return byMetrics(sync, begun);
}

interface Sync {
  readonly policy: ScaledObjectPolicy;
  readonly seen: ObjectObservation;
  readonly current: number;
  readonly metrics: readonly MetricRecord[];
}

interface Verdict {
  readonly rule: Rule;
  readonly replicas: number;
  readonly candidates: readonly Candidate[];
  readonly reasons: readonly Reason[];
}

/** The first sync remembers the count that it finds. */
function begin(state: AutoscalerState, at: number, replicas: number): AutoscalerState {
  return state.recommendations === null ? { ...state, recommendations: [{ at, replicas }] } : state;
}

function backInBounds(sync: Sync, state: ScaledObjectState): ScaledObjectOutcome {
  const { current, policy } = sync;
  const { minReplicas, maxReplicas } = policy.autoscaler;
  return current > maxReplicas
    ? settle(
        sync,
        state,
        rest(
          "bounds",
          maxReplicas,
          `${current} is more than the maximum ${maxReplicas}`,
          "TooManyReplicas",
        ),
      )
    : settle(
        sync,
        state,
        rest(
          "bounds",
          minReplicas,
          `${current} is fewer than the minimum ${minReplicas}`,
          "TooFewReplicas",
        ),
      );
}

function byMetrics(before: Sync, state: ScaledObjectState): ScaledObjectOutcome {
  const { policy, seen, current } = before;
  const { triggers, status } = seen;
  const served = serveMetrics(policy, state, { by: "hpa", triggers, status });
  const counted = { ...state, failures: served.failures };
  const asked = served.composite === null ? served.metrics : [served.composite];
  const proposals = proposeForMetrics(policy.autoscaler, asked, seen);
  const sync = {
    ...before,
    metrics: served.composite === null ? served.metrics : [...served.metrics, served.composite],
  };
  const candidates = proposals.map(({ candidate }) => candidate);
  const valid = proposals.filter(({ failure }) => failure === null);
  const failed = proposals.filter(({ failure }) => failure !== null);
  const desired = valid.reduce((most, one) => Math.max(most, one.candidate.replicas), 0);
  if (valid.length === 0 || (failed.length > 0 && desired < current)) {
    const hold: Candidate = {
      rule: "hold",
      replicas: current,
      text: heldText(valid, desired),
      figures: {},
    };
    const verdict = { rule: "hold" as const, replicas: current, candidates: [...candidates, hold] };
    return settle(sync, counted, { ...verdict, reasons: failed.map(failureReason) });
  }
  const highest: Candidate = {
    rule: "highest",
    replicas: desired,
    text: `the highest of ${valid.length === 1 ? "one metric" : `${valid.length} metrics`}`,
    figures: {},
  };
  const limited = limit(policy.autoscaler, counted.autoscaler, {
    current,
    desired: { at: seen.at, replicas: desired },
  });
  const remembered: ScaledObjectState = {
    ...counted,
    autoscaler: { ...counted.autoscaler, recommendations: limited.recommendations },
  };
  return settle(sync, remembered, {
    rule: limited.rule ?? "metric",
    replicas: limited.replicas,
    candidates: [...candidates, highest, ...limited.candidates],
    reasons: [...limited.reasons, validReason(valid, desired), ...failed.map(failureReason)],
  });
}

function limit(
  policy: AutoscalerPolicy,
  state: AutoscalerState,
  step: { readonly current: number; readonly desired: Recommendation },
): LimitedReplicas {
  return policy.behavior === null
    ? limitWithoutBehavior(policy, state, step)
    : limitByBehavior({ ...policy, behavior: policy.behavior }, state, step);
}

function heldText(valid: readonly MetricProposal[], desired: number): string {
  if (valid.length === 0) return "no metric could be read: the count is kept";
  return `${desired} would scale in, but not while a metric cannot be read`;
}

function validReason(valid: readonly MetricProposal[], desired: number): Reason {
  const won = valid.find(({ candidate }) => candidate.replicas === desired);
  const text = `the HPA was able to calculate a replica count from ${won?.metricName ?? ""}`;
  return { code: "ValidMetricFound", text, figures: { desired } };
}

function failureReason({ metricName, failure, isResource }: MetricProposal): Reason {
  const code = isResource ? "FailedGetResourceMetric" : "FailedGetExternalMetric";
  return { code, text: `${metricName}: ${failure}`, figures: {} };
}

/** A verdict of one rule that asks no metric. */
function rest(rule: Rule, replicas: number, text: string, code: ReasonCode): Verdict {
  const figures: Figures = {};
  return {
    ...{ rule, replicas },
    candidates: [{ rule, replicas, text, figures }],
    reasons: [{ code, text, figures }],
  };
}

function settle(sync: Sync, state: ScaledObjectState, verdict: Verdict): ScaledObjectOutcome {
  const { policy, seen, current, metrics } = sync;
  const { minReplicas, maxReplicas, behavior } = policy.autoscaler;
  const { replicas } = verdict;
  const decision: Decision = {
    ...{ at: seen.at, controller: "hpa", seen, current, metrics },
    ...{ minReplicaCount: minReplicas, maxReplicaCount: maxReplicas },
    ...verdict,
  };
  if (behavior === null || replicas === current) return { decision, state, stateIfUnscaled: state };
  const change = { from: current, to: replicas, at: seen.at };
  const events = recordScale(state.autoscaler, change, behavior);
  const scaled = { ...state, autoscaler: { ...state.autoscaler, ...events } };
  return { decision, state: scaled, stateIfUnscaled: state };
}
