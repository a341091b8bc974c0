import type { Behavior, ScaledObject, ScaledObjectSpec } from "../../specs/index.ts";
import { scaledObjectPolicy } from "../policies/scaled-object.ts";
import { triggerFigure } from "../policies/trigger-figures.ts";
import { type Parameter, parameter, type Tunable } from "./parameter.ts";

/** The part of a ScaledObject that a policy is made from; plain data, so that it can be sent to a thread. */
export type TunableObject = Pick<ScaledObject, "spec" | "controls" | "metadata">;

/** What can be set, in the order of the values of a candidate. */
const names = [
  "target",
  "pollingInterval",
  "cooldownPeriod",
  "minReplicaCount",
  "scaleDown.stabilizationWindowSeconds",
  "scaleUp.policies: Percent in 15 s",
  "scaleUp.policies: Pods in 15 s",
  "scaleDown.policies: Percent in 60 s",
] as const;

/** A ScaledObject with the parameters of KEDA and of the HPA's behavior. The target is that of the first trigger. */
export function scaledObjectTunable(object: TunableObject): Tunable {
  const { spec } = object;
  const target = firstTarget(spec);
  const down = spec.advanced.horizontalPodAutoscalerConfig.behavior?.scaleDown;
  const max = spec.maxReplicaCount ?? 100;
  const targets = [1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 300, 500, 1000];
  const [a, b, c, d, e, f, g, h] = names;
  const parameters: readonly Parameter[] = [
    parameter(a, targets, target),
    parameter(b, [1, 2, 5, 10, 15, 30, 60], spec.pollingInterval),
    parameter(c, [0, 10, 30, 60, 120, 300, 600], spec.cooldownPeriod),
    parameter(
      d,
      [0, 1, 2, 3, 5, 10, 20].filter((min) => min <= max),
      spec.minReplicaCount ?? 0,
    ),
    parameter(e, [0, 15, 30, 60, 120, 300, 600], down?.stabilizationWindowSeconds ?? 300),
    parameter(f, [100, 200, 400, 900], 100),
    parameter(g, [4, 10, 20, 50, 100], 4),
    parameter(h, [5, 10, 25, 50, 100], 100),
  ];
  return {
    parameters,
    current: scaledObjectPolicy(object),
    policyOf: (values) => scaledObjectPolicy(withValues(object, values), { name: "tuned" }),
  };
}

function firstTarget({ triggers }: ScaledObjectSpec): number {
  const [first] = triggers;
  return first === undefined ? 1 : triggerFigure(first).target;
}

/** The object with the values of a candidate. */
export function withValues<T extends TunableObject>(object: T, values: readonly number[]): T {
  const { spec } = object;
  const [target = 1, polling = 30, cooldown = 300, min = 0, ...rates] = values;
  const behavior = behaviorOf(rates);
  const triggers = spec.triggers.map((trigger, place) =>
    place > 0
      ? trigger
      : {
          ...trigger,
          metadata: { ...trigger.metadata, [triggerFigure(trigger).targetKey]: String(target) },
        },
  );
  return {
    ...object,
    spec: {
      ...spec,
      ...{ triggers, pollingInterval: polling, cooldownPeriod: cooldown, minReplicaCount: min },
      advanced: {
        ...spec.advanced,
        horizontalPodAutoscalerConfig: {
          ...spec.advanced.horizontalPodAutoscalerConfig,
          behavior,
        },
      },
    },
  };
}

/** `behavior` of the last four values. */
function behaviorOf(rates: readonly number[]): Behavior {
  const [stabilization = 300, upPercent = 100, upPods = 4, downPercent = 100] = rates;
  return {
    scaleUp: {
      ...{ stabilizationWindowSeconds: 0, selectPolicy: "Max", tolerance: null },
      policies: [
        { type: "Percent", value: upPercent, periodSeconds: 15 },
        { type: "Pods", value: upPods, periodSeconds: 15 },
      ],
    },
    scaleDown: {
      ...{ stabilizationWindowSeconds: stabilization, selectPolicy: "Max", tolerance: null },
      policies: [{ type: "Percent", value: downPercent, periodSeconds: 60 }],
    },
  };
}

/** A field of the object and its tuned value, for whoever writes it back: the path within `spec`. */
export interface TunedField {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/** The values of a candidate as fields of a ScaledObject's `spec`. */
export function tunedFields(
  { spec }: TunableObject,
  values: readonly number[],
): readonly TunedField[] {
  const [target = 1, polling = 30, cooldown = 300, min = 0, ...rates] = values;
  const [first] = spec.triggers;
  const { scaleUp, scaleDown } = behaviorOf(rates);
  const path = ["advanced", "horizontalPodAutoscalerConfig", "behavior"];
  const plain = (rules: typeof scaleUp) => ({
    stabilizationWindowSeconds: rules?.stabilizationWindowSeconds,
    policies: rules?.policies,
  });
  return [
    { path: ["pollingInterval"], value: polling },
    { path: ["cooldownPeriod"], value: cooldown },
    { path: ["minReplicaCount"], value: min },
    ...(first === undefined
      ? []
      : [
          {
            path: ["triggers", 0, "metadata", triggerFigure(first).targetKey],
            value: String(target),
          },
        ]),
    { path, value: { scaleUp: plain(scaleUp), scaleDown: plain(scaleDown) } },
  ];
}
