import { formatMs } from "../../core/index.ts";
import type { Candidate, Decision, Figures, Observation, Reason, Rule } from "../decision.ts";
import type { Shortage } from "./envelope.ts";
import { keepAliveOf } from "./keep-alive.ts";
import type { Learned } from "./learn.ts";
import type { ObjectivePolicy } from "./objective-policy.ts";
import type { SharedGrant } from "./shared-cap.ts";
import { sharedCandidate, sharedReason } from "./shared-record.ts";

/** What may keep the count below what the deadlines ask for. */
export type Guard = "saturated" | "budget" | "groups";

/** A decision and what it came from. */
export interface Figured {
  readonly policy: ObjectivePolicy;
  readonly learned: Learned;
  readonly seen: Observation;
  readonly current: number;
  readonly shortage: Shortage | null;
  /** By the deadlines alone. */
  readonly wanted: number;
  /** What kept the count below that. */
  readonly guard: Guard | null;
  readonly reserved: number;
  /** What windows ask for that are open, or open within a start. */
  readonly prewarmed: number;
  readonly floor: number;
  /** Workers that were idle through the window, and those of them that leave. */
  readonly surplus: number;
  readonly released: number;
  /** By the policy; what pauses leave of it; what a shared cap leaves of that. */
  readonly decided: number;
  readonly alone: number;
  readonly replicas: number;
  /** Null where no cap is shared. */
  readonly grant: SharedGrant | null;
}

/** The full record. */
export function recordObjective(figured: Figured): Decision {
  const { policy, seen, current, replicas } = figured;
  return {
    at: seen.at,
    controller: "objective",
    seen,
    current,
    replicas,
    minReplicaCount: policy.minReplicaCount,
    maxReplicaCount: policy.maxReplicaCount,
    candidates: candidates(figured),
    rule: ruleOf(figured),
    reasons: reasons(figured),
  };
}

function ruleOf(figured: Figured): Rule {
  const { decided, alone, replicas } = figured;
  if (alone !== decided) return "paused";
  return replicas === alone ? ownRuleOf(figured) : "shared-cap";
}

/** The rule that won where nothing from outside bounds it. */
function ownRuleOf(figured: Figured): Rule {
  const { current, replicas, wanted, released, policy, shortage, guard } = figured;
  if (replicas < current) return released > 0 ? "idle-release" : "maximum";
  if (replicas < wanted) {
    if (replicas >= policy.maxReplicaCount) return "maximum";
    if (guard === "groups") return "groups";
  }
  if (replicas === current) return "hold";
  return replicas <= wanted ? (shortage?.rule ?? "deadline") : floorRule(figured);
}

/** What asks for more than the deadlines do. */
function floorRule({ replicas, reserved, prewarmed, policy }: Figured): Rule {
  if (prewarmed >= replicas) return "prewarm";
  return replicas === policy.minReplicaCount && reserved < replicas ? "minimum" : "reserve";
}

/** The figures of every decision, times in seconds where they are lengths that people think of in seconds. */
function figuresOf({ learned, shortage, policy, current }: Figured): Figures {
  const { state, serviceMs, startupMs, keepAlive, aimMs, waitingCount } = learned;
  return {
    waiting: waitingCount,
    ...(shortage && { tau: shortage.tauMs, short: shortage.short, workers: shortage.workers }),
    S: serviceMs,
    lambda: state.rate.fast,
    Le: startupMs,
    K: keepAliveOf(keepAlive, current),
    theta: state.margins.theta,
    aim: aimMs,
    maxWait: policy.maxWaitMs,
  };
}

function candidates(figured: Figured): readonly Candidate[] {
  const { current, shortage, wanted, floor, reserved, prewarmed, policy } = figured;
  const { released, surplus } = figured;
  const list: Candidate[] = [
    {
      rule: shortage?.rule ?? "deadline",
      replicas: wanted,
      text: shortageText(figured),
      figures: figuresOf(figured),
    },
  ];
  if (reserved > 0)
    list.push({
      rule: "reserve",
      replicas: reserved,
      text: `${reserved} kept beyond need, since a start takes longer than the objective`,
      figures: { reserve: figured.learned.state.margins.reserve },
    });
  if (prewarmed > 0)
    list.push({ rule: "prewarm", replicas: prewarmed, text: prewarmText(figured), figures: {} });
  list.push({
    rule: "idle-release",
    replicas: current - released,
    text: `${surplus} ${idleFor(figured)}`,
    figures: { surplus, released },
  });
  if (figured.grant !== null) list.push(sharedCandidate(figured.alone, figured.grant));
  const { minReplicaCount, maxReplicaCount } = policy;
  list.push({
    rule: "bounds",
    replicas: Math.min(Math.max(wanted, floor), maxReplicaCount),
    text: `from ${floor} to ${maxReplicaCount}`,
    figures: { minReplicaCount, floor, maxReplicaCount },
  });
  return list;
}

