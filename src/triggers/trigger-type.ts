import { type Cancel, SluiceError } from "../core/index.ts";
import {
  type MetricReading,
  type MetricSpec,
  type ReadingWish,
  type ReplicaWindow,
  type ScalerTrigger,
  type TriggerContext,
  toMetricValue,
} from "../scaler/index.ts";
import { kindOf, placeOf, readingFailed, triggerInvalid } from "./failure.ts";
import { within } from "./lanes.ts";
import type { Declaration, ValuesOf } from "./metadata-key.ts";
import { type Check, readMetadata } from "./read-metadata.ts";

/** What a gauge read of one metric. */
export interface Measured
  extends Pick<MetricReading, "oldestAgeMs" | "due" | "messages" | "activeGroups"> {
  /** As the source gave it; negative results of a formula become 0, as KEDA has it. */
  readonly value: number;
  readonly isActive: boolean;
}

/** What a type of trigger brings: how its source is read. All else is the same for every type. */
export interface Gauge {
  /** The metrics without the index before their name. */
  metrics(signal: AbortSignal): Promise<readonly GaugeMetric[]>;
  /** A reading of the metric of that name. Rejects with a `ReadingFailure`, or with whatever its client threw. */
  measure(metric: string, signal: AbortSignal, wish: ReadingWish): Promise<Measured>;
  /** For one reading, where the metadata gives one; else the context's. */
  readonly timeoutMs?: number;
  watch?(onActive: () => void): Cancel;
  /** Where the value is a count of replicas at certain times. */
  readonly window?: ReplicaWindow;
  /** Gives up holds on connections. */
  close?(): void;
}

/** A metric as its gauge knows it. */
export interface GaugeMetric {
  readonly name: string;
  readonly target: number;
}

/** A type of trigger: what documents, schema and registry know of it. */
export interface TriggerType {
  readonly type: string;
  readonly keys: Declaration;
  /** What the value is, for the documents. */
  readonly measures: string;
  /** Whether messages that a worker holds are part of the value, for the documents. */
  readonly countsInFlight: string;
  /** Whether metadata that is not declared belongs to the source, as for `external`. */
  readonly takesAnyKey: boolean;
  /** Throws `TRIGGER_INVALID`. */
  create(context: TriggerContext): Promise<ScalerTrigger>;
}

/** What {@link defineTriggerType} takes. */
export interface TriggerTypeDefinition<Keys extends Declaration> {
  readonly type: string;
  readonly keys: Keys;
  readonly measures: string;
  readonly countsInFlight: string;
  readonly takesAnyKey?: boolean;
  readonly check?: Check<Keys>;
  readonly gauge: (values: ValuesOf<Keys>, context: TriggerContext) => Gauge | Promise<Gauge>;
}

/** A type of trigger from its declaration and its gauge. */
export function defineTriggerType<const Keys extends Declaration>(
  definition: TriggerTypeDefinition<Keys>,
): TriggerType {
  const { type, keys, measures, countsInFlight, takesAnyKey = false, check } = definition;
  return {
    type,
    keys,
    measures,
    countsInFlight,
    takesAnyKey,
    async create(context) {
      refuseUtilization(context);
      const values = readMetadata(context, keys, { takesAnyKey, ...(check && { check }) });
      return createScalerTrigger(context, await definition.gauge(values, context));
    },
  };
}

function refuseUtilization(context: TriggerContext): void {
  if (context.spec.metricType !== "Utilization") return;
  throw triggerInvalid(context, [
    "metricType Utilization is for cpu and memory alone; write AverageValue or Value, or leave it out",
  ]);
}

/** Most gauges: one metric of a fixed name. */
export interface SingleGauge extends Omit<Gauge, "metrics" | "measure"> {
  /** Before index and normalising. */
  readonly name: string;
  readonly target: { readonly key: string; readonly value: number | null };
  measure(signal: AbortSignal): Promise<Measured>;
}

