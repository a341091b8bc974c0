/** Works decisions through for supposed values: the very functions that scale, on a situation that somebody makes up. */
import { SluiceError } from "../../core/index.ts";
import {
  isResourceTrigger,
  nameOf,
  type ScaledJob,
  type ScaledObject,
  type TriggerSpec,
} from "../../specs/index.ts";
import type { Decision } from "../decision.ts";
import { type JobStatus, toJobTargetStatus } from "../job-target.ts";
import {
  initialScaledJobState,
  initialScaledObjectState,
  observeJobs,
  observeObject,
  pollScaledJob,
  pollScaledObject,
  type ScaledObjectState,
  syncAutoscaler,
  type TriggerReading,
  toScaledJobPolicy,
  toScaledObjectPolicy,
} from "../keda/index.ts";
import {
  decideJobsByObjective,
  initialJobObjectiveState,
  jobObjectiveOf,
  observeJobQueue,
} from "../objective/jobs/index.ts";
import type { TargetStatus } from "../target.ts";
import { valueOfKey } from "./describe-triggers.ts";
import { factsOf } from "./trigger-facts.ts";

/** The situation. Times are in milliseconds. */
export interface Situation {
  /** By name, type or index of the trigger, or `""` for every trigger; `failed` is a reading that fails. */
  readonly values: ReadonlyMap<string, number | "failed">;
  /** Replicas, or jobs that run. */
  readonly replicas: number;
  /** Of those; default all. */
  readonly ready?: number;
  /** How long nothing has been active. Default 0. */
  readonly inactiveMs?: number;
  /** How long the oldest message has waited, where a trigger of that type would tell. */
  readonly oldestAgeMs?: number;
}

/** The decisions that follow, one after the other: of both halves, or of a ScaledJob's one. */
export interface WorkedThrough {
  readonly object: string;
  readonly decisions: readonly Decision[];
}

/**
 * Works an object through. The autoscaler is taken to have wanted nothing else within its windows. Throws `OPTION_INVALID`
 * for a value of no trigger, a trigger without a value, and a target that the YAML does not tell.
 */
export function workThrough(
  object: ScaledObject | ScaledJob,
  situation: Situation,
  at: number,
): WorkedThrough {
  const triggers = readTriggers(object, situation);
  const decisions =
    object.kind === "ScaledObject"
      ? decideObject(object, { situation, triggers, at })
      : decideJob(object, { situation, triggers, at });
  return { object: nameOf(object), decisions };
}

interface Given {
  readonly situation: Situation;
  readonly triggers: readonly TriggerReading[];
  readonly at: number;
}

function decideObject(object: ScaledObject, { situation, triggers, at }: Given) {
  const policy = toScaledObjectPolicy(object);
  const fresh = initialScaledObjectState(at);
  const state: ScaledObjectState = {
    ...fresh,
    lastActiveAt: at - (situation.inactiveMs ?? 0),
    autoscaler: { ...fresh.autoscaler, recommendations: [] },
  };
  const status = statusOf(situation.replicas, situation.ready ?? situation.replicas);
  const poll = pollScaledObject(policy, state, observeObject({ at, triggers, status }));
  const after = poll.decision.replicas;
  const isSame = after === situation.replicas;
  const next = observeObject({ at, triggers, status: isSame ? status : statusOf(after, after) });
  return [poll.decision, syncAutoscaler(policy, poll.state, next).decision];
}

function decideJob(object: ScaledJob, { situation, triggers, at }: Given) {
  const { replicas, ready = replicas, inactiveMs = 0 } = situation;
  const jobs = Array.from({ length: replicas }, (_, index): JobStatus => {
    const isReady = index < ready;
    // What is ready has been so for a while.
    const createdAt = isReady ? at - 60_000 : at;
    const base = { generation: 1, createdAt, endedAt: null, failures: 0 };
    return {
      id: `job-${index + 1}`,
      state: isReady ? "running" : "pending",
      ready: isReady,
      ...base,
    };
  });
  const policy = jobObjectiveOf(object);
  if (policy !== null && !object.controls.paused) {
    const look = observeJobQueue(policy, { at, triggers, jobs: toJobTargetStatus(jobs) });
    return [decideJobsByObjective(policy)(initialJobObjectiveState(policy), look).decision];
  }
  const state = { ...initialScaledJobState, lastActiveAt: at - inactiveMs };
  const seen = observeJobs({ at, triggers, jobs: toJobTargetStatus(jobs) });
  return [pollScaledJob(toScaledJobPolicy(object), state, seen).decision];
}

function statusOf(replicas: number, ready: number): TargetStatus {
  const starting = Math.max(0, replicas - ready);
  return { replicas, ready, starting, busy: ready, idle: 0, draining: 0, workers: [] };
}

function readTriggers(
  object: ScaledObject | ScaledJob,
  situation: Situation,
): readonly TriggerReading[] {
  const triggers = object.spec.triggers;
  const names = triggers.flatMap(({ name, type }, index) => [name, type, String(index)]);
  const stranger = [...situation.values.keys()].find((key) => key !== "" && !names.includes(key));
  if (stranger !== undefined)
    throw invalid(
      `a value is given by a trigger's name, type or index (${triggers.map(labelOf).join(", ")}); got ${stranger}`,
    );
  if (triggers.every(isResourceTrigger))
    throw invalid(
      `${nameOf(object)} has cpu and memory alone, whose use is the pods' and no value`,
    );
  return triggers.flatMap((trigger, index) =>
    isResourceTrigger(trigger) ? [] : [readingOf(object, index, situation)],
  );
}

function readingOf(
  object: ScaledObject | ScaledJob,
  index: number,
  { values, oldestAgeMs }: Situation,
): TriggerReading {
  const trigger = object.spec.triggers[index];
  if (trigger === undefined) throw invalid(`there is no trigger ${index}`);
  const { name, type } = trigger;
  const value = values.get(name) ?? values.get(String(index)) ?? values.get(type) ?? values.get("");
  if (value === undefined)
    throw invalid(`trigger ${labelOf(trigger)} needs a value: --value ${labelOf(trigger)}=37`);
  const metricName = `s${index}-${type}`;
  const metricType = trigger.metricType === "Value" ? "Value" : "AverageValue";
  const specs = [{ metricName, metricType, target: targetOf(object, trigger) } as const];
  if (value === "failed")
    return { index, specs, readings: null, failure: "supposed to have failed" };
  const active = value > Number(valueOfKey(trigger, factsOf(trigger)?.activation ?? null) ?? 0);
  const age = oldestAgeMs === undefined ? {} : { oldestAgeMs };
  return { index, specs, readings: [{ metricName, value, active, ...age }], failure: null };
}

function targetOf(object: ScaledObject | ScaledJob, trigger: TriggerSpec): number {
  if (trigger.type === "cron") return 1;
  const key = factsOf(trigger)?.target(trigger.metadata) ?? null;
  const target = Number(valueOfKey(trigger, key) ?? Number.NaN);
  if (target > 0) return target;
  const isFormula =
    object.kind === "ScaledObject" && object.spec.advanced.scalingModifiers !== null;
  if (isFormula) return 1;
  throw invalid(
    `the YAML does not tell the target of trigger ${labelOf(trigger)}, so nothing can be worked out`,
  );
}

function labelOf({ name, type }: TriggerSpec): string {
  return name === "" ? type : name;
}

function invalid(problem: string): SluiceError {
  return new SluiceError("OPTION_INVALID", `${problem}.`);
}
