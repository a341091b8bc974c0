/**
 * Sluice's own strategy for ScaledJobs: one job at a time. A job more when more messages wait than the threshold, or one
 * has waited too long; and the next only when the last is ready, which on a cluster can take as long as a new node does.
 * Jobs end by themselves, so a busy one is never taken away.
 *
 * Where a source does not tell the age of its oldest message, the time since the queue was last seen empty stands for it.
 * No message can have waited longer, so a job may come too early but none too late.
 */
import { formatMs } from "../../core/index.ts";
import type { SequentialControl } from "../../specs/index.ts";
import type { Candidate, Reason, Rule } from "../decision.ts";
import type { JobLook, JobVerdict, ScaledJobState } from "./job-look.ts";

/** See the top of this file. Pure. */
export function decideSequentially(
  look: JobLook,
  control: SequentialControl,
  { waitingSince }: Pick<ScaledJobState, "waitingSince">,
): JobVerdict {
  const { running, policy, errors } = look;
  const asked = [byThreshold(look, control), byAge(look, control, waitingSince)];
  const wishes = asked.flatMap((wish) => (wish === null ? [] : [wish]));
  const lacking = Math.max(0, policy.minReplicaCount - running);
  const wish = wishes.find(({ isMet }) => isMet);
  const candidates = wishes.map(({ candidate }) => candidate);
  if (lacking === 0 && wish === undefined) {
    const rule = errors.length > 0 ? "hold" : "threshold";
    return { rule, create: 0, candidates, reasons: [] };
  }
  const obstacle = findObstacle(look);
  if (obstacle !== null) {
    const { rule, reason } = obstacle;
    const candidate: Candidate = {
      rule,
      replicas: running,
      text: reason.text,
      figures: reason.figures,
    };
    const reasons = wish === undefined ? [reason] : [reason, wish.reason];
    return { rule, create: 0, candidates: [...candidates, candidate], reasons };
  }
  const rule: Rule = wish === undefined ? "minimum" : wish.candidate.rule;
  return { rule, create: 1, candidates, reasons: wish === undefined ? [] : [wish.reason] };
}

interface Wish {
  readonly isMet: boolean;
  readonly candidate: Candidate;
  readonly reason: Reason;
}

function byThreshold(look: JobLook, { threshold }: SequentialControl): Wish {
  const { running } = look;
  const messages = look.metrics.reduce((sum, { queue }) => sum + queue, 0);
  const isMet = messages > threshold;
  const text = `${messages} messages are ${isMet ? "" : "not "}more than the threshold ${threshold}`;
  const figures = { messages, threshold };
  return {
    isMet,
    candidate: { rule: "threshold", replicas: isMet ? running + 1 : running, text, figures },
    reason: { code: "ThresholdExceeded", text, figures },
  };
}

function byAge(
  look: JobLook,
  { maxAgeMs }: SequentialControl,
  waitingSince: number | null,
): Wish | null {
  if (maxAgeMs === null) return null;
  const { running, metrics, seen } = look;
  const waiting = metrics.filter(({ queue }) => queue > 0);
  const told = waiting.flatMap(({ oldestAgeMs }) => (oldestAgeMs === null ? [] : [oldestAgeMs]));
  const isTold = told.length === waiting.length;
  const bound = waitingSince === null || waiting.length === 0 ? 0 : seen.at - waitingSince;
  const ageMs = isTold ? Math.max(0, ...told) : Math.max(bound, ...told);
  const isMet = ageMs > maxAgeMs;
  const how = isTold ? "the oldest message waits for" : "not seen empty for";
  const text = `${how} ${formatMs(ageMs)}, ${isMet ? "longer" : "no longer"} than ${formatMs(maxAgeMs)}`;
  const figures = { ageMs, maxAgeMs };
  return {
    isMet,
    candidate: { rule: "age", replicas: isMet ? running + 1 : running, text, figures },
    reason: { code: "MessageTooOld", text, figures },
  };
}

interface Obstacle {
  readonly rule: Rule;
  readonly reason: Reason;
}

function findObstacle({ seen, policy, running }: JobLook): Obstacle | null {
  const most = policy.minReplicaCount + policy.scaleLimit;
  const { jobs, room } = seen.jobs;
  if (running >= most) {
    const text = `${running} run, and maxReplicaCount is ${most}`;
    const figures = { running, most };
    return { rule: "bounds", reason: { code: "TooManyReplicas", text, figures } };
  }
  const starting = jobs.find((job) => job.endedAt === null && !job.ready);
  if (starting !== undefined) {
    const waitedMs = seen.at - starting.createdAt;
    const text = `${starting.id} is not ready yet, after ${formatMs(Math.max(0, waitedMs))}`;
    return {
      rule: "readiness",
      reason: { code: "WaitingForReadiness", text, figures: { waitedMs } },
    };
  }
  if (room === null || room >= 1) return null;
  const text = "there is no room for one more job";
  return { rule: "capacity", reason: { code: "NoCapacity", text, figures: { room } } };
}
