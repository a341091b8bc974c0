/**
 * KEDA's half of a scaled object: between zero (or idle) and the minimum, at every `pollingInterval`. It writes the same
 * replica count as the autoscaler's half (horizontal-autoscaler.ts), each on a clock of its own.
 *
 * The decision table, first match; `up` is max(1, min):
 *
 * | 0 | paused | nothing, or the count of paused-replicas |
 * | 1 | active; idle set and count < min, or count = 0 | up; it was active now, if the write succeeds |
 * | 2 | active; some trigger failed | nothing; the time of last activity stays |
 * | 3 | active | nothing; it was active now |
 * | 4 | not active; failed; a fallback of more than 0 replicas | nothing: wait for the threshold |
 * | 5 | not active; failed; no fallback | nothing |
 * | 6 | not active; idle set and count > idle, or min = 0 and count > 0 | after the cooldown: idle, or min |
 * | 7 | not active; idle unset and count < min | min |
 * | 8 | otherwise | nothing |
 */
import { formatMs } from "../../core/index.ts";
import type { Candidate, Decision, Figures, Reason, ReasonCode, Rule } from "../decision.ts";
import type { ObjectObservation } from "./object-observation.ts";
import type { ScaledObjectPolicy } from "./scaled-object-policy.ts";
import { type ScaledObjectState, withoutAutoscaler } from "./scaled-object-state.ts";
import { type ServedMetrics, serveMetrics } from "./served-metrics.ts";

/** What a clock decided, and what to remember of it. */
export interface ScaledObjectOutcome {
  readonly decision: Decision;
  /** What to remember when the count was written, or needed no writing. */
  readonly state: ScaledObjectState;
  /** What to remember when writing the count failed. */
  readonly stateIfUnscaled: ScaledObjectState;
}

/** One check of KEDA's loop; see the top of this file. Pure. */
export function pollScaledObject(
  policy: ScaledObjectPolicy,
  state: ScaledObjectState,
  seen: ObjectObservation,
): ScaledObjectOutcome {
  if (isPaused(policy)) return paused(policy, state, seen);
  const served = serveMetrics(policy, state, {
    by: "keda",
    triggers: seen.triggers,
    status: seen.status,
  });
  const counted = { ...state, failures: served.failures, cached: served.cached };
  if (seen.failure !== null) return unreadable(policy, counted, seen, served);
  const isForced = policy.controls.forceActivation;
  const look: Look = { policy, state: counted, seen, served, current: seen.status.replicas };
  return served.isActive || isForced ? whileActive(look) : whileInactive(look);
}

/**
 * A push that says that the trigger at `index` is active (`external-push`): the active branch at once, without a reading,
 * and without `activationTarget`.
 */
export function pushScaledObject(
  policy: ScaledObjectPolicy,
  state: ScaledObjectState,
  seen: ObjectObservation,
  index: number,
): ScaledObjectOutcome {
  if (isPaused(policy)) return paused(policy, state, seen);
  const trigger = policy.triggers[index];
  const served: ServedMetrics = {
    ...{ metrics: [], composite: null, isActive: true, errors: [], isFallback: false },
    ...{ failures: state.failures, cached: state.cached },
  };
  if (seen.failure !== null) return unreadable(policy, state, seen, served);
  const by = trigger === undefined ? "a trigger" : trigger.name || trigger.type;
  return whileActive({ policy, state, seen, served, current: seen.status.replicas, by });
}

/** Whether an annotation pauses the object as a whole. */
export function isPaused({ controls }: ScaledObjectPolicy): boolean {
  return controls.paused || controls.pausedReplicas !== null;
}

interface Look {
  readonly policy: ScaledObjectPolicy;
  readonly state: ScaledObjectState;
  readonly seen: ObjectObservation;
  readonly served: ServedMetrics;
  readonly current: number;
  /** The trigger that pushed. */
  readonly by?: string;
}

interface Verdict {
  readonly kedaRule: number;
  readonly rule: Rule;
  readonly replicas: number;
  readonly text: string;
  readonly figures?: Figures;
  readonly reasons: readonly Reason[];
}

