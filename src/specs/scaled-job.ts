import type { SpecObject } from "./object-meta.ts";
import type { ScalingControls } from "./scaling-controls.ts";
import type { TriggerSpec } from "./trigger-spec.ts";
import type { JobSpec } from "./workload.ts";

/** `keda.sh/v1alpha1` ScaledJob: fields spelled, defaulted and bounded as KEDA does; periods are in seconds. */
export interface ScaledJob extends SpecObject<"ScaledJob"> {
  readonly spec: ScaledJobSpec;
  readonly controls: ScalingControls;
}

/** Null is "not given" wherever KEDA tells it from the default. */
export interface ScaledJobSpec {
  readonly jobTargetRef: JobSpec;
  readonly pollingInterval: number;
  readonly successfulJobsHistoryLimit: number;
  readonly failedJobsHistoryLimit: number;
  readonly rollout: {
    readonly strategy: "gradual" | "immediate";
    readonly propagationPolicy: "foreground" | "background";
  };
  readonly envSourceContainerName: string | null;
  readonly minReplicaCount: number | null;
  readonly maxReplicaCount: number | null;
  readonly scalingStrategy: ScalingStrategy;
  readonly triggers: readonly TriggerSpec[];
}

export interface ScalingStrategy {
  readonly strategy: "default" | "custom" | "accurate" | "eager";
  readonly customScalingQueueLengthDeduction: number;
  /** Null where absent or no number: the strategy is then `default`. */
  readonly customScalingRunningJobPercentage: number | null;
  readonly pendingPodConditions: readonly string[];
  readonly multipleScalersCalculation: "max" | "min" | "avg" | "sum";
}
