/**
 * A ScaledObject as a cluster runs it: KEDA's loop at every `pollingInterval`, the first at once, and the HPA's sync every
 * 15 s with a phase of its own, drawn from the seed. Both read the queue for themselves and write the same count; at the
 * same microsecond KEDA comes first.
 */
import {
  type AutoscalerFlags,
  autoscalerDefaults,
  initialScaledObjectState,
  type MetricReading,
  type MetricSpec,
  observeObject,
  pollScaledObject,
  type ScaledObjectOutcome,
  type ScaledObjectPolicy,
  syncAutoscaler,
  type TriggerReading,
  toScaledObjectPolicy,
} from "../../scaler/index.ts";
import type { ScaledObject } from "../../specs/index.ts";
import type { Plant, Policy } from "../engine/policy.ts";
import { figureOf, type TriggerFigure, triggerFigure } from "./trigger-figures.ts";

/** How a ScaledObject is run. */
export interface ScaledObjectOptions {
  /** Default: the object's name. */
  readonly name?: string;
  readonly flags?: AutoscalerFlags;
}

/**
 * KEDA and the HPA under a ScaledObject, by production's own decisions. Throws `OPTION_UNSUPPORTED` for a trigger whose
 * figure is no count of messages, and as `toScaledObjectPolicy` does.
 *
 * @example
 * const specs: Parameters<typeof scaledObjectPolicy>[0][] = [];
 * const policies = specs.map((object) => scaledObjectPolicy(object));
 */
export function scaledObjectPolicy(
  object: Pick<ScaledObject, "spec" | "controls" | "metadata">,
  options: ScaledObjectOptions = {},
): Policy {
  const policy = toScaledObjectPolicy(object, options.flags ?? autoscalerDefaults);
  const figures = policy.triggers.map(triggerFigure);
  return {
    name: options.name ?? object.metadata.name,
    platform: { victims: "replicaset" },
    start: (plant) => run(policy, figures, plant),
  };
}

function run(policy: ScaledObjectPolicy, figures: readonly TriggerFigure[], plant: Plant): void {
  let state = initialScaledObjectState(plant.nowMs());

  function tick(decide: typeof pollScaledObject): void {
    const at = plant.nowMs();
    const triggers = readTriggers(figures, plant);
    const outcome: ScaledObjectOutcome = decide(
      policy,
      state,
      observeObject({ at, triggers, status: plant.status() }),
    );
    state = outcome.state;
    plant.record(outcome.decision);
    if (outcome.decision.replicas !== outcome.decision.current)
      plant.scale(outcome.decision.replicas);
  }

  function every(ms: number, firstMs: number, decide: typeof pollScaledObject): void {
    plant.after(firstMs, () => {
      tick(decide);
      every(ms, ms, decide);
    });
  }

  const { syncPeriodMs } = policy.autoscaler.flags;
  every(policy.pollingIntervalMs, 0, pollScaledObject);
  every(syncPeriodMs, Math.floor(plant.random() * syncPeriodMs), syncAutoscaler);
}

/** What each trigger reads now. */
export function readTriggers(
  figures: readonly TriggerFigure[],
  plant: Plant,
): readonly TriggerReading[] {
  return figures.map((figure, index) => readTrigger(figure, index, plant));
}

/** What one trigger reads now; `index` is its place among all of the object. */
export function readTrigger(figure: TriggerFigure, index: number, plant: Plant): TriggerReading {
  const metrics = metricsOf(figure, `s${index}-${figure.type}`);
  const specs = metrics.map(({ counts: _, activation: __, ...spec }) => spec);
  const reading = plant.read();
  const oldestAgeMs = reading.samples[0]?.oldestAgeMs ?? null;
  const readings: MetricReading[] = [];
  for (const metric of metrics) {
    const value = figureOf(metric, reading);
    if (value === null)
      return { index, specs, readings: null, failure: reading.failure?.text ?? "no reading" };
    const { metricName, activation } = metric;
    readings.push({ metricName, value, active: value > activation, oldestAgeMs });
  }
  return { index, specs, readings, failure: null };
}

type Metric = MetricSpec & Pick<TriggerFigure, "counts" | "activation">;

function metricsOf(figure: TriggerFigure, metricName: string): readonly Metric[] {
  const { metricType, target, counts, activation, age } = figure;
  const first: Metric = { metricName, metricType, target, counts, activation };
  if (age === null) return [first];
  return [first, { ...first, ...age, metricName: `${metricName}-age`, counts: "age" }];
}
