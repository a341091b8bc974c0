import { isSluiceError } from "../../core/index.ts";
import {
  defaultMaxReplicas,
  isResourceTrigger,
  type ScaledObject,
  type TriggerSpec,
} from "../../specs/index.ts";
import { compileFormula } from "../keda/index.ts";
import { standardDownWindow } from "./describe-behavior.ts";
import { valueOfKey } from "./describe-triggers.ts";
import type { Explained, Remark } from "./explanation.ts";
import { lintCommand } from "./lint-command.ts";
import { lintObjective, lintObjectObjective } from "./lint-objective.ts";
import { lintTriggers } from "./lint-triggers.ts";
import { lintSharedCap } from "./shared-cap.ts";
import { factsOf } from "./trigger-facts.ts";

type Rule = (object: ScaledObject) => readonly Remark[];

/** What of a ScaledObject does not do what one would think. */
export function lintScaledObject(explained: Explained<ScaledObject>): readonly Remark[] {
  const { object } = explained;
  return [
    ...lintTriggers(explained),
    ...lintCommand(explained),
    ...lintObjective(object),
    ...lintObjectObjective(explained),
    ...lintSharedCap(explained.set, object),
    ...rules.flatMap((rule) => rule(object)),
  ];
}

const idleFlaps: Rule = ({ spec: { idleReplicaCount: idle, minReplicaCount: min } }) => {
  if (idle === null || idle === 0) return [];
  return [
    {
      rule: "idle-flaps",
      severity: "warning",
      path: ["spec", "idleReplicaCount"],
      text: `The autoscaler lifts the idle ${idle} back to ${min} every 15 s, and KEDA lowers it again at every poll: replicas flap. Only idleReplicaCount: 0 works, since the autoscaler leaves 0 alone.`,
    },
  ];
};

const idleWithoutMinimum: Rule = ({ spec: { idleReplicaCount: idle, minReplicaCount: min } }) => {
  if (idle !== 0 || min !== 0) return [];
  return [
    {
      rule: "idle-without-minimum",
      severity: "info",
      path: ["spec", "idleReplicaCount"],
      text: "With minReplicaCount: 0 an idle object goes to 0 anyway. Leave idleReplicaCount out, or raise minReplicaCount to start with more than one.",
    },
  ];
};

const standardTolerance = 0.1;

const cronDeadBand: Rule = ({ spec }) => {
  const { behavior } = spec.advanced.horizontalPodAutoscalerConfig;
  const down = behavior?.scaleDown?.tolerance ?? standardTolerance;
  const up = behavior?.scaleUp?.tolerance ?? standardTolerance;
  return spec.triggers.flatMap((trigger, index): readonly Remark[] => {
    const desired = Number(trigger.metadata.desiredReplicas);
    if (trigger.type !== "cron" || !Number.isInteger(desired) || desired < 1) return [];
    const { least, most } = satisfiedBy(desired, { up, down });
    if (least === most) return [];
    return [
      {
        rule: "cron-dead-band",
        severity: "warning",
        path: ["spec", "triggers", index, "metadata", "desiredReplicas"],
        text: `${desired} is satisfied by anything from ${least} to ${most}: the autoscaler changes nothing while desired / present is within ${percent(down)} below and ${percent(up)} above 1. For exactly ${desired}, set behavior.scaleUp.tolerance and behavior.scaleDown.tolerance to 0 (Kubernetes 1.33 and later).`,
      },
    ];
  });
};

interface Tolerance {
  readonly up: number;
  readonly down: number;
}