/** A gauge with one metric. Throws `TRIGGER_INVALID` for a target that no autoscaler would take. */
export function singleGauge(context: TriggerContext, gauge: SingleGauge): Gauge {
  const name = normalizeMetricName(gauge.name);
  const target = targetOf(context, gauge.target);
  const { timeoutMs, watch, window, close } = gauge;
  return {
    metrics: async () => [{ name, target }],
    measure: (_, signal) => gauge.measure(signal),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(watch && { watch }),
    ...(window && { window }),
    ...(close && { close }),
  };
}

/** Three decimals; under `scalingModifiers` the formula has a target of its own, and 1 stands for none. */
function targetOf(context: TriggerContext, { key, value }: SingleGauge["target"]): number {
  if (context.isMetricSource && !value) return 1;
  if (value === null) throw triggerInvalid(context, [`${key} is required`]);
  const target = toMetricValue(value);
  if (!(target > 0)) {
    throw triggerInvalid(context, [`${key} must be more than 0, at least 0.001; got ${value}`]);
  }
  return target;
}

/** KEDA's: each of / . : % ( ) becomes a hyphen, and nothing else changes. */
export function normalizeMetricName(name: string): string {
  return name.replaceAll(/[/.:%()]/g, "-");
}

/**
 * A source has the time-out for its answer, which begins when it is the trigger's turn at the shared connection; the whole
 * reading with the wait for its turn has this many times as long.
 */
const patience = 3;

function createScalerTrigger(context: TriggerContext, gauge: Gauge): ScalerTrigger {
  const { spec, index, clock } = context;
  const metricType = spec.metricType === "Value" ? "Value" : "AverageValue";
  const ms = (gauge.timeoutMs ?? context.timeoutMs) * patience;
  const watches = new Set<Cancel>();
  let isClosed = false;

  async function attempt<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (isClosed) throw new SluiceError("CLOSED", `${placeOf(context)} was closed.`);
    try {
      return await within({ clock, ms }, (signal) => twice(signal, work));
    } catch (error) {
      throw readingFailed(context, error);
    }
  }

  async function readAll(
    signal: AbortSignal,
    wish: ReadingWish,
  ): Promise<readonly MetricReading[]> {
    const metrics = await gauge.metrics(signal);
    return Promise.all(
      metrics.map(async ({ name }): Promise<MetricReading> => {
        const { value, isActive, ...more } = await gauge.measure(name, signal, wish);
        if (!Number.isFinite(value)) throw new RangeError(`${name} is ${value}`);
        return {
          metricName: `s${index}-${name}`,
          value: toMetricValue(value),
          active: isActive,
          ...more,
        };
      }),
    );
  }

  function watch(onActive: () => void): Cancel {
    const stop = gauge.watch?.(onActive) ?? (() => undefined);
    const cancel = (): void => {
      if (watches.delete(cancel)) stop();
    };
    watches.add(cancel);
    return cancel;
  }

  return {
    type: spec.type,
    index,
    name: spec.name,
    metricSpecs: () =>
      attempt(async (signal): Promise<readonly MetricSpec[]> => {
        const metrics = await gauge.metrics(signal);
        return metrics.map(({ name, target }) => ({
          metricName: `s${index}-${name}`,
          metricType,
          target,
        }));
      }),
    read: (wish = {}) => attempt((signal) => readAll(signal, wish)),
    ...(gauge.watch && { watch }),
    ...(gauge.window && { window: gauge.window }),
    async close() {
      isClosed = true;
      for (const cancel of [...watches]) cancel();
      gauge.close?.();
    },
  };
}

/** KEDA rebuilds a failing scaler once within a call; whatever held a broken connection has dropped it by then. */
async function twice<T>(
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  try {
    return await work(signal);
  } catch (error) {
    if (kindOf(error) !== "no answer" || signal.aborted) throw error;
    return work(signal);
  }
}
