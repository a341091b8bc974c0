import type { Recommendation } from "../stabilization.ts";

/** What a scaled object's two clocks remember between them. Plain data: it can be stored, compared and sent. */
export interface ScaledObjectState {
  /** When the object came to be; `initialCooldownPeriod` counts from it. */
  readonly createdAt: number;
  /** When KEDA's loop last found it active without any error; null: never. */
  readonly lastActiveAt: number | null;
  /** Failures in a row by metric name, counted by both clocks; only where a fallback exists. */
  readonly failures: Readonly<Record<string, number>>;
  /** What the loop last read of the metrics with `useCachedMetrics`, by metric name. */
  readonly cached: Readonly<Record<string, CachedMetric>>;
  readonly autoscaler: AutoscalerState;
}

/** A reading that the loop keeps for the autoscaler. */
export interface CachedMetric {
  readonly value: number | null;
  readonly active: boolean;
  readonly failure: string | null;
}

/** What the autoscaler remembers. */
export interface AutoscalerState {
  /** Null before the first sync. */
  readonly recommendations: readonly Recommendation[] | null;
  /** Kept only with `behavior`. */
  readonly scaleUps: readonly ScaleEvent[];
  readonly scaleDowns: readonly ScaleEvent[];
}

/** One change of the count that the autoscaler made. */
export interface ScaleEvent {
  readonly at: number;
  /** By how many replicas; more than 0. */
  readonly change: number;
}

/** Before the first look of either clock. */
export function initialScaledObjectState(createdAt: number): ScaledObjectState {
  return {
    createdAt,
    lastActiveAt: null,
    failures: {},
    cached: {},
    autoscaler: { recommendations: null, scaleUps: [], scaleDowns: [] },
  };
}

/** The same object after its clocks were stopped, as by a pause: KEDA deletes its HPA then. */
export function withoutAutoscaler(state: ScaledObjectState): ScaledObjectState {
  return { ...state, autoscaler: initialScaledObjectState(0).autoscaler };
}
