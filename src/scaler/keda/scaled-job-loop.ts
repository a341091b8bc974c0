/**
 * One poll of a ScaledJob: how many jobs to create. KEDA's strategies are here; Sluice's `sequential` is in
 * sequential.ts. A job ends by itself, so nothing here ever takes one away.
 */
import type { TriggerSpec } from "../../specs/index.ts";
import type { Candidate, Decision, MetricRecord, Reason, Rule } from "../decision.ts";
import type { JobLook, JobVerdict, ScaledJobState } from "./job-look.ts";
import { combineJobMetrics, type JobMetric, jobMetric } from "./job-metrics.ts";
import { jobsToCreate } from "./job-strategy.ts";
import type { JobObservation, TriggerReading } from "./object-observation.ts";
import type { ScaledJobPolicy } from "./scaled-job-policy.ts";
import { decideSequentially } from "./sequential.ts";

/** Before the first poll. */
export const initialScaledJobState: ScaledJobState = { lastActiveAt: null, waitingSince: null };

/** A poll's decision: `replicas` is how many jobs shall run, `create` how many of them are new. */
export interface ScaledJobOutcome {
  readonly decision: Decision;
  readonly create: number;
  readonly state: ScaledJobState;
}

/** See the top of this file. Pure. */
export function pollScaledJob(
  policy: ScaledJobPolicy,
  state: ScaledJobState,
  seen: JobObservation,
): ScaledJobOutcome {
  const look = lookAt(policy, state, seen);
  const next = remember(look);
  if (policy.controls.paused || policy.controls.pausedReplicas !== null)
    return conclude(
      look,
      state,
      still("paused", "ScaledObjectPaused", "autoscaling.keda.sh/paused"),
    );
  if (seen.failure !== null)
    return conclude(look, next, still("hold", "FailedGetScale", seen.failure.text));
  if (policy.controls.sequential !== null)
    return conclude(look, next, decideSequentially(look, policy.controls.sequential, next));
  return conclude(look, next, decideByStrategy(look));
}

function decideByStrategy(look: JobLook): JobVerdict {
  const { policy, running, pending, combined } = look;
  const { minReplicaCount: min, scaleLimit: limit } = policy;
  if (running < min) {
    const text = `${running} run, and minReplicaCount is ${min}: nothing more in this poll`;
    const candidate = { rule: "minimum" as const, replicas: min, text, figures: { running, min } };
    return { rule: "minimum", create: min - running, candidates: [candidate], reasons: [] };
  }
  const { queue, maxScale } = combined;
  const need = { queue, maxScale, running: running - min, pending, limit };
  const answer = jobsToCreate(policy.strategy, need);
  const asked: Candidate = {
    ...{ rule: "metric", replicas: maxScale, figures: { queue, maxScale, limit } },
    text: `${policy.strategy.multipleScalersCalculation} of ${look.metrics.filter((one) => one.active).length} active triggers: ${queue} wait, which asks for ${maxScale} jobs, at most ${limit}`,
  };
  const { text } = answer;
  const { effective, wanted } = answer;
  const figures = { running: need.running, pending, effective, wanted };
  const isActive = combined.active || min > 0;
  const create = isActive ? answer.create : 0;
  const candidate: Candidate = { rule: "strategy", replicas: running + create, text, figures };
  const candidates = [asked, candidate];
  return { rule: isActive ? "strategy" : "activation", create, candidates, reasons: [] };
}

function lookAt(policy: ScaledJobPolicy, state: ScaledJobState, seen: JobObservation): JobLook {
  const read = seen.triggers.map((trigger) => ({
    trigger,
    metric: jobMetric(trigger, policy.scaleLimit),
  }));
  const metrics = read.flatMap(({ metric }) => (typeof metric === "string" ? [] : [metric]));
  const errors = read.flatMap(({ trigger, metric }) =>
    typeof metric === "string" ? [`${nameOf(trigger, policy.triggers)}: ${metric}`] : [],
  );
  const calculation = policy.strategy.multipleScalersCalculation;
  return {
    ...{ policy, state, seen, metrics, errors },
    running: seen.jobs.running,
    pending: seen.jobs.pending,
    combined: combineJobMetrics(metrics, calculation, policy.scaleLimit),
  };
}

