/** KEDA's fallback: after more than `failureThreshold` failures in a row a made-up metric that asks for a declared count. */
import type { Fallback } from "../../specs/index.ts";
import type { TargetStatus } from "../target.ts";
import { truncateToMilli } from "./quantity.ts";
import type { ScaledObjectPolicy } from "./scaled-object-policy.ts";

/** What is compared with the metric, which the made-up value has to fit. */
export interface FallbackTarget {
  readonly metricType: "AverageValue" | "Value";
  readonly target: number;
}

/** The fallback where it can work, else null: under a formula KEDA accepts a whole-numbered target alone. */
export function usableFallback({ fallback, modifiers }: ScaledObjectPolicy): Fallback | null {
  if (modifiers === null) return fallback?.behavior === "scalingModifiers" ? null : fallback;
  return Number.isInteger(modifiers.target) ? fallback : null;
}

/** The count that the fallback asks for. */
export function fallbackReplicas({ behavior, replicas }: Fallback, current: number): number {
  if (behavior === "currentReplicas") return current;
  if (behavior === "currentReplicasIfHigher") return Math.max(current, replicas);
  if (behavior === "currentReplicasIfLower") return Math.min(current, replicas);
  return replicas;
}

/** The value that makes the autoscaler land on the fallback's count; null where none does, as no replica is ready. */
export function fallbackValue(
  fallback: Fallback,
  { metricType, target }: FallbackTarget,
  status: TargetStatus,
): number | null {
  const wanted = target * fallbackReplicas(fallback, status.replicas);
  if (metricType === "AverageValue") return truncateToMilli(wanted);
  return status.ready === 0 ? null : truncateToMilli(wanted / status.ready);
}
