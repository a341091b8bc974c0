/**
 * From readings to the metrics that are decided by: the cache of `useCachedMetrics`, the failure counters and the
 * fallback, the formula. Both clocks go through here, and both count failures.
 */
import { type Fallback, isResourceTrigger, type TriggerSpec } from "../../specs/index.ts";
import type { MetricRecord } from "../decision.ts";
import type { MetricReading, MetricSpec } from "../scaler-trigger.ts";
import type { TargetStatus } from "../target.ts";
import { fallbackValue, usableFallback } from "./fallback.ts";
import type { TriggerReading } from "./object-observation.ts";
import { truncateToMilli } from "./quantity.ts";
import type { ModifiersPolicy, ScaledObjectPolicy } from "./scaled-object-policy.ts";
import type { CachedMetric, ScaledObjectState } from "./scaled-object-state.ts";

/** What is decided by. */
export interface ServedMetrics {
  /** One for each external metric, read, cached, failed or fallen back. */
  readonly metrics: readonly MetricRecord[];
  /** The formula's one metric in place of those; null without `scalingModifiers`. */
  readonly composite: MetricRecord | null;
  /** By KEDA's rule: a trigger over its activation value, or the formula's result over its own. */
  readonly isActive: boolean;
  /** Failures that no fallback stands in for. */
  readonly errors: readonly string[];
  readonly isFallback: boolean;
  readonly failures: ScaledObjectState["failures"];
  readonly cached: ScaledObjectState["cached"];
}

/** Which clock asks. The autoscaler takes a cached metric from the loop's last look. */
export type Asker = "keda" | "hpa";

/** See the top of this file. Changes nothing of `state`. */
export function serveMetrics(
  policy: ScaledObjectPolicy,
  state: ScaledObjectState,
  asked: {
    readonly by: Asker;
    readonly triggers: readonly TriggerReading[];
    readonly status: TargetStatus;
  },
): ServedMetrics {
  const fallback = usableFallback(policy);
  const serve: Serving = { policy, state, fallback, status: asked.status, by: asked.by };
  const metrics = asked.triggers.flatMap((trigger) => readMetrics(serve, trigger));
  const errors = metrics.flatMap(({ metric, isError }) =>
    isError ? [`${metric.metricName}: ${metric.failure ?? ""}`] : [],
  );
  const records = metrics.map(({ metric }) => metric);
  const isFallback = records.some(({ source }) => source === "fallback");
  const composite =
    policy.modifiers === null ? null : compose(serve, policy.modifiers, records, errors);
  const compositeError = composite?.failure ?? null;
  const allErrors =
    compositeError === null || errors.length > 0 ? errors : [...errors, compositeError];
  return {
    metrics: records,
    composite,
    isActive: isActive(policy, records, composite, allErrors),
    errors: allErrors,
    isFallback: isFallback || composite?.source === "fallback",
    failures: fallback === null ? {} : counters(state.failures, records),
    cached: asked.by === "keda" ? cacheOf(policy, asked.triggers) : state.cached,
  };
}

interface Serving {
  readonly policy: ScaledObjectPolicy;
  readonly state: ScaledObjectState;
  readonly fallback: Fallback | null;
  readonly status: TargetStatus;
  readonly by: Asker;
}

interface Read {
  readonly metric: MetricRecord;
  /** Whether a failure is left. */
  readonly isError: boolean;
}

function readMetrics(serve: Serving, reading: TriggerReading): readonly Read[] {
  const trigger = serve.policy.triggers[reading.index];
  if (trigger === undefined || isResourceTrigger(trigger)) return [];
  if (reading.specs.length > 0)
    return reading.specs.map((spec) => readMetric(serve, reading, spec));
  // KEDA never counts a failure to learn the metric's own name and target, so no fallback comes of it.
  const failure = reading.failure ?? "its metrics are not known";
  const metricName = `s${reading.index}-${trigger.type}`;
  const metricType = trigger.metricType ?? "AverageValue";
  const metric: MetricRecord = {
    ...{ metricName, trigger: labelOf(trigger), metricType, target: 0 },
    ...{ value: null, active: false, failure, failures: 0, source: "none", oldestAgeMs: null },
  };
  return [{ metric, isError: true }];
}

function readMetric(serve: Serving, reading: TriggerReading, spec: MetricSpec): Read {
  const { metricName, metricType, target } = spec;
  const trigger = serve.policy.triggers[reading.index];
  const isCached = serve.by === "hpa" && trigger?.useCachedMetrics === true;
  const cached = isCached ? serve.state.cached[metricName] : undefined;
  const got = cached ?? checkReading(reading, spec);
  const failures = got.failure === null ? 0 : (serve.state.failures[metricName] ?? 0) + 1;
  const metric: MetricRecord = {
    metricName,
    trigger: trigger === undefined ? metricName : labelOf(trigger),
    metricType,
    target,
    value: got.value,
    active: got.active,
    failure: got.failure,
    failures: serve.fallback === null ? 0 : failures,
    source: got.failure !== null ? "none" : cached === undefined ? "reading" : "cache",
    oldestAgeMs: ageOf(reading, metricName),
  };
  if (got.failure === null) return { metric, isError: false };
  return fallBack(serve, metric);
}

