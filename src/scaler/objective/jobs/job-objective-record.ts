import { formatMs } from "../../../core/index.ts";
import type { Candidate, Decision, Figures, Reason, Rule } from "../../decision.ts";
import { type JobObservation, recordTriggers } from "../../keda/index.ts";
import type { Shortage } from "../envelope.ts";
import type { Learned } from "../learn.ts";
import { shortageCodes } from "../objective-record.ts";
import type { SharedGrant } from "../shared-cap.ts";
import { sharedCandidate, sharedReason } from "../shared-record.ts";
import type { JobObjectivePolicy } from "./job-objective-policy.ts";

/** A decision and what it came from. */
export interface FiguredJobs {
  readonly policy: JobObjectivePolicy;
  readonly seen: JobObservation;
  readonly learned: Learned;
  readonly shortage: Shortage | null;
  /** Unfinished jobs, by the deadlines alone. */
  readonly wanted: number;
  /** Places of failed jobs. */
  readonly held: number;
  /** What kept the count below what was wanted. */
  readonly guard: "saturated" | "budget" | "groups" | null;
  /** What is missing for the minimum. */
  readonly lacking: number;
  /** What would be created without a shared cap, and what is; null where no cap is shared. */
  readonly alone: number;
  readonly create: number;
  readonly grant: SharedGrant | null;
}

/** The full record. */
export function recordJobs(figured: FiguredJobs): Decision {
  const { policy, seen, create } = figured;
  const current = seen.jobs.running;
  return {
    ...{ at: seen.at, controller: "objective", seen, current, replicas: current + create },
    ...boundsOf(policy),
    candidates: candidates(figured),
    rule: ruleOf(figured),
    reasons: reasons(figured),
    metrics: recordTriggers(seen.triggers, policy.triggers),
  };
}

/** The decision to create nothing, because what was read cannot be trusted. */
export function holdJobs(policy: JobObjectivePolicy, seen: JobObservation): Decision {
  const { failure, jobs } = seen;
  const current = jobs.running;
  const text = failure?.text ?? "the samples must add up to a number of messages from 0";
  const code = failure?.of === "target" ? "FailedGetScale" : "KEDAScalerFailed";
  return {
    ...{ at: seen.at, controller: "objective", seen, current, replicas: current },
    ...boundsOf(policy),
    candidates: [
      { rule: "hold", replicas: current, text: "a failed reading creates nothing", figures: {} },
    ],
    rule: "hold",
    reasons: [{ code, text: `no job is created: ${text}`, figures: { running: current } }],
    metrics: recordTriggers(seen.triggers, policy.triggers),
  };
}

function boundsOf({ minReplicaCount, maxReplicaCount }: JobObjectivePolicy) {
  return { minReplicaCount, maxReplicaCount };
}

/** What the deadlines ask for beyond the places of failed jobs. */
function askedOf({ wanted, held, seen }: FiguredJobs): number {
  return Math.max(0, wanted - seen.jobs.running - held);
}

function ruleOf(figured: FiguredJobs): Rule {
  const { create, held, wanted, guard, shortage, policy, seen } = figured;
  const asked = askedOf(figured);
  const { running } = seen.jobs;
  if (create < figured.alone) return "shared-cap";
  if (create > asked) return "minimum";
  if (create < asked && guard === null)
    return running + create >= policy.maxReplicaCount ? "maximum" : "capacity";
  if (create > 0) return shortage?.rule ?? "deadline";
  return held > 0 && wanted > running ? "backoff" : "hold";
}

/** The figures of every decision, times in milliseconds. */
function figuresOf({ learned, shortage, policy, seen, held }: FiguredJobs): Figures {
  const { serviceMs, startupMs, aimMs, waitingCount, state } = learned;
  const { running, pending } = seen.jobs;
  return {
    ...{ waiting: waitingCount, running, pending, held },
    ...(shortage && { tau: shortage.tauMs, short: shortage.short, workers: shortage.workers }),
    ...{ S: serviceMs, Le: startupMs, lambda: state.rate.fast },
    ...{ theta: state.margins.theta, aim: aimMs, maxWait: policy.maxWaitMs },
  };
}

