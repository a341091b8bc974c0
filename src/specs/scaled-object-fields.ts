import { behavior } from "./behavior-fields.ts";
import {
  about,
  below,
  choice,
  derive,
  type Field,
  flag,
  invalid,
  list,
  object,
  optional,
  or,
  orEmpty,
  type Place,
  type Read,
  refuse,
  text,
  whole,
} from "./field.ts";
import { parseDecimal } from "./quantity.ts";
import type {
  Fallback,
  ScaledObjectSpec,
  ScaleTargetRef,
  ScalingModifiers,
} from "./scaled-object.ts";
import { triggerSpec } from "./trigger-fields.ts";

const scaleTargetRef: Field<ScaleTargetRef> = object<ScaleTargetRef>(
  {
    name: text({ isNeeded: true }),
    apiVersion: or(text(), "apps/v1"),
    kind: or(text(), "Deployment"),
    envSourceContainerName: about(
      "The container whose environment ...FromEnv means. Default: the first.",
      optional(text()),
    ),
  },
  { renamed: { deploymentName: "name", containerName: "envSourceContainerName" } },
);

const fallback: Field<Fallback> = object<Fallback>({
  failureThreshold: about("Readings in a row that may fail.", whole(0)),
  replicas: about("How many to keep while readings fail.", whole(0)),
  behavior: or(
    choice([
      "static",
      "currentReplicas",
      "currentReplicasIfHigher",
      "currentReplicasIfLower",
      "scalingModifiers",
    ]),
    "static",
  ),
});

/** As the YAML has it: numbers are texts. */
interface WrittenModifiers {
  readonly formula: string;
  readonly target: string;
  readonly activationTarget: string;
  readonly metricType: "AverageValue" | "Value" | "Utilization" | null;
}

const scalingModifiers: Field<ScalingModifiers | null> = derive(
  object<WrittenModifiers>({
    formula: about("An expression over the names of the triggers.", or(text(), "")),
    target: about("A number above 0, in quotes.", or(text(), "")),
    activationTarget: about("Active above this. Default 0.", or(text(), "")),
    metricType: optional(choice(["AverageValue", "Value", "Utilization"])),
  }),
  readModifiers,
);

function readModifiers(written: WrittenModifiers, at: Place): Read<ScalingModifiers | null> {
  const { formula, target, activationTarget, metricType } = written;
  const isEmpty = formula === "" && target === "" && activationTarget === "" && !metricType;
  if (isEmpty) return null;
  const problems: readonly [key: string, message: string | null][] = [
    ["formula", formula === "" ? "is missing; scalingModifiers need one." : null],
    ["target", targetProblem(target)],
    [
      "activationTarget",
      activationTarget === "" || parseDecimal(activationTarget) !== null
        ? null
        : `must be a number in quotes; got ${JSON.stringify(activationTarget)}.`,
    ],
    [
      "metricType",
      metricType === "Utilization"
        ? "must be AverageValue or Value; Utilization is for cpu and memory alone."
        : null,
    ],
  ];
  const wrong = problems.filter(([, message]) => message !== null);
  for (const [key, message] of wrong) refuse(below(at, key), message ?? "");
  if (wrong.length > 0) return invalid;
  return {
    formula,
    target: parseDecimal(target) ?? 0,
    activationTarget: parseDecimal(activationTarget) ?? 0,
    metricType: metricType === "Value" ? "Value" : "AverageValue",
  };
}

function targetProblem(target: string): string | null {
  if (target === "") return "is missing; scalingModifiers need a target above 0.";
  if ((parseDecimal(target) ?? 0) > 0) return null;
  return `must be a number above 0, in quotes; got ${JSON.stringify(target)}.`;
}

type Advanced = ScaledObjectSpec["advanced"];

const advanced: Field<Advanced> = object<Advanced>({
  restoreToOriginalReplicaCount: about(
    "Go back to the count of before when the ScaledObject is deleted.",
    or(flag(), false),
  ),
  horizontalPodAutoscalerConfig: orEmpty(
    object<Advanced["horizontalPodAutoscalerConfig"]>({
      name: about("Default: keda-hpa-<name of the ScaledObject>.", optional(text())),
      behavior: optional(behavior),
    }),
  ),
  scalingModifiers: orEmpty(scalingModifiers),
});

/** `spec` of a ScaledObject. */
export const scaledObjectSpec: Field<ScaledObjectSpec> = object<ScaledObjectSpec>({
  scaleTargetRef: about("What is scaled, in the same namespace.", scaleTargetRef),
  pollingInterval: about("Seconds between two readings.", or(whole(1), 30)),
  cooldownPeriod: about("Seconds without activity before it goes to zero.", or(whole(0), 300)),
  initialCooldownPeriod: about(
    "The same, for a new object that was never active.",
    or(whole(0), 0),
  ),
  idleReplicaCount: about("Replicas while nothing is active. Only 0 works.", optional(whole(0))),
  minReplicaCount: about("Default 0.", optional(whole(0))),
  maxReplicaCount: about("Default 100.", optional(whole(1))),
  triggers: about("What tells how much work there is.", list(triggerSpec, { isNeeded: true })),
  fallback: about("What to do while readings fail.", optional(fallback)),
  advanced: orEmpty(advanced),
});