/** A failed reading says nothing about how long anything has waited, so it changes neither time. */
function remember({ state, seen, metrics, errors, combined, policy }: JobLook): ScaledJobState {
  const isActive = combined.active || policy.minReplicaCount > 0;
  const isEmpty = metrics.every(({ queue }) => queue === 0);
  const waits = !isEmpty || (errors.length > 0 && state.waitingSince !== null);
  return {
    lastActiveAt: isActive ? seen.at : state.lastActiveAt,
    waitingSince: waits ? (state.waitingSince ?? seen.at) : null,
  };
}

function still(rule: Rule, code: Reason["code"], text: string): JobVerdict {
  return {
    ...{ rule, create: 0 },
    candidates: [],
    reasons: [{ code, text, figures: {} }],
  };
}

function conclude(look: JobLook, state: ScaledJobState, verdict: JobVerdict): ScaledJobOutcome {
  const { policy, seen, running, errors } = look;
  const { rule, create } = verdict;
  const replicas = running + create;
  const created: readonly Reason[] =
    create === 0
      ? []
      : [{ code: "KEDAJobsCreated", text: `Created ${create} jobs`, figures: { create } }];
  const failed = errors.map((text): Reason => ({ code: "KEDAScalerFailed", text, figures: {} }));
  const candidates =
    verdict.candidates.length > 0
      ? verdict.candidates
      : [{ rule, replicas, text: "no job is created", figures: {} }];
  const decision: Decision = {
    ...{ at: seen.at, controller: "job", seen, current: running, replicas },
    minReplicaCount: policy.minReplicaCount,
    maxReplicaCount: policy.minReplicaCount + policy.scaleLimit,
    ...{ candidates, rule },
    reasons: [...created, ...verdict.reasons, activity(look), ...failed],
    metrics: seen.triggers.map((trigger) => recordOf(trigger, look.metrics, policy.triggers)),
  };
  return { decision, create, state };
}

function activity({ combined, policy, metrics }: JobLook): Reason {
  const { queue, maxScale } = combined;
  const figures = { queue, maxScale };
  if (combined.active) return { code: "ScalerActive", text: `${queue} wait`, figures };
  if (policy.minReplicaCount > 0)
    return { code: "ScalerActive", text: "minReplicaCount is more than 0", figures };
  const text = `no trigger is over its activation value (${metrics.map((one) => one.queue).join(", ")})`;
  return { code: "ScalerNotActive", text, figures };
}

function recordOf(
  trigger: TriggerReading,
  metrics: readonly JobMetric[],
  specs: readonly TriggerSpec[],
): MetricRecord {
  const metric = metrics.find(({ index }) => index === trigger.index);
  const [spec] = trigger.specs;
  const owner = specs[trigger.index];
  return {
    metricName: nameOf(trigger, specs),
    trigger: owner?.name || (owner?.type ?? ""),
    metricType: spec?.metricType ?? "AverageValue",
    target: metric?.target ?? spec?.target ?? 0,
    value: metric?.queue ?? null,
    active: metric?.active ?? false,
    failure: metric === undefined ? (trigger.failure ?? "it gave no usable reading") : null,
    failures: 0,
    source: metric === undefined ? "none" : "reading",
    oldestAgeMs: metric?.oldestAgeMs ?? null,
  };
}

/** What was read of triggers, each by itself, for the record of a decision that does not go by KEDA's strategies. */
export function recordTriggers(
  triggers: readonly TriggerReading[],
  specs: readonly TriggerSpec[],
): readonly MetricRecord[] {
  const read = triggers.map((trigger) => jobMetric(trigger, Number.POSITIVE_INFINITY));
  const metrics = read.flatMap((metric) => (typeof metric === "string" ? [] : [metric]));
  return triggers.map((trigger) => recordOf(trigger, metrics, specs));
}

function nameOf({ specs, index }: TriggerReading, owners: readonly TriggerSpec[]): string {
  return specs[0]?.metricName ?? `s${index}-${owners[index]?.type ?? "trigger"}`;
}
