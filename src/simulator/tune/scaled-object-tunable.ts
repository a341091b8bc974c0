import { autoscalerDefaults } from "../../scaler/index.ts";
import type { ScaledObjectSpec } from "../../specs/index.ts";
import type { Policy } from "../engine/policy.ts";
import { scaledObjectPolicy } from "../policies/scaled-object.ts";
import {
  minimums,
  type ObjectParameter,
  pollingIntervals,
  specNumber,
  type TunableObject,
  triggerTargets,
  withValues,
} from "./object-parameter.ts";
import { type Cause, parameter, type Tunable } from "./parameter.ts";
import { rateParameters, withRules } from "./rate-parameters.ts";

/** The parameters of KEDA and of the HPA's behavior, in the order of the values of a candidate. */
export function scaledObjectParameters(
  object: TunableObject,
): readonly ObjectParameter<TunableObject>[] {
  const { spec } = object;
  const idle = spec.idleReplicaCount ?? -1;
  const min = spec.minReplicaCount ?? 0;
  return [
    ...targetsOf(object),
    specNumber("pollingInterval", pollingIntervals, {
      ...{ current: spec.pollingInterval, heading: "poll" },
    }),
    specNumber("cooldownPeriod", [0, 10, 30, 60, 120, 300, 600], {
      ...{ current: spec.cooldownPeriod, heading: "cool" },
    }),
    // KEDA wants the minimum above the idle count.
    specNumber(
      "minReplicaCount",
      minimums(spec.maxReplicaCount ?? 100).filter((count) => count > idle),
      { current: min, heading: "min" },
    ),
    ...rateParameters(object),
  ];
}

/** With a formula its target holds, and those of the triggers have no part. */
function targetsOf(object: TunableObject): readonly ObjectParameter<TunableObject>[] {
  const { scalingModifiers } = object.spec.advanced;
  if (scalingModifiers === null) return triggerTargets(object);
  const { target: current } = scalingModifiers;
  const values = [0.1, 0.2, 0.5, 2, 5, 10].map((factor) => factor * current);
  return [
    {
      ...parameter("scalingModifiers.target", values, { current, heading: "target" }),
      path: ["spec", "advanced", "scalingModifiers", "target"],
      with: (one, setting) => ({
        ...one,
        spec: {
          ...one.spec,
          advanced: {
            ...one.spec.advanced,
            scalingModifiers: { ...scalingModifiers, target: Number(setting) },
          },
        },
      }),
      written: String,
    },
  ];
}

/** A ScaledObject with its parameters. */
export function scaledObjectTunable(object: TunableObject): Tunable {
  const parameters = scaledObjectParameters(object);
  return {
    parameters,
    current: scaledObjectPolicy(object),
    policyOf: (values) =>
      scaledObjectPolicy(withValues(object, parameters, values), { name: "tuned" }),
    causes: causesOf(object),
  };
}

function causesOf(object: TunableObject): readonly Cause[] {
  const changed = (spec: Partial<ScaledObjectSpec>): TunableObject => ({
    ...object,
    spec: { ...object.spec, ...spec },
  });
  const everySecond = { ...autoscalerDefaults, syncPeriodMs: 1000 };
  const cause = (name: string, without: string, policy: Policy): Cause => ({
    ...{ cause: name, without, policy },
  });
  return [
    cause(
      "polling",
      "KEDA and the HPA look every second",
      scaledObjectPolicy(changed({ pollingInterval: 1 }), { flags: everySecond }),
    ),
    cause("rate limits", "scale-out in one step", scaledObjectPolicy(unlimitedUp(object))),
    cause(
      "cool-down",
      "no cooldownPeriod, no stabilisation of scale-in",
      scaledObjectPolicy(promptDown(changed({ cooldownPeriod: 0 }))),
    ),
    cause(
      "maximum",
      "ten times maxReplicaCount",
      scaledObjectPolicy(changed({ maxReplicaCount: (object.spec.maxReplicaCount ?? 100) * 10 })),
    ),
  ];
}

function unlimitedUp(object: TunableObject): TunableObject {
  return withRules(object, "scaleUp", {
    ...{ stabilizationWindowSeconds: 0, selectPolicy: "Max", tolerance: null },
    policies: [{ type: "Pods", value: 1_000_000, periodSeconds: 15 }],
  });
}

function promptDown(object: TunableObject): TunableObject {
  return withRules(object, "scaleDown", {
    ...{ stabilizationWindowSeconds: 0, selectPolicy: "Max", policies: null, tolerance: null },
  });
}