function candidates(figured: FiguredJobs): readonly Candidate[] {
  const { shortage, wanted, held, lacking, policy, seen } = figured;
  const { running } = seen.jobs;
  const list: Candidate[] = [
    {
      rule: shortage?.rule ?? "deadline",
      replicas: wanted,
      text: shortageText(figured),
      figures: figuresOf(figured),
    },
  ];
  if (held > 0)
    list.push({
      rule: "backoff",
      replicas: running + askedOf(figured),
      text: `${held} places are kept for jobs that failed, until they are tried again`,
      figures: { held },
    });
  if (lacking > 0)
    list.push({
      rule: "minimum",
      replicas: running + lacking,
      text: `${running} have not ended, and minReplicaCount is ${policy.minReplicaCount}`,
      figures: { lacking },
    });
  if (figured.grant !== null) list.push(sharedCandidate(running + figured.alone, figured.grant));
  const { room } = seen.jobs;
  const most = Math.min(policy.maxReplicaCount, running + (room ?? Number.MAX_SAFE_INTEGER));
  list.push({
    rule: "bounds",
    replicas: Math.min(running + Math.max(askedOf(figured), lacking), most),
    text: `at most ${most} at a time`,
    figures: { ...boundsOf(policy), most },
  });
  return list;
}

function shortageText({ shortage, learned, seen }: FiguredJobs): string {
  const { waitingCount, startupMs, aimMs } = learned;
  const { running } = seen.jobs;
  const wait = `${Math.round(waitingCount)} wait`;
  if (shortage === null || waitingCount === 0) return "nothing waits";
  const { tauMs, short, rule, workers } = shortage;
  if (short < 1e-9)
    return `${wait}, and the ${running} jobs that there are take them within ${formatMs(aimMs)} of their arrival`;
  const deadline = tauMs < 0 ? `${formatMs(-tauMs)} past` : `in ${formatMs(tauMs)}`;
  const amount = `${wait}; a deadline is ${deadline}, and until then the ${running} jobs that there are take ${short.toFixed(1)} too few`;
  if (rule === "hopeless") return `${amount}; a start takes ${formatMs(startupMs)}`;
  if (rule === "forecast") return `${amount}, with those that are expected`;
  return workers < 1 && !shortage.isUrgent ? `${amount}, which can wait` : amount;
}

function reasons(figured: FiguredJobs): readonly Reason[] {
  const { create, wanted, held, lacking, guard, shortage, policy, seen } = figured;
  const { running, room } = seen.jobs;
  const figures = figuresOf(figured);
  const asked = askedOf(figured);
  const list: Reason[] = [];
  if (figured.grant !== null && create < figured.alone)
    list.push(sharedReason({ current: running, alone: running + figured.alone }, figured.grant));
  if (create > 0)
    list.push({ code: "KEDAJobsCreated", text: `Created ${create} jobs`, figures: { create } });
  if (guard !== null) list.push(guardReason(figured, guard));
  if (wanted > running) {
    const code = shortageCodes[shortage?.rule ?? "deadline"];
    list.push({ code, text: shortageText(figured), figures });
  }
  if (held > 0 && wanted > running + asked) {
    const text = `${held} jobs failed, and others are created for them after a pause`;
    list.push({ code: "JobsFailing", text, figures: { held } });
  }
  if (lacking > asked && create > 0)
    list.push({
      code: "TooFewReplicas",
      text: `${running} have not ended, and minReplicaCount is ${policy.minReplicaCount}`,
      figures: { lacking },
    });
  if (running + asked > policy.maxReplicaCount)
    list.push({
      code: "TooManyReplicas",
      text: `${running + asked} wanted, ${policy.maxReplicaCount} allowed`,
      figures: { desired: running + asked, ...boundsOf(policy) },
    });
  if (room !== null && asked > room)
    list.push({
      code: "NoCapacity",
      text: `there is room for ${room} jobs more`,
      figures: { room },
    });
  if (list.length === 0) list.push({ code: "ObjectiveKept", text: shortageText(figured), figures });
  return list;
}

function guardReason(figured: FiguredJobs, guard: NonNullable<FiguredJobs["guard"]>): Reason {
  const asked = askedOf(figured);
  const figures = { asked, create: figured.create };
  if (guard === "groups")
    return {
      code: "GroupsExhausted",
      text: `${asked} more are wanted, but only ${figured.learned.activeGroups} can be active at a time`,
      figures,
    };
  if (guard === "budget")
    return {
      code: "StartBudgetSpent",
      text: `${asked} more are wanted, but ${figured.policy.maxStartsPerMinute} starts a minute are allowed`,
      figures,
    };
  return {
    code: "DownstreamSaturated",
    text: `${asked} more are wanted, but the last jobs added did not raise the rate of ended messages: what they call is saturated`,
    figures,
  };
}