function whileActive(look: Look): ScaledObjectOutcome {
  const { policy, state, seen, current, served } = look;
  const { idleReplicaCount: idle, minReplicaCount: min } = policy;
  const activeNow = { ...state, lastActiveAt: seen.at };
  const active = reason("ScalerActive", activeText(look));
  const isBelow = (idle !== null && current < min) || current === 0;
  if (isBelow) return lift(look, activeNow, active);
  const [error] = served.errors;
  if (error !== undefined) {
    const text = `${error}; the time of last activity is kept`;
    const reasons = [reason("PartialTriggerError", text), active];
    return conclude(look, state, {
      ...{ kedaRule: 2, rule: "hold", replicas: current, reasons },
      text: "active, but a trigger failed: the count is the autoscaler's",
    });
  }
  return conclude(look, activeNow, {
    ...{ kedaRule: 3, rule: "activation", replicas: current, reasons: [active] },
    text: "active and running: the count is the autoscaler's",
  });
}

function lift(look: Look, activeNow: ScaledObjectState, active: Reason): ScaledObjectOutcome {
  const { policy, state, current } = look;
  const up = Math.max(1, policy.minReplicaCount);
  if (policy.controls.pausedScaleOut) {
    const text = `autoscaling.keda.sh/paused-scale-out holds the count at ${current}`;
    return conclude(look, state, {
      ...{ kedaRule: 1, rule: "paused", replicas: current, text },
      reasons: [reason("ScaledObjectPaused", text), active],
    });
  }
  const text = `from ${current} to ${up}, triggered by ${activeNames(look)}`;
  const figures = { from: current, to: up };
  return conclude(
    look,
    activeNow,
    {
      ...{ kedaRule: 1, rule: "activation", replicas: up, figures },
      text: `active with ${current}: max(1, minReplicaCount) is ${up}`,
      reasons: [reason("KEDAScaleTargetActivated", text, figures), active],
    },
    state,
  );
}

function whileInactive(look: Look): ScaledObjectOutcome {
  const { policy, state, served, current } = look;
  const { idleReplicaCount: idle, minReplicaCount: min, fallback } = policy;
  const [error] = served.errors;
  const hold = (kedaRule: number, text: string, why: Reason) =>
    conclude(look, state, { kedaRule, rule: "hold", replicas: current, text, reasons: [why] });
  if (error !== undefined && fallback !== null && fallback.replicas !== 0) {
    const text = `failed; the fallback comes after more than ${fallback.failureThreshold} failures in a row`;
    return hold(4, text, reason("TriggerError", error));
  }
  if (error !== undefined && fallback === null)
    return hold(5, "a failed reading is not zero", reason("TriggerError", error));
  const mayRest = idle === null ? min === 0 && current > 0 : current > idle;
  if (mayRest) return rest(look, idle ?? min);
  const notActive = reason("ScalerNotActive", inactiveText(look));
  if (idle === null && current < min) {
    const text = `${current} is fewer than minReplicaCount ${min}`;
    return conclude(look, state, {
      ...{ kedaRule: 7, rule: "minimum", replicas: min, text },
      reasons: [notActive],
    });
  }
  return conclude(look, state, {
    ...{ kedaRule: 8, rule: "activation", replicas: current, reasons: [notActive] },
    text: "not active; nothing to do for KEDA's half",
  });
}

/** To idle or zero in one step from any count, once the cooldown is over. */
function rest(look: Look, to: number): ScaledObjectOutcome {
  const { policy, state, seen, current } = look;
  const isFirst = state.lastActiveAt === null;
  const since = state.lastActiveAt ?? state.createdAt;
  const cooldownMs = isFirst ? policy.initialCooldownMs : policy.cooldownMs;
  const isOver = since + cooldownMs < seen.at;
  const cooldownLeftMs = isOver ? 0 : since + cooldownMs - seen.at;
  const name = isFirst ? "initialCooldownPeriod" : "cooldownPeriod";
  const figures = { cooldownMs, cooldownLeftMs, to };
  if (!isOver) {
    const text = `${inactiveText(look)}; ${name} has ${formatMs(cooldownLeftMs)} left`;
    return conclude(look, state, {
      ...{ kedaRule: 6, rule: "cooldown", replicas: current, figures, text },
      reasons: [reason("ScalerCooldown", text, figures)],
    });
  }
  if (policy.controls.pausedScaleIn) {
    const text = `autoscaling.keda.sh/paused-scale-in holds the count at ${current}`;
    return conclude(look, state, {
      ...{ kedaRule: 6, rule: "paused", replicas: current, figures, text },
      reasons: [reason("ScaledObjectPaused", text)],
    });
  }
  const text = `from ${current} to ${to}, ${name} of ${formatMs(cooldownMs)} is over`;
  return conclude(look, state, {
    ...{ kedaRule: 6, rule: "cooldown", replicas: to, figures, text },
    reasons: [
      reason("KEDAScaleTargetDeactivated", text, { from: current, to }),
      reason("ScalerNotActive", inactiveText(look)),
    ],
  });
}

