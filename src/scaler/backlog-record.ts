import { formatMs } from "../core/index.ts";
import type { Candidate, Decision, Observation, Reason, Rule } from "./decision.ts";
import type { BacklogPolicy } from "./scale-options.ts";

/** Every figure of one decision, worked out before any of it is put into words. */
export interface Figured {
  readonly policy: BacklogPolicy;
  readonly seen: Observation;
  readonly current: number;
  readonly backlog: number;
  readonly active: boolean;
  readonly raw: number;
  readonly floor: number;
  readonly bounded: number;
  readonly stabilized: number;
  readonly cooldownLeftMs: number;
  readonly toZero: boolean;
  readonly replicas: number;
}

/** The decision that the figures make, with every candidate and reason in words. */
export function record(figured: Figured): Decision {
  const { policy, seen, current, replicas } = figured;
  return {
    at: seen.at,
    controller: "backlog",
    seen,
    current,
    replicas,
    minReplicaCount: policy.minReplicaCount,
    maxReplicaCount: policy.maxReplicaCount,
    candidates: candidates(figured),
    rule: winner(figured),
    reasons: reasons(figured),
  };
}

function winner(figured: Figured): Rule {
  const { active, toZero, current, raw, bounded, stabilized, policy } = figured;
  if (toZero) return current === 0 ? "activation" : "cooldown";
  if (stabilized !== bounded) return "stabilization";
  if (bounded === raw) return "backlog";
  return !active && policy.minReplicaCount === 0 && raw === 0 ? "cooldown" : "bounds";
}

function candidates(figured: Figured): readonly Candidate[] {
  const { policy, active, toZero, current } = figured;
  const asked = [backlogCandidate, activation, bounds, stabilization];
  const cools = policy.minReplicaCount === 0 && !active && !(toZero && current === 0);
  return (cools ? [...asked, cooldown] : asked).map((candidate) => candidate(figured));
}

function backlogCandidate({ backlog, policy: { messageCount }, raw }: Figured): Candidate {
  const text = `${messages(backlog)} wait or run; ${messageCount} per replica make ${raw}`;
  return { rule: "backlog", replicas: raw, text, figures: { backlog, messageCount } };
}

function activation({ active, backlog, floor, policy }: Figured): Candidate {
  const { activationMessageCount, minReplicaCount } = policy;
  const [compared, state] = active ? ["more", "active"] : ["not more", "not active"];
  return {
    rule: "activation",
    replicas: active ? floor : minReplicaCount,
    text: `${backlog} is ${compared} than ${activationMessageCount}: ${state}`,
    figures: { backlog, activationMessageCount },
  };
}

function bounds({ raw, floor, bounded, policy: { maxReplicaCount } }: Figured): Candidate {
  const text = `${raw} within ${floor} and ${maxReplicaCount} is ${bounded}`;
  const figures = { desired: raw, floor, maxReplicaCount };
  return { rule: "bounds", replicas: bounded, text, figures };
}

function stabilization({ current, bounded, stabilized, policy }: Figured): Candidate {
  const { stabilizationMs } = policy;
  return {
    rule: "stabilization",
    replicas: stabilized,
    text:
      bounded >= current
        ? `${bounded} is not below the present ${current}: not held back`
        : `fewer than the present ${current}; the most wanted within ${formatMs(stabilizationMs)} is ${stabilized}`,
    figures: { current, desired: bounded, stabilizationMs },
  };
}

function cooldown({ policy, cooldownLeftMs, floor }: Figured): Candidate {
  const left = cooldownLeftMs > 0;
  return {
    rule: "cooldown",
    replicas: left ? floor : 0,
    text: left
      ? `not active; to zero in ${formatMs(cooldownLeftMs)}`
      : `not active for ${formatMs(policy.cooldownMs)}: to zero`,
    figures: { cooldownMs: policy.cooldownMs, cooldownLeftMs },
  };
}

function reasons(figured: Figured): readonly Reason[] {
  const { current, replicas, toZero, stabilized, bounded } = figured;
  const list: Reason[] = [];
  if (toZero && current > 0) list.push(deactivated(figured));
  if (current === 0 && replicas > 0) list.push(activated(figured));
  list.push(activity(figured));
  if (toZero) return list;
  if (stabilized !== bounded) list.push(stabilizedReason(figured));
  list.push(range(figured));
  return list;
}

function activity({ active, backlog, policy, toZero, cooldownLeftMs }: Figured): Reason {
  const { activationMessageCount, minReplicaCount } = policy;
  const figures = { backlog, activationMessageCount };
  if (active) return { code: "ScalerActive", text: `${messages(backlog)} wait or run`, figures };
  const least = activationMessageCount === 0 ? "" : `, no more than ${activationMessageCount}`;
  const text = `${messages(backlog)} wait or run${least}`;
  if (toZero || minReplicaCount > 0) return { code: "ScalerNotActive", text, figures };
  const left = `${text}; the last replica may leave in ${formatMs(cooldownLeftMs)}`;
  return { code: "ScalerCooldown", text: left, figures: { ...figures, cooldownLeftMs } };
}

function activated({ replicas, backlog }: Figured): Reason {
  const text = `from 0 to ${replicas}, triggered by ${messages(backlog)}`;
  return { code: "KEDAScaleTargetActivated", text, figures: { from: 0, to: replicas } };
}

function deactivated({ current, policy }: Figured): Reason {
  const text = `from ${current} to 0, nothing active for ${formatMs(policy.cooldownMs)}`;
  return { code: "KEDAScaleTargetDeactivated", text, figures: { from: current, to: 0 } };
}

function stabilizedReason({ bounded, stabilized, policy }: Figured): Reason {
  const text = `${bounded} would do, but ${stabilized} were needed within the last ${formatMs(policy.stabilizationMs)}`;
  const figures = { desired: bounded, stabilized, stabilizationMs: policy.stabilizationMs };
  return { code: "ScaleDownStabilized", text, figures };
}

function range({ raw, floor, policy }: Figured): Reason {
  const { maxReplicaCount } = policy;
  const figures = { desired: raw, floor, maxReplicaCount };
  if (raw > maxReplicaCount)
    return { code: "TooManyReplicas", text: `${raw} wanted, ${maxReplicaCount} allowed`, figures };
  if (raw < floor) return { code: "TooFewReplicas", text: `${raw} wanted, ${floor} kept`, figures };
  return { code: "DesiredWithinRange", text: `${raw} wanted`, figures };
}

/** The decision to leave the count as it is, because what was read cannot be trusted. */
export function hold(policy: BacklogPolicy, seen: Observation, reason: Reason): Decision {
  const current = seen.status.replicas;
  return {
    at: seen.at,
    controller: "backlog",
    seen,
    current,
    replicas: current,
    minReplicaCount: policy.minReplicaCount,
    maxReplicaCount: policy.maxReplicaCount,
    candidates: [
      { rule: "hold", replicas: current, text: "a failed reading is not zero", figures: {} },
    ],
    rule: "hold",
    reasons: [reason],
  };
}

function messages(count: number): string {
  return `${count === 0 ? "no" : count} message${count === 1 ? "" : "s"}`;
}
