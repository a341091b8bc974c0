import {
  type Behavior,
  defaultMaxReplicas,
  type Fallback,
  type ScaledObject,
  type ScalingControls,
  type ScalingRules,
  type TriggerSpec,
} from "../../specs/index.ts";
import { compileFormula, type Formula } from "./formula.ts";

/** What a Kubernetes cluster sets for all of its autoscalers, by flags of the controller. */
export interface AutoscalerFlags {
  /** `--horizontal-pod-autoscaler-sync-period`. */
  readonly syncPeriodMs: number;
  /** `--horizontal-pod-autoscaler-tolerance`. */
  readonly tolerance: number;
  /** `--horizontal-pod-autoscaler-downscale-stabilization`. */
  readonly downscaleStabilizationMs: number;
  /** `--horizontal-pod-autoscaler-cpu-initialization-period`. */
  readonly cpuInitializationMs: number;
  /** `--horizontal-pod-autoscaler-initial-readiness-delay`. */
  readonly initialReadinessDelayMs: number;
}

/** Kubernetes' defaults. */
export const autoscalerDefaults: AutoscalerFlags = {
  syncPeriodMs: 15_000,
  tolerance: 0.1,
  downscaleStabilizationMs: 300_000,
  cpuInitializationMs: 300_000,
  initialReadinessDelayMs: 30_000,
};

/** A ScaledObject with everything worked out that its two clocks need; periods in milliseconds. */
export interface ScaledObjectPolicy {
  readonly pollingIntervalMs: number;
  readonly cooldownMs: number;
  readonly initialCooldownMs: number;
  readonly idleReplicaCount: number | null;
  readonly minReplicaCount: number;
  readonly maxReplicaCount: number;
  readonly triggers: readonly TriggerSpec[];
  readonly fallback: Fallback | null;
  /** One metric by formula in place of all external ones. */
  readonly modifiers: ModifiersPolicy | null;
  readonly controls: ScalingControls;
  readonly autoscaler: AutoscalerPolicy;
}

export interface ModifiersPolicy {
  readonly formula: Formula;
  /** More than 0. */
  readonly target: number;
  readonly activationTarget: number;
  readonly metricType: "AverageValue" | "Value";
}

/** What KEDA would write into the HPA of the object. */
export interface AutoscalerPolicy {
  /** At least 1: this half never goes to zero. */
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly toleranceUp: number;
  readonly toleranceDown: number;
  /** Null: the path without `behavior`, which scales by other rules. */
  readonly behavior: AutoscalerBehavior | null;
  readonly flags: AutoscalerFlags;
}

/** `behavior` with Kubernetes' defaults filled in. */
export interface AutoscalerBehavior {
  readonly scaleUp: DirectionRules;
  readonly scaleDown: DirectionRules;
}

export interface DirectionRules {
  readonly stabilizationMs: number;
  readonly selectPolicy: "Max" | "Min" | "Disabled";
  readonly policies: readonly RatePolicy[];
}

export interface RatePolicy {
  readonly type: "Pods" | "Percent";
  readonly value: number;
  readonly periodMs: number;
}

/**
 * The policy of a ScaledObject. Throws `OPTION_INVALID` for a formula that cannot be understood, naming the place.
 *
 * @example
 * const policy = toScaledObjectPolicy(scaledObject);
 * const state = initialScaledObjectState(systemClock.now());
 * const { decision } = pollScaledObject(policy, state, seen);
 */
export function toScaledObjectPolicy(
  { spec, controls }: Pick<ScaledObject, "spec" | "controls">,
  flags: AutoscalerFlags = autoscalerDefaults,
): ScaledObjectPolicy {
  const minReplicaCount = spec.minReplicaCount ?? 0;
  const maxReplicaCount = spec.maxReplicaCount ?? defaultMaxReplicas;
  const given = spec.advanced.horizontalPodAutoscalerConfig.behavior;
  const modifiers = spec.advanced.scalingModifiers;
  const names = spec.triggers.map((trigger) => trigger.name).filter((name) => name !== "");
  return {
    pollingIntervalMs: spec.pollingInterval * 1000,
    cooldownMs: spec.cooldownPeriod * 1000,
    initialCooldownMs: spec.initialCooldownPeriod * 1000,
    idleReplicaCount: spec.idleReplicaCount,
    minReplicaCount,
    maxReplicaCount,
    triggers: spec.triggers,
    fallback: spec.fallback,
    modifiers:
      modifiers === null
        ? null
        : {
            formula: compileFormula(modifiers.formula, names),
            target: modifiers.target,
            activationTarget: modifiers.activationTarget,
            metricType: modifiers.metricType,
          },
    controls,
    autoscaler: {
      minReplicas: minReplicaCount > 0 ? minReplicaCount : 1,
      maxReplicas: maxReplicaCount,
      toleranceUp: given?.scaleUp?.tolerance ?? flags.tolerance,
      toleranceDown: given?.scaleDown?.tolerance ?? flags.tolerance,
      behavior: fillBehavior(given, controls, flags),
      flags,
    },
  };
}

/** The annotations that pause one direction do it by an HPA `behavior`, which brings the defaults of that path with it. */
function fillBehavior(
  given: Behavior | null,
  { pausedScaleIn, pausedScaleOut }: ScalingControls,
  flags: AutoscalerFlags,
): AutoscalerBehavior | null {
  if (given === null && !pausedScaleIn && !pausedScaleOut) return null;
  const scaleUp = fill(given?.scaleUp ?? null, { stabilizationMs: 0, policies: defaultUp });
  const scaleDown = fill(given?.scaleDown ?? null, {
    stabilizationMs: flags.downscaleStabilizationMs,
    policies: defaultDown,
  });
  return {
    scaleUp: pausedScaleOut ? { ...scaleUp, selectPolicy: "Disabled" } : scaleUp,
    scaleDown: pausedScaleIn ? { ...scaleDown, selectPolicy: "Disabled" } : scaleDown,
  };
}

const hundredPercent: RatePolicy = { type: "Percent", value: 100, periodMs: 15_000 };
const defaultUp: readonly RatePolicy[] = [
  { type: "Pods", value: 4, periodMs: 15_000 },
  hundredPercent,
];
const defaultDown: readonly RatePolicy[] = [hundredPercent];

function fill(
  rules: ScalingRules | null,
  defaults: Pick<DirectionRules, "stabilizationMs" | "policies">,
): DirectionRules {
  const windowSeconds = rules?.stabilizationWindowSeconds ?? null;
  return {
    stabilizationMs: windowSeconds === null ? defaults.stabilizationMs : windowSeconds * 1000,
    selectPolicy: rules?.selectPolicy ?? "Max",
    policies:
      rules?.policies?.map(({ type, value, periodSeconds }) => ({
        type,
        value,
        periodMs: periodSeconds * 1000,
      })) ?? defaults.policies,
  };
}