function paused(
  policy: ScaledObjectPolicy,
  state: ScaledObjectState,
  seen: ObjectObservation,
): ScaledObjectOutcome {
  const current = seen.status.replicas;
  const count = policy.controls.pausedReplicas;
  const text =
    count === null
      ? "autoscaling.keda.sh/paused"
      : `autoscaling.keda.sh/paused-replicas is ${count}`;
  const served: ServedMetrics = {
    ...{ metrics: [], composite: null, isActive: false, errors: [], isFallback: false },
    ...{ failures: state.failures, cached: state.cached },
  };
  const look: Look = { policy, state, seen, served, current };
  return conclude(look, withoutAutoscaler(state), {
    ...{ kedaRule: 0, rule: "paused", text },
    replicas: seen.failure === null ? (count ?? current) : current,
    reasons: [reason("ScaledObjectPaused", text)],
  });
}

/** Nothing is decided on a target that does not tell its count; failures of triggers are counted all the same. */
function unreadable(
  policy: ScaledObjectPolicy,
  state: ScaledObjectState,
  seen: ObjectObservation,
  served: ServedMetrics,
): ScaledObjectOutcome {
  const current = seen.status.replicas;
  const text = seen.failure?.text ?? "";
  const look: Look = { policy, state, seen, served, current };
  const outcome = conclude(look, state, {
    ...{ kedaRule: 8, rule: "hold", replicas: current, reasons: [reason("FailedGetScale", text)] },
    text: "a count that is not known is not changed",
  });
  const { kedaRule: _, ...decision } = outcome.decision;
  return { ...outcome, decision };
}

function conclude(
  { policy, seen, served, current }: Look,
  state: ScaledObjectState,
  verdict: Verdict,
  stateIfUnscaled: ScaledObjectState = state,
): ScaledObjectOutcome {
  const { kedaRule, rule, replicas, text, figures = {} } = verdict;
  const candidates: readonly Candidate[] = [{ rule, replicas, text, figures }];
  const metrics =
    served.composite === null ? served.metrics : [...served.metrics, served.composite];
  const fallback = served.isFallback
    ? [reason("ScaledObjectFallbackActivated", fallbackText(metrics))]
    : [];
  const decision: Decision = {
    ...{ at: seen.at, controller: "keda", seen, current, replicas },
    minReplicaCount: policy.idleReplicaCount ?? policy.minReplicaCount,
    maxReplicaCount: policy.maxReplicaCount,
    ...{ candidates, rule, kedaRule, metrics },
    reasons: [...verdict.reasons, ...fallback],
  };
  return { decision, state, stateIfUnscaled };
}

function activeText(look: Look): string {
  if (look.by !== undefined) return `${look.by} pushed that it is active`;
  const { served, policy } = look;
  if (!served.isActive && policy.controls.forceActivation)
    return "autoscaling.keda.sh/force-activation";
  if (served.composite !== null) return `the formula gives ${served.composite.value}`;
  const texts = activeMetrics(served).map(({ metricName, value }) => `${metricName} is ${value}`);
  return texts.length === 0 ? "cpu and memory alone are always active" : texts.join(", ");
}

function activeNames({ served, by }: Look): string {
  if (by !== undefined) return by;
  const names = activeMetrics(served).map(({ metricName }) => metricName);
  return names.length === 0 ? "force-activation" : names.join(";");
}

function activeMetrics({ metrics, composite }: ServedMetrics) {
  return composite !== null ? [composite] : metrics.filter(({ active }) => active);
}

function inactiveText({ served }: Look): string {
  const asked = served.composite === null ? served.metrics : [served.composite];
  const texts = asked.map(({ metricName, value, failure }) =>
    value === null ? `${metricName} failed: ${failure}` : `${metricName} is ${value}`,
  );
  return `not over the activation value: ${texts.join(", ")}`;
}

function fallbackText(metrics: ServedMetrics["metrics"]): string {
  const fallen = metrics.filter(({ source }) => source === "fallback");
  return fallen
    .map((metric) => `${metric.metricName} is served as ${metric.value}: ${metric.failure}`)
    .join("; ");
}

function reason(code: ReasonCode, text: string, figures: Figures = {}): Reason {
  return { code, text, figures };
}
