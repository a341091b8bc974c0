import { type Clock, describeError } from "../../core/index.ts";
import type { TriggerReading } from "../keda/index.ts";
import type { MetricSpec, ScalerTrigger } from "../scaler-trigger.ts";
import { within } from "../within.ts";

/** One trigger's reading and how long it took. */
export interface TimedReading extends TriggerReading {
  readonly tookMs: number;
}

/** How patiently triggers are read, besides their own time-outs. */
export interface ReadOptions {
  readonly clock: Clock;
  readonly limitMs: number;
}

/** Reads every trigger side by side. Never rejects: a failure is in the reading of its trigger. */
export function readTriggers(
  triggers: readonly ScalerTrigger[],
  options: ReadOptions,
): Promise<readonly TimedReading[]> {
  return Promise.all(triggers.map((trigger) => readTrigger(trigger, options)));
}

async function readTrigger(
  trigger: ScalerTrigger,
  { clock, limitMs }: ReadOptions,
): Promise<TimedReading> {
  const { index } = trigger;
  const begun = clock.now();
  let specs: readonly MetricSpec[] = [];
  try {
    specs = await within(clock, limitMs, () => trigger.metricSpecs());
    const readings = await within(clock, limitMs, () => trigger.read());
    return { index, specs, readings, failure: null, tookMs: clock.now() - begun };
  } catch (error) {
    const failure = describeError(error);
    return { index, specs, readings: null, failure, tookMs: clock.now() - begun };
  }
}