/** The counts that the autoscaler leaves as they are when `desired` is asked for: those with desired / count in the band. */
export function satisfiedBy(
  desired: number,
  { up, down }: Tolerance,
): { readonly least: number; readonly most: number } {
  const isWithin = (count: number): boolean =>
    count > 0 && desired / count >= 1 - down && desired / count <= 1 + up;
  let least = desired;
  while (isWithin(least - 1)) least -= 1;
  let most = desired;
  // With a tolerance of 1 or more every count above is within; nobody asks how far.
  while (most < 10 * desired && isWithin(most + 1)) most += 1;
  return { least, most };
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10}%`;
}

const cronAboveMaximum: Rule = ({ spec }) => {
  const most = spec.maxReplicaCount ?? defaultMaxReplicas;
  return spec.triggers.flatMap((trigger, index): readonly Remark[] => {
    const desired = Number(trigger.metadata.desiredReplicas);
    if (trigger.type !== "cron" || !(desired > most)) return [];
    return [
      {
        rule: "cron-above-maximum",
        severity: "warning",
        path: ["spec", "triggers", index, "metadata", "desiredReplicas"],
        text: `${desired} are asked for and maxReplicaCount allows ${most}. Raise it, or ask for fewer.`,
      },
    ];
  });
};

const cooldownBelowWindow: Rule = ({ spec }) => {
  const { behavior } = spec.advanced.horizontalPodAutoscalerConfig;
  const isBoundForZero = (spec.minReplicaCount ?? 0) === 0 || spec.idleReplicaCount !== null;
  const window = behavior?.scaleDown?.stabilizationWindowSeconds ?? standardDownWindow;
  if (!isBoundForZero || spec.cooldownPeriod >= window) return [];
  const what =
    behavior === null
      ? `The autoscaler remembers for ${window} s how many were needed. An object that goes to 0 after ${spec.cooldownPeriod} s and comes back within them does not begin at 1: without behavior the remembered number raises it again toward the old one. Raise cooldownPeriod to ${window}, or write a behavior, with which the past can only hold.`
      : `KEDA goes to 0 in one step after ${spec.cooldownPeriod} s, before the ${window} s of scaleDown.stabilizationWindowSeconds are over; its policies never get to act on the last replicas. Raise cooldownPeriod to ${window}, or lower the window.`;
  return [
    {
      rule: "cooldown-below-window",
      severity: "warning",
      path: ["spec", "cooldownPeriod"],
      text: what,
    },
  ];
};

const activationWithoutZero: Rule = ({ spec }) => {
  if ((spec.minReplicaCount ?? 0) === 0 || spec.idleReplicaCount !== null) return [];
  return spec.triggers.flatMap((trigger, index): readonly Remark[] => {
    const key = factsOf(trigger)?.activation?.key;
    if (key === undefined || !trigger.metadata[key]) return [];
    return [
      {
        rule: "activation-without-zero",
        severity: "warning",
        path: ["spec", "triggers", index, "metadata", key],
        text: `${key} decides only between 0 and 1, and minReplicaCount is ${spec.minReplicaCount}: it has no effect. Leave it out, or write minReplicaCount: 0.`,
      },
    ];
  });
};

const activationAboveTarget: Rule = ({ spec }) => {
  if ((spec.minReplicaCount ?? 0) > 0 || spec.advanced.scalingModifiers !== null) return [];
  return spec.triggers.flatMap((trigger, index): readonly Remark[] => {
    const facts = factsOf(trigger);
    const activation = Number(valueOfKey(trigger, facts?.activation ?? null) ?? Number.NaN);
    const target = Number(
      valueOfKey(trigger, facts?.target(trigger.metadata) ?? null) ?? Number.NaN,
    );
    if (!(activation > target)) return [];
    return [
      {
        rule: "activation-above-target",
        severity: "warning",
        path: ["spec", "triggers", index, "metadata"],
        text: `At ${activation} or less the object goes to 0 after the cooldown, even from ${Math.ceil(activation / target)} replicas that the target of ${target} asks for: with minReplicaCount 0 the activation value outranks the target.`,
      },
    ];
  });
};

const fallbackInvalid: Rule = ({ spec: { fallback, advanced } }) => {
  const target = advanced.scalingModifiers?.target ?? 1;
  if (fallback === null || Number.isInteger(target)) return [];
  return [
    {
      rule: "fallback-fractional-target",
      severity: "warning",
      path: ["spec", "advanced", "scalingModifiers", "target"],
      text: `With ${target} as the target, the fallback never acts: KEDA reads the target as a whole number there and takes the fallback for invalid. Write a whole number, and multiply the formula to suit.`,
    },
  ];
};

const fallbackByValue: Rule = ({ spec: { fallback, triggers, advanced } }) => {
  const isByValue = (trigger: TriggerSpec): boolean =>
    !isResourceTrigger(trigger) && trigger.metricType === "Value";
  const { scalingModifiers: modifiers } = advanced;
  if (fallback === null) return [];
  if (modifiers === null ? !triggers.some(isByValue) : modifiers.metricType !== "Value") return [];
  return [
    {
      rule: "fallback-without-pods",
      severity: "info",
      path: ["spec", "fallback"],
      text: "With metricType Value the fallback is worked out from the ready pods, so with none there is no fallback: it cannot start from zero.",
    },
  ];
};

const formulaInvalid: Rule = ({ spec }) => {
  const formula = spec.advanced.scalingModifiers?.formula;
  if (formula === undefined) return [];
  const names = spec.triggers.filter((one) => !isResourceTrigger(one)).map(({ name }) => name);
  try {
    compileFormula(formula, names);
    return [];
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    const path = ["spec", "advanced", "scalingModifiers", "formula"];
    return [{ rule: "formula-invalid", severity: "error", path, text: error.message }];
  }
};

const unboundedMaximum: Rule = ({ spec }) => {
  if (spec.maxReplicaCount !== null) return [];
  return [
    {
      rule: "maximum-not-set",
      severity: "info",
      path: ["spec"],
      text: `maxReplicaCount is not set and counts as ${defaultMaxReplicas}: so many processes on this machine. Write one that it can bear.`,
    },
  ];
};

const notMeasuredHere: Rule = ({ spec }) =>
  spec.triggers.flatMap((trigger, index): readonly Remark[] =>
    isResourceTrigger(trigger)
      ? [
          {
            rule: "kubernetes-only",
            severity: "warning",
            path: ["spec", "triggers", index],
            text: `${trigger.type} is measured by Kubernetes' metrics server; processes on this machine cannot be scaled on it.`,
          },
        ]
      : [],
  );

const unusedModifiers: Rule = ({ spec }) => {
  const formula = spec.advanced.scalingModifiers?.formula;
  if (formula === undefined) return [];
  return spec.triggers.flatMap((trigger, index): readonly Remark[] => {
    const isUsed = formula.match(/[A-Za-z_]\w*/g)?.includes(trigger.name) ?? false;
    if (isUsed || isResourceTrigger(trigger)) return [];
    return [
      {
        rule: "trigger-not-in-formula",
        severity: "warning",
        path: ["spec", "triggers", index, "name"],
        text: `The formula ${JSON.stringify(formula)} does not use ${trigger.name}, and it replaces all of KEDA's metrics: the trigger is read and has no effect.`,
      },
    ];
  });
};

const rules: readonly Rule[] = [
  idleFlaps,
  idleWithoutMinimum,
  cronDeadBand,
  cronAboveMaximum,
  cooldownBelowWindow,
  activationWithoutZero,
  activationAboveTarget,
  fallbackInvalid,
  fallbackByValue,
  formulaInvalid,
  unusedModifiers,
  unboundedMaximum,
  notMeasuredHere,
];
