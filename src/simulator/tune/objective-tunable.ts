import type { ObjectiveMode } from "../../core/index.ts";
import { jobObjectiveOf, objectiveOf, toObjectivePolicy } from "../../scaler/index.ts";
import type { ObjectiveControl, ScaledJob, ScaledObject } from "../../specs/index.ts";
import type { Policy } from "../engine/policy.ts";
import { jobObjectivePolicy } from "../policies/job-objective.ts";
import {
  annotatedPolicy,
  type ObjectivePolicyOptions,
  objectivePolicy,
} from "../policies/objective.ts";
import { minimums, type TunedField } from "./object-parameter.ts";
import {
  type Cause,
  choice,
  type Parameter,
  parameter,
  type Setting,
  type Tunable,
} from "./parameter.ts";

/** The margins of an objective, and what holds beside them. Periods in seconds. */
interface Margins {
  readonly mode: ObjectiveMode;
  readonly theta: number;
  readonly adaptive: boolean;
  readonly startCost: number;
  readonly pollingInterval: number;
  readonly minReplicaCount: number;
}

/** Of the parameters the first ones stand in the annotation. */
const marginCount = 4;

const looks = [1, 2, 5, 10, 15, 30];

function parametersOf(
  now: Margins,
  limits: { readonly max: number; readonly longestLook: number },
): readonly Parameter[] {
  const shares = [0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1];
  // With theta given, a mode says no more than whether the first job brings a worker at once.
  const patient = now.mode === "latency" ? "cost" : now.mode;
  const seconds = looks.filter((look) => look <= limits.longestLook);
  return [
    parameter("theta", shares, { current: now.theta, heading: "theta" }),
    choice("mode", [patient, "latency"], { current: now.mode, heading: "mode" }),
    choice("adaptive", ["false", "true"], { current: String(now.adaptive), heading: "adaptive" }),
    parameter("startCost", [0, 2, 5, 10, 20, 40, 80], {
      ...{ current: now.startCost, heading: "start cost" },
    }),
    parameter("pollingInterval", seconds, { current: now.pollingInterval, heading: "poll" }),
    parameter("minReplicaCount", minimums(limits.max), {
      ...{ current: now.minReplicaCount, heading: "min" },
    }),
  ];
}

function marginsOf(values: readonly Setting[]): Margins {
  const [theta, mode, adaptive, startCost, pollingInterval, minReplicaCount] = values;
  return {
    theta: Number(theta),
    mode: mode as ObjectiveMode,
    adaptive: adaptive === "true",
    startCost: Number(startCost),
    pollingInterval: Number(pollingInterval),
    minReplicaCount: Number(minReplicaCount),
  };
}

/** The wait objective of a worker with its margins. */
export function objectiveTunable(options: ObjectivePolicyOptions): Tunable {
  const { objective, scale = {} } = options;
  const policy = toObjectivePolicy(objective, { pollingInterval: 5, ...scale }, options);
  const max = policy.maxReplicaCount;
  const parameters = parametersOf(
    {
      ...{ mode: policy.mode, theta: policy.theta, adaptive: policy.isAdaptive },
      startCost: policy.startCostMs / 1000,
      pollingInterval: policy.pollingIntervalMs / 1000,
      minReplicaCount: policy.minReplicaCount,
    },
    { max, longestLook: Number.POSITIVE_INFINITY },
  );
  const withScale = (change: typeof scale) =>
    objectivePolicy({ ...options, scale: { ...scale, ...change } });
  return {
    parameters,
    current: objectivePolicy(options),
    policyOf: (values) => objectivePolicy({ ...objectiveWith(options, values), name: "tuned" }),
    causes: causesOf({
      everySecond: withScale({ pollingInterval: 1 }),
      tenfold: withScale({ maxReplicaCount: 10 * max }),
    }),
  };
}

/** The options with the values of a candidate. */
export function objectiveWith(
  options: ObjectivePolicyOptions,
  values: readonly Setting[],
): ObjectivePolicyOptions {
  const { pollingInterval, minReplicaCount, ...margins } = marginsOf(values);
  return {
    ...options,
    objective: { ...options.objective, ...margins },
    scale: { ...options.scale, pollingInterval, minReplicaCount },
  };
}

/** A ScaledObject or ScaledJob with the annotation `sluice.dev/objective`. */
export type Annotated =
  | Pick<ScaledObject, "kind" | "spec" | "controls" | "metadata">
  | Pick<ScaledJob, "kind" | "spec" | "controls" | "metadata">;

