/** A look whose reading failed: it is never a zero. The count is held, and after a number of them in a row the fallback holds. */
import type { Decide, Decision, Observation } from "../decision.ts";
import { fallbackReplicas } from "../keda/fallback.ts";
import { windowReplicas } from "../replica-window.ts";
import { type ObjectiveBounds, withPauses } from "./objective-bounds.ts";
import type { ObjectivePolicy } from "./objective-policy.ts";
import type { ObjectiveState } from "./objective-state.ts";
import { wishMs } from "./shared-wish.ts";
import { startsLeft, startsOfLastMinute } from "./start-budget.ts";

/**
 * What to do without a reading. Failures of the target do not count: without its status there is no count to change. The
 * fallback is bound as every decision is; of a shared cap it gets what it asks for as what all its deadlines need now.
 */
export function withoutReading(
  policy: ObjectivePolicy,
  bounds: ObjectiveBounds,
  { state: before, seen }: { readonly state: ObjectiveState; readonly seen: Observation },
): ReturnType<Decide<ObjectiveState>> {
  const failures = seen.failure?.of === "target" ? 0 : before.failures + 1;
  const { fallback, minReplicaCount } = policy;
  const { at, status } = seen;
  if (fallback === null || failures <= fallback.failureThreshold) {
    bounds.sharedCap?.hold(at, status, minReplicaCount);
    const state = failures === 0 ? before : { ...before, failures };
    return { state, decision: hold(policy, seen, failures) };
  }
  const { replicas: current, busy, draining } = status;
  const starts = startsOfLastMinute(before.recentStarts, at);
  const floor = Math.max(minReplicaCount, windowReplicas(policy.windows, at, 0), busy);
  const wanted = Math.max(fallbackReplicas(fallback, current), floor);
  const left = startsLeft(starts, policy.maxStartsPerMinute);
  const most = Math.min(policy.maxReplicaCount, current + Math.min(left, policy.maxStepUp));
  const alone = withPauses(Math.min(wanted, most), current, bounds);
  const grant = bounds.sharedCap?.grant({
    ...{ at, replicas: current, draining, minReplicaCount, wanted: alone },
    locked: Math.min(current, Math.max(busy, alone)),
    needs: [{ by: at, replicas: alone }],
    validMs: wishMs(policy),
  });
  const replicas = grant?.replicas ?? alone;
  const added = replicas - current;
  const recentStarts = added > 0 ? [...starts, { at, count: added }] : starts;
  // Nobody has seen meanwhile who was idle.
  const state = { ...before, failures, recentStarts, idle: null };
  return { state, decision: fallBack(policy, seen, { failures, replicas }) };
}

interface Failed {
  readonly failures: number;
  readonly replicas: number;
}

function fallBack(
  policy: ObjectivePolicy,
  seen: Observation,
  { failures, replicas }: Failed,
): Decision {
  const { behavior, replicas: declared } = policy.fallback ?? { behavior: "static", replicas };
  const figures = { failures, replicas: declared, busy: seen.status.busy };
  const text = `${failures} readings in a row failed: the fallback (${behavior}, ${declared}) holds`;
  return {
    ...blind(policy, seen),
    replicas,
    candidates: [{ rule: "fallback", replicas, text, figures }],
    rule: "fallback",
    reasons: [
      { code: "FallbackActivated", text, figures },
      { code: "KEDAScalerFailed", text: whyOf(seen), figures: { failures } },
    ],
  };
}

/** Leaves the count as it is. */
function hold(policy: ObjectivePolicy, seen: Observation, failures: number): Decision {
  const { replicas } = seen.status;
  const code = seen.failure?.of === "target" ? "FailedGetScale" : "KEDAScalerFailed";
  const text = `held at ${replicas}: ${whyOf(seen)}`;
  return {
    ...blind(policy, seen),
    candidates: [{ rule: "hold", replicas, text: "a failed reading is not zero", figures: {} }],
    rule: "hold",
    reasons: [{ code, text, figures: { replicas, failures } }],
  };
}

function whyOf({ failure }: Observation): string {
  return failure?.text ?? "the samples must add up to a number of messages from 0";
}

/** What every decision without a reading has. */
function blind(
  { minReplicaCount, maxReplicaCount }: ObjectivePolicy,
  seen: Observation,
): Omit<Decision, "candidates" | "rule" | "reasons"> {
  const { replicas } = seen.status;
  return {
    ...{ at: seen.at, controller: "objective", seen, current: replicas, replicas },
    ...{ minReplicaCount, maxReplicaCount },
  };
}