/** The failed metric with its fallback where one applies by now. */
function fallBack({ policy, fallback, status }: Serving, metric: MetricRecord): Read {
  if (fallback === null || metric.failures <= fallback.failureThreshold)
    return { metric, isError: true };
  // The formula itself answers for a missing value under this behavior.
  if (fallback.behavior === "scalingModifiers") return { metric, isError: false };
  const { metricType, target } = policy.modifiers ?? metric;
  const value =
    metricType === "Utilization" ? null : fallbackValue(fallback, { metricType, target }, status);
  if (value === null) return { metric, isError: true };
  return { metric: { ...metric, value, active: true, source: "fallback" }, isError: false };
}

const compositeName = "composite-metric";

function compose(
  { fallback, status }: Serving,
  modifiers: ModifiersPolicy,
  metrics: readonly MetricRecord[],
  errors: readonly string[],
): MetricRecord {
  const { metricType, target, activationTarget } = modifiers;
  const made = (value: number | null, source: MetricRecord["source"], failure: string | null) => ({
    ...{ metricName: compositeName, trigger: "scalingModifiers", metricType, target },
    ...{ value, active: value !== null && value > activationTarget },
    ...{ failure, failures: 0, source, oldestAgeMs: null },
  });
  const [first] = errors;
  if (first !== undefined) return made(null, "none", first);
  const fallen = metrics.find(({ source }) => source === "fallback");
  if (fallen !== undefined) return made(fallen.value, "fallback", fallen.failure);
  const values = metrics.map(({ trigger, value }) => [trigger, value] as const);
  const result = modifiers.formula.evaluate(Object.fromEntries(values));
  if (result.failure !== null) return made(null, "none", result.failure);
  if (result.value !== null) return made(truncateToMilli(result.value), "formula", null);
  const value = fallback === null ? null : fallbackValue(fallback, { metricType, target }, status);
  if (value === null) return made(null, "none", "the formula's result is nil");
  return made(value, "fallback", "the formula's result is nil");
}

function isActive(
  policy: ScaledObjectPolicy,
  metrics: readonly MetricRecord[],
  composite: MetricRecord | null,
  errors: readonly string[],
): boolean {
  if (composite !== null) return errors.length === 0 && composite.active;
  // cpu and memory never activate anything; an object of nothing else is always active.
  if (policy.triggers.every(isResourceTrigger)) return errors.length === 0;
  return metrics.some(({ active, value }) => active && value !== null);
}

function checkReading(reading: TriggerReading, { metricName }: MetricSpec): CachedMetric {
  const failed = (failure: string): CachedMetric => ({ value: null, active: false, failure });
  if (reading.readings === null) return failed(reading.failure ?? "it was not read");
  const found = readingOf(reading.readings, metricName);
  if (found === undefined) return failed(`the trigger gave no reading of ${metricName}`);
  if (!(Number.isFinite(found.value) && found.value >= 0))
    return failed(`a metric must be a number from 0; the trigger gave ${found.value}`);
  return { value: found.value, active: found.active, failure: null };
}

/** Metric names are compared without regard to case, as KEDA does. */
function readingOf(
  readings: readonly MetricReading[],
  metricName: string,
): MetricReading | undefined {
  const name = metricName.toLowerCase();
  return readings.find((one) => one.metricName.toLowerCase() === name);
}

function ageOf({ readings }: TriggerReading, metricName: string): number | null {
  return readingOf(readings ?? [], metricName)?.oldestAgeMs ?? null;
}

/** A metric that could not even be asked for keeps its count. */
function counters(
  earlier: ScaledObjectState["failures"],
  metrics: readonly MetricRecord[],
): ScaledObjectState["failures"] {
  const seen = metrics.filter(({ target }) => target > 0);
  const counts = { ...earlier };
  for (const { metricName, failures } of seen) counts[metricName] = failures;
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

/** What the loop keeps for the autoscaler: the raw reading or failure, before any fallback. */
function cacheOf(
  { triggers }: ScaledObjectPolicy,
  readings: readonly TriggerReading[],
): ScaledObjectState["cached"] {
  const kept = readings.filter(({ index }) => triggers[index]?.useCachedMetrics === true);
  return Object.fromEntries(
    kept.flatMap((reading) =>
      reading.specs.map((spec) => [spec.metricName, checkReading(reading, spec)]),
    ),
  );
}

function labelOf({ name, type }: TriggerSpec): string {
  return name === "" ? type : name;
}
