import type { SpecObject } from "./object-meta.ts";
import type { ScalingControls } from "./scaling-controls.ts";
import type { TriggerSpec } from "./trigger-spec.ts";

/** `keda.sh/v1alpha1` ScaledObject: fields spelled, defaulted and bounded as KEDA does; periods are in seconds. */
export interface ScaledObject extends SpecObject<"ScaledObject"> {
  readonly spec: ScaledObjectSpec;
  /** What its annotations say. */
  readonly controls: ScalingControls;
}

/** Null is "not given" wherever KEDA tells it from the default. */
export interface ScaledObjectSpec {
  readonly scaleTargetRef: ScaleTargetRef;
  readonly pollingInterval: number;
  readonly cooldownPeriod: number;
  readonly initialCooldownPeriod: number;
  readonly idleReplicaCount: number | null;
  readonly minReplicaCount: number | null;
  readonly maxReplicaCount: number | null;
  readonly triggers: readonly TriggerSpec[];
  readonly fallback: Fallback | null;
  readonly advanced: {
    readonly restoreToOriginalReplicaCount: boolean;
    readonly horizontalPodAutoscalerConfig: {
      readonly name: string | null;
      readonly behavior: Behavior | null;
    };
    readonly scalingModifiers: ScalingModifiers | null;
  };
}

/** What is scaled. */
export interface ScaleTargetRef {
  readonly name: string;
  readonly apiVersion: string;
  readonly kind: string;
  /** The container whose environment `...FromEnv` means; null: the first. */
  readonly envSourceContainerName: string | null;
}

/** What to do after `failureThreshold` readings in a row have failed. */
export interface Fallback {
  readonly failureThreshold: number;
  readonly replicas: number;
  readonly behavior: FallbackBehavior;
}

export type FallbackBehavior =
  | "static"
  | "currentReplicas"
  | "currentReplicasIfHigher"
  | "currentReplicasIfLower"
  | "scalingModifiers";

/** autoscaling/v2 `behavior`. */
export interface Behavior {
  readonly scaleUp: ScalingRules | null;
  readonly scaleDown: ScalingRules | null;
}

export interface ScalingRules {
  readonly stabilizationWindowSeconds: number | null;
  readonly selectPolicy: "Max" | "Min" | "Disabled" | null;
  /** Replaces the whole default list when given. */
  readonly policies: readonly ScalingPolicy[] | null;
  readonly tolerance: number | null;
}

export interface ScalingPolicy {
  readonly type: "Pods" | "Percent";
  readonly value: number;
  readonly periodSeconds: number;
}

/** One formula in place of all external metrics. */
export interface ScalingModifiers {
  readonly formula: string;
  readonly target: number;
  readonly activationTarget: number;
  readonly metricType: "AverageValue" | "Value";
}