/** The policy of an annotated object, by its kind. */
export function annotatedPolicyOf(
  object: Annotated,
  options: { readonly name?: string } = {},
): Policy {
  return object.kind === "ScaledJob"
    ? jobObjectivePolicy(object, options)
    : annotatedPolicy(object, options);
}

/** An object under its annotation `sluice.dev/objective`, with its margins. */
export function annotatedTunable(object: Annotated): Tunable {
  const most = object.spec.maxReplicaCount ?? 100;
  return {
    parameters: annotatedParameters(object),
    current: annotatedPolicyOf(object),
    policyOf: (values) => annotatedPolicyOf(annotatedWith(object, values), { name: "tuned" }),
    causes: causesOf({
      everySecond: annotatedPolicyOf(withSpec(object, { pollingInterval: 1 })),
      tenfold: annotatedPolicyOf(withSpec(object, { maxReplicaCount: 10 * most })),
    }),
  };
}

function annotatedParameters(object: Annotated): readonly Parameter[] {
  const policy = object.kind === "ScaledJob" ? jobObjectiveOf(object) : objectiveOf(object);
  if (policy === null) return [];
  // The engine shortens longer ones, see objectiveOf.
  const longestLook = Math.max(1, Math.min(5, policy.maxWaitMs / 6000));
  return parametersOf(
    {
      ...{ mode: policy.mode, theta: policy.theta, adaptive: policy.isAdaptive },
      startCost: policy.startCostMs / 1000,
      pollingInterval: object.spec.pollingInterval,
      minReplicaCount: policy.minReplicaCount,
    },
    { max: policy.maxReplicaCount, longestLook },
  );
}

function withSpec(
  object: Annotated,
  change: Partial<Record<"pollingInterval" | "minReplicaCount" | "maxReplicaCount", number>>,
): Annotated {
  return object.kind === "ScaledJob"
    ? { ...object, spec: { ...object.spec, ...change } }
    : { ...object, spec: { ...object.spec, ...change } };
}

/** The object with the values of a candidate. */
export function annotatedWith(object: Annotated, values: readonly Setting[]): Annotated {
  const { pollingInterval, minReplicaCount, startCost, ...margins } = marginsOf(values);
  const { objective } = object.controls;
  const control = { ...objective, ...margins, startCostMs: startCost * 1000 } as ObjectiveControl;
  const controls = { ...object.controls, objective: control };
  return withSpec({ ...object, controls }, { pollingInterval, minReplicaCount });
}

/** The values of a candidate as fields of the object. */
export function annotatedFields(
  object: Annotated,
  values: readonly Setting[],
): readonly TunedField[] {
  const { spec, controls } = annotatedWith(object, values);
  const isChanged = annotatedParameters(object)
    .slice(0, marginCount)
    .some(({ current }, place) => current !== values[place]);
  const path = ["metadata", "annotations", "sluice.dev/objective"];
  const field = (key: "pollingInterval" | "minReplicaCount"): readonly TunedField[] =>
    spec[key] === (object.spec[key] ?? 0) ? [] : [{ path: ["spec", key], value: spec[key] }];
  return [
    ...(isChanged && controls.objective ? [{ path, value: annotationOf(controls.objective) }] : []),
    ...field("pollingInterval"),
    ...field("minReplicaCount"),
  ];
}

/** `maxWait=30s,mode=cost,theta=0.85`: what differs from a default, behind the wait and the mode. */
function annotationOf(control: ObjectiveControl): string {
  const { maxWaitMs, mode, theta, adaptive, lateShare, startCostMs, startupDelayMs } = control;
  const { concurrency, messagesPerJob } = control;
  const parts = [
    `maxWait=${periodText(maxWaitMs)}`,
    `mode=${mode}`,
    ...(theta === undefined ? [] : [`theta=${theta}`]),
    ...(adaptive ? ["adaptive=true"] : []),
    ...(lateShare === undefined ? [] : [`lateShare=${lateShare}`]),
    ...(startCostMs ? [`startCost=${periodText(startCostMs)}`] : []),
    ...(startupDelayMs === undefined ? [] : [`startupDelay=${periodText(startupDelayMs)}`]),
    ...(messagesPerJob === undefined
      ? []
      : [`messagesPerJob=${messagesPerJob === "one" ? 1 : "many"}`]),
    ...(concurrency === undefined ? [] : [`concurrency=${concurrency}`]),
  ];
  return parts.join(",");
}

function periodText(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

function causesOf(policies: {
  readonly everySecond: Cause["policy"];
  readonly tenfold: Cause["policy"];
}): readonly Cause[] {
  return [
    { cause: "polling", without: "a look every second", policy: policies.everySecond },
    { cause: "maximum", without: "ten times maxReplicaCount", policy: policies.tenfold },
  ];
}