/** Where jobs can wait longer than a start takes, workers are not kept at all. */
function idleFor({ learned, current }: Figured): string {
  const keptMs = keepAliveOf(learned.keepAlive, current);
  return keptMs === 0 ? "idle" : `idle for ${formatMs(keptMs)}`;
}

function shortageText({ shortage, learned: { aimMs, startupMs } }: Figured): string {
  if (shortage === null || shortage.workers === 0)
    return `all deadlines (${formatMs(aimMs)} after arrival) are met by the workers that there are`;
  const { tauMs, short, workers, rule } = shortage;
  const amount = `${short.toFixed(1)} starts short, ${workers.toFixed(2)} workers`;
  if (rule === "hopeless")
    return `a deadline is ${tauMs < 0 ? `${formatMs(-tauMs)} past` : `in ${formatMs(tauMs)}`}, a start takes ${formatMs(startupMs)}: ${amount}`;
  const whose = demanding[rule];
  return `${amount} for ${whose} by the deadline in ${formatMs(tauMs)}`;
}

const demanding = {
  deadline: "jobs that wait",
  due: "delayed jobs that become ready",
  forecast: "jobs that are expected",
} as const;

/** The reason of a shortage, by its rule. */
export const shortageCodes = {
  deadline: "DeadlineAtRisk",
  due: "DelayedJobsDue",
  hopeless: "DeadlineMissed",
  forecast: "ForecastAtRisk",
} as const;

function reasons(figured: Figured): readonly Reason[] {
  const { current, replicas, wanted, guard, released, shortage, policy } = figured;
  const figures = figuresOf(figured);
  const list: Reason[] = [...limitReasons(figured)];
  if (released > 0) {
    const text = `${released} ${idleFor(figured)}, no job waits`;
    list.push({ code: "IdleReleased", text, figures });
  }
  if (guard !== null) list.push(guardReason(figured, guard));
  if (wanted > current)
    list.push({
      code: shortageCodes[shortage?.rule ?? "deadline"],
      text: shortageText(figured),
      figures,
    });
  const bounds = { desired: wanted, ...policyBounds(policy) };
  if (wanted > policy.maxReplicaCount)
    list.push({
      code: "TooManyReplicas",
      text: `${wanted} wanted, ${policy.maxReplicaCount} allowed`,
      figures: bounds,
    });
  if (replicas > Math.max(wanted, current)) list.push(floorReason(figured));
  else if (figured.prewarmed >= replicas && replicas > 0)
    list.push({ code: "PrewarmKept", text: prewarmText(figured), figures });
  if (list.length === 0) list.push({ code: "ObjectiveKept", text: shortageText(figured), figures });
  return list;
}

/** What pauses and a shared cap took away. */
function limitReasons({ current, decided, alone, replicas, grant }: Figured): readonly Reason[] {
  if (decided !== alone) {
    const text = `${decided} wanted, paused at ${alone}`;
    const figures = { replicas: decided, current };
    return [{ code: "ScaledObjectPaused", text, figures }];
  }
  return grant === null || replicas === alone ? [] : [sharedReason({ current, alone }, grant)];
}

/** Why there are more than the deadlines ask for. */
function floorReason(figured: Figured): Reason {
  const { replicas, wanted, prewarmed, policy } = figured;
  if (prewarmed >= replicas)
    return { code: "PrewarmKept", text: prewarmText(figured), figures: figuresOf(figured) };
  if (replicas === policy.minReplicaCount)
    return {
      code: "TooFewReplicas",
      text: `${wanted} wanted, ${replicas} kept`,
      figures: { desired: wanted, ...policyBounds(policy) },
    };
  const text = `${replicas} in reserve, a start takes longer than the objective`;
  return { code: "ReserveKept", text, figures: figuresOf(figured) };
}

function prewarmText({ prewarmed, learned: { startupMs } }: Figured): string {
  return `${prewarmed} asked for by a window of time that is open, or opens within a start (${formatMs(startupMs)}) and a look`;
}

function guardReason({ wanted, current, policy, learned }: Figured, guard: Guard): Reason {
  const figures = { wanted, current };
  if (guard === "groups") {
    const activeGroups = learned.activeGroups ?? current;
    const text = `${wanted} wanted, but no more than ${activeGroups} can be active at a time: the queue is divided into as many`;
    return { code: "GroupsExhausted", text, figures: { ...figures, activeGroups } };
  }
  if (guard === "budget")
    return {
      code: "StartBudgetSpent",
      text: `${wanted} wanted, but ${policy.maxStartsPerMinute} starts a minute are allowed`,
      figures,
    };
  return {
    code: "DownstreamSaturated",
    text: `${wanted} wanted, but the last workers added did not raise the rate of ended jobs: what they call is saturated`,
    figures,
  };
}

function policyBounds({ minReplicaCount, maxReplicaCount }: ObjectivePolicy): Figures {
  return { minReplicaCount, maxReplicaCount };
}
