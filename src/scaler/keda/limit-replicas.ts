/** From what the metrics ask for to what is written: stabilisation, then rate, then bounds, on the HPA's two paths. */
import type { Candidate, Figures, Reason, ReasonCode, Rule } from "../decision.ts";
import type { Recommendation } from "../stabilization.ts";
import { downLimit, type RateLimits, upLimit } from "./rate-policies.ts";
import type { AutoscalerBehavior, AutoscalerPolicy } from "./scaled-object-policy.ts";
import type { AutoscalerState } from "./scaled-object-state.ts";
import {
  type Stabilized,
  stabilizeByBehavior,
  stabilizeByHighest,
} from "./stabilize-recommendation.ts";

/** What becomes of a desired count. */
export interface LimitedReplicas {
  readonly replicas: number;
  /** The rule that had the last word; null where none changed the desired count. */
  readonly rule: Rule | null;
  readonly candidates: readonly Candidate[];
  readonly reasons: readonly Reason[];
  /** To be remembered, the present one included. */
  readonly recommendations: readonly Recommendation[];
}

/** The present count, and what the metrics ask for. */
export interface Step {
  readonly current: number;
  readonly desired: Recommendation;
}

/** Without `behavior`: the highest of the window, then at most max(2 × current, 4), then the bounds. */
export function limitWithoutBehavior(
  policy: AutoscalerPolicy,
  state: AutoscalerState,
  { current, desired }: Step,
): LimitedReplicas {
  const { minReplicas, maxReplicas, flags } = policy;
  const windowMs = flags.downscaleStabilizationMs;
  const stabilized = stabilizeByHighest(desired, state.recommendations ?? [], windowMs);
  const limit = Math.max(2 * current, 4);
  const wanted = stabilized.replicas;
  const highest = Math.min(maxReplicas, limit);
  const replicas = wanted < minReplicas ? minReplicas : Math.min(wanted, highest);
  const range = rangeOf({ wanted, replicas, isRate: wanted > limit && maxReplicas > limit });
  const rate: Candidate = {
    ...{ rule: "rate", replicas: Math.min(wanted, limit), figures: { current, limit } },
    text: `at most max(2 × ${current}, 4) = ${limit} in one step`,
  };
  const stable = stabilization(desired, stabilized, "ScaleDownStabilized");
  return join(
    desired,
    stabilized,
    [stable, { candidate: rate }, bounds(policy, wanted, replicas)],
    range,
  );
}

/** With `behavior`: held by the windows of both directions, then by the rate policies, then by the bounds. */
export function limitByBehavior(
  policy: AutoscalerPolicy & { readonly behavior: AutoscalerBehavior },
  state: AutoscalerState,
  { current, desired }: Step,
): LimitedReplicas {
  const { behavior, minReplicas, maxReplicas } = policy;
  const stabilized = stabilizeByBehavior(current, desired, state.recommendations ?? [], behavior);
  const wanted = stabilized.replicas;
  const code = desired.replicas >= current ? "ScaleUpStabilized" : "ScaleDownStabilized";
  const stable = stabilization(desired, stabilized, code);
  if (wanted === current) {
    const range = rangeOf({ wanted, replicas: wanted, isRate: false });
    return join(desired, stabilized, [stable, bounds(policy, wanted, wanted)], range);
  }
  const isUp = wanted > current;
  const rates = isUp
    ? upLimit(behavior.scaleUp, current, state, desired.at)
    : downLimit(behavior.scaleDown, current, state, desired.at);
  const replicas = isUp
    ? Math.min(wanted, maxReplicas, rates.limit)
    : Math.max(wanted, minReplicas, rates.limit);
  const isRate = isUp ? maxReplicas > rates.limit : minReplicas < rates.limit;
  const range = rangeOf({ wanted, replicas, isRate });
  const steps = [stable, rateStep(wanted, rates, isUp), bounds(policy, wanted, replicas)];
  return join(desired, stabilized, steps, range);
}

interface StepRecord {
  readonly candidate: Candidate;
  readonly reason?: Reason;
}

function join(
  desired: Recommendation,
  stabilized: Stabilized,
  steps: readonly StepRecord[],
  range: Reason,
): LimitedReplicas {
  const last = steps.at(-1)?.candidate.replicas ?? desired.replicas;
  const isRate = range.code === "ScaleUpLimit" || range.code === "ScaleDownLimit";
  const isBound = range.code === "TooManyReplicas" || range.code === "TooFewReplicas";
  const isHeld = stabilized.replicas !== desired.replicas;
  const rule: Rule | null = isRate ? "rate" : isBound ? "bounds" : isHeld ? "stabilization" : null;
  const told = steps.flatMap(({ reason }) => (reason === undefined ? [] : [reason]));
  return {
    ...{ replicas: last, rule, recommendations: stabilized.recommendations },
    candidates: steps.map(({ candidate }) => candidate),
    reasons: range.code === "DesiredWithinRange" ? [...told, range] : [range, ...told],
  };
}

function stabilization(
  desired: Recommendation,
  { replicas, window }: Stabilized,
  code: ReasonCode,
): StepRecord {
  const figures = { desired: desired.replicas, stabilized: replicas };
  const isHeld = replicas !== desired.replicas;
  const wanted = `${desired.replicas} by the metrics`;
  const others =
    window.length === 1 ? "the recommendation" : `the ${window.length} recommendations`;
  const text = isHeld
    ? `${wanted}, ${replicas} by ${others} of the window`
    : window.length === 0
      ? `${wanted}, and nothing else within the window`
      : `${wanted}, as ${others} of the window let${window.length === 1 ? "s" : ""} be`;
  return {
    candidate: { rule: "stabilization", replicas, text, figures, window },
    reason: { code: isHeld ? code : "ReadyForNewScale", text, figures },
  };
}

function rateStep(wanted: number, { limit, limits }: RateLimits, isUp: boolean): StepRecord {
  const replicas = isUp ? Math.min(wanted, limit) : Math.max(wanted, limit);
  const text =
    limits.length === 0
      ? "selectPolicy is Disabled in this direction"
      : `the policies allow ${isUp ? "at most" : "no fewer than"} ${limit} now`;
  return { candidate: { rule: "rate", replicas, text, figures: { limit }, limits } };
}

function bounds(
  { minReplicas, maxReplicas }: AutoscalerPolicy,
  wanted: number,
  replicas: number,
): StepRecord {
  const text = `within ${minReplicas} and ${maxReplicas}`;
  const figures = { desired: wanted, minReplicas, maxReplicas };
  return { candidate: { rule: "bounds", replicas, text, figures } };
}

/** The HPA's ScalingLimited condition. `isRate`: of rate and bound, the rate is the tighter. */
function rangeOf(limited: {
  readonly wanted: number;
  readonly replicas: number;
  readonly isRate: boolean;
}): Reason {
  const { wanted, replicas, isRate } = limited;
  const figures: Figures = { desired: wanted, replicas };
  if (replicas < wanted) {
    return isRate
      ? { code: "ScaleUpLimit", text: `${wanted} wanted, ${replicas} allowed by the rate`, figures }
      : { code: "TooManyReplicas", text: `${wanted} wanted, ${replicas} at most`, figures };
  }
  if (replicas > wanted) {
    return isRate
      ? { code: "ScaleDownLimit", text: `${wanted} wanted, ${replicas} left by the rate`, figures }
      : { code: "TooFewReplicas", text: `${wanted} wanted, ${replicas} at least`, figures };
  }
  return { code: "DesiredWithinRange", text: `${wanted} wanted`, figures };
}
