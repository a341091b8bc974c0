import {
  defaultMaxReplicas,
  type ScaledJob,
  type ScalingControls,
  type ScalingStrategy,
  type TriggerSpec,
} from "../../specs/index.ts";

/** A ScaledJob with everything worked out that a poll needs. */
export interface ScaledJobPolicy {
  readonly pollingIntervalMs: number;
  /** Jobs that always run. */
  readonly minReplicaCount: number;
  /** Jobs that the metrics may bring on top of those. */
  readonly scaleLimit: number;
  readonly strategy: ScalingStrategy;
  readonly triggers: readonly TriggerSpec[];
  readonly controls: ScalingControls;
  readonly rollout: "gradual" | "immediate";
  readonly history: { readonly successful: number; readonly failed: number };
  readonly generation: number;
}

/** The policy of a ScaledJob. */
export function toScaledJobPolicy({ spec, controls, metadata }: ScaledJob): ScaledJobPolicy {
  return {
    pollingIntervalMs: spec.pollingInterval * 1000,
    ...jobBounds(spec.minReplicaCount, spec.maxReplicaCount),
    strategy: spec.scalingStrategy,
    triggers: spec.triggers,
    controls,
    rollout: spec.rollout.strategy,
    history: {
      successful: spec.successfulJobsHistoryLimit,
      failed: spec.failedJobsHistoryLimit,
    },
    generation: metadata.generation,
  };
}

/** KEDA's bounds: an absent maximum is 100 on top of the minimum, a given one includes it. */
export function jobBounds(
  min: number | null,
  max: number | null,
): Pick<ScaledJobPolicy, "minReplicaCount" | "scaleLimit"> {
  const least = min ?? 0;
  if (max === null) return { minReplicaCount: least, scaleLimit: defaultMaxReplicas };
  if (least > max) return { minReplicaCount: max, scaleLimit: max };
  return { minReplicaCount: least, scaleLimit: max - least };
}
