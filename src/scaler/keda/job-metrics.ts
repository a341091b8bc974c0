/** What the triggers of a ScaledJob add up to: `multipleScalersCalculation`. */
import type { ScalingStrategy } from "../../specs/index.ts";
import type { MetricReading, MetricSpec } from "../scaler-trigger.ts";
import type { TriggerReading } from "./object-observation.ts";

/** One trigger, as the combination sees it. */
export interface JobMetric {
  readonly index: number;
  /** The sum of its values for its first metric. */
  readonly queue: number;
  /** The mean of its AverageValue targets. */
  readonly target: number;
  /** min(queue / target, limit). */
  readonly maxValue: number;
  readonly active: boolean;
  readonly oldestAgeMs: number | null;
}

/** The triggers combined. */
export interface CombinedJobMetric {
  readonly queue: number;
  readonly maxScale: number;
  readonly active: boolean;
}

/** The mean of a trigger's AverageValue targets; 0 where it has none. */
export function meanTarget(specs: readonly MetricSpec[]): number {
  const targets = specs.filter((spec) => spec.metricType === "AverageValue");
  return targets.length === 0
    ? 0
    : targets.reduce((sum, spec) => sum + spec.target, 0) / targets.length;
}

/** One trigger's figures, or why it has none. */
export function jobMetric(reading: TriggerReading, limit: number): JobMetric | string {
  const { specs, readings, failure, index } = reading;
  const [first] = specs;
  if (readings === null || first === undefined) return failure ?? "it was not read";
  const own = readings.filter((one) => isOf(one, first));
  if (own.length === 0) return `the trigger gave no reading of ${first.metricName}`;
  const wrong = readings.find(({ value }) => !(Number.isFinite(value) && value >= 0));
  if (wrong !== undefined)
    return `a metric must be a number from 0; the trigger gave ${wrong.value}`;
  const queue = own.reduce((sum, one) => sum + one.value, 0);
  const target = meanTarget(specs);
  const ages = own.flatMap(({ oldestAgeMs }) =>
    typeof oldestAgeMs === "number" ? [oldestAgeMs] : [],
  );
  return {
    ...{ index, queue, target },
    maxValue: target === 0 ? 0 : Math.min(queue / target, limit),
    active: readings.some(({ active }) => active),
    oldestAgeMs: ages.length === 0 ? null : Math.max(...ages),
  };
}

/** Combines the active triggers; `limit` caps the result once more. */
export function combineJobMetrics(
  metrics: readonly JobMetric[],
  calculation: ScalingStrategy["multipleScalersCalculation"],
  limit: number,
): CombinedJobMetric {
  const active = metrics.filter((metric) => metric.active);
  const [queue, maxScale] = combine[calculation](active);
  return {
    queue: Math.ceil(queue),
    maxScale: Math.min(Math.ceil(maxScale), limit),
    active: active.length > 0,
  };
}

type Combine = (metrics: readonly JobMetric[]) => readonly [queue: number, maxScale: number];

const sum: Combine = (metrics) => [
  metrics.reduce((total, { queue }) => total + queue, 0),
  metrics.reduce((total, { maxValue }) => total + maxValue, 0),
];

const combine: Readonly<Record<ScalingStrategy["multipleScalersCalculation"], Combine>> = {
  max: (metrics) => {
    const most = metrics.reduce((best, one) => (one.queue > best.queue ? one : best), nothing);
    return [most.queue, most.maxValue];
  },
  // A leading 0 stands for "nothing yet" and gives way to whatever follows.
  min: (metrics) => {
    const least = metrics.reduce(
      (best, one) => (best.queue === 0 || one.queue < best.queue ? one : best),
      nothing,
    );
    return [least.queue, least.maxValue];
  },
  avg: (metrics) => {
    const [queue, maxScale] = sum(metrics);
    const count = Math.max(1, metrics.length);
    return [queue / count, maxScale / count];
  },
  sum,
};

const nothing = { queue: 0, maxValue: 0 };

function isOf(reading: MetricReading, spec: MetricSpec): boolean {
  return reading.metricName.toLowerCase() === spec.metricName.toLowerCase();
}
