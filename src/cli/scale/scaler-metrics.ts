/** What `sluice scale` tells Prometheus: under KEDA's names where KEDA has the same figure, and `sluice_…` where not. */
import type { Decision, MetricRecord, TurnFigures } from "../../scaler/index.ts";
import { nameOf, type ScaledJob, type ScaledObject, type SpecSet } from "../../specs/index.ts";

/** Gathers figures and gives them as text. */
export interface ScalerMetrics {
  registered(set: SpecSet): void;
  decision(owner: Owner, decision: Decision): void;
  turn(owner: Owner, turn: TurnFigures): void;
  /** Prometheus' text format. */
  text(): string;
}

type Owner = ScaledObject | ScaledJob;
type Labels = Readonly<Record<string, string | number>>;

interface Family {
  readonly type: "gauge" | "counter";
  readonly help: string;
  /** By labels. */
  readonly series: Map<string, Series>;
}

interface Series {
  readonly value: number;
  /** Whose it is; null for counts over all. */
  readonly owner: string | null;
}

const families = {
  keda_scaler_metrics_value: ["gauge", "The value of a trigger's metric"],
  keda_scaler_active: ["gauge", "Whether a trigger is active"],
  keda_scaler_metrics_latency_seconds: ["gauge", "How long the last reading of a trigger took"],
  keda_scaler_detail_errors_total: ["counter", "Failed readings of a trigger"],
  keda_scaled_object_errors_total: ["counter", "Decisions of a ScaledObject with a failed trigger"],
  keda_scaled_job_errors_total: ["counter", "Decisions of a ScaledJob with a failed trigger"],
  keda_scaled_object_paused: ["gauge", "Whether a ScaledObject is paused"],
  keda_internal_scale_loop_latency_seconds: ["gauge", "By how much the last look came late"],
  sluice_decision_lag_seconds: [
    "gauge",
    "From when the last look was due until it was decided and carried out",
  ],
  keda_trigger_registered_total: ["gauge", "Triggers by type"],
  keda_resource_registered_total: ["gauge", "Objects by kind"],
  sluice_replicas: ["gauge", "Replicas, or jobs, that were there at the last decision"],
  sluice_replicas_wanted: ["gauge", "Replicas, or jobs, by the last decision"],
  sluice_decisions_total: ["counter", "Decisions by controller and by the rule that settled them"],
} as const;

type Name = keyof typeof families;

/** Nothing gathered yet. */
export function createScalerMetrics(): ScalerMetrics {
  const table = new Map<Name, Family>();
  for (const [name, [type, help]] of Object.entries(families))
    table.set(name as Name, { type, help, series: new Map() }); // the keys of the table
  const set = (name: Name, labels: Labels, value: number, owner: Owner | null): void => {
    const series = { value, owner: owner === null ? null : nameOf(owner) };
    table.get(name)?.series.set(write(labels), series);
  };
  const add = (name: Name, labels: Labels, owner: Owner): void => {
    const before = table.get(name)?.series.get(write(labels))?.value ?? 0;
    set(name, labels, before + 1, owner);
  };

  return {
    registered(specs) {
      const owners = [...specs.scaledObjects, ...specs.scaledJobs];
      forgetMissing(table, owners);
      for (const [labels, count] of countBy(owners, ({ kind, metadata: { namespace } }) => ({
        ...{ type: kind === "ScaledObject" ? "scaled_object" : "scaled_job", namespace },
      })))
        set("keda_resource_registered_total", labels, count, null);
      const triggers = owners.flatMap(({ spec }) => spec.triggers);
      for (const [labels, count] of countBy(triggers, ({ type }) => ({ type })))
        set("keda_trigger_registered_total", labels, count, null);
      for (const object of specs.scaledObjects) {
        const { metadata, controls } = object;
        const isPaused = controls.paused || controls.pausedReplicas !== null;
        const { namespace, name: scaledObject } = metadata;
        set("keda_scaled_object_paused", { namespace, scaledObject }, Number(isPaused), object);
      }
    },
    decision(owner, decision) {
      const labels = ownLabels(owner);
      set("sluice_replicas", labels, decision.current, owner);
      set("sluice_replicas_wanted", labels, decision.replicas, owner);
      const { controller, rule } = decision;
      add("sluice_decisions_total", { ...labels, controller, rule }, owner);
      const metrics = decision.metrics ?? [];
      for (const metric of metrics) {
        const own = metricLabels(owner, metric);
        set("keda_scaler_active", own, Number(metric.active), owner);
        if (metric.value !== null) set("keda_scaler_metrics_value", own, metric.value, owner);
        if (metric.failure !== null) add("keda_scaler_detail_errors_total", own, owner);
      }
      if (metrics.some(({ failure }) => failure !== null)) add(...errorsOf(owner), owner);
    },
    turn(owner, { lateMs, tookMs: turnMs, readings }) {
      const { namespace, name: resource } = owner.metadata;
      const labels = { namespace, type: owner.kind.toLowerCase(), resource };
      set("keda_internal_scale_loop_latency_seconds", labels, lateMs / 1000, owner);
      set("sluice_decision_lag_seconds", ownLabels(owner), (lateMs + turnMs) / 1000, owner);
      for (const { index, tookMs } of readings) {
        const trigger = owner.spec.triggers[index];
        const scaler = trigger?.name || (trigger?.type ?? "");
        const own = { ...ownLabels(owner), scaler, triggerIndex: index };
        set("keda_scaler_metrics_latency_seconds", own, tookMs / 1000, owner);
      }
    },
    text: () => [...table].map(([name, family]) => writeFamily(name, family)).join(""),
  };
}

function ownLabels({ kind, metadata }: Owner): Labels {
  const { namespace, name: scaledObject } = metadata;
  return { namespace, scaledObject, type: kind.toLowerCase() };
}

function metricLabels(owner: Owner, { metricName, trigger }: MetricRecord): Labels {
  const [, triggerIndex = ""] = /^s(\d+)-/.exec(metricName) ?? [];
  return { ...ownLabels(owner), metric: metricName, scaler: trigger, triggerIndex };
}

function errorsOf({ kind, metadata: { namespace, name } }: Owner): [Name, Labels] {
  return kind === "ScaledObject"
    ? ["keda_scaled_object_errors_total", { namespace, scaledObject: name }]
    : ["keda_scaled_job_errors_total", { namespace, scaledJob: name }];
}

function countBy<T>(
  items: readonly T[],
  labelsOf: (item: T) => Labels,
): readonly (readonly [Labels, number])[] {
  const counts = new Map<string, [Labels, number]>();
  for (const item of items) {
    const labels = labelsOf(item);
    const entry = counts.get(write(labels)) ?? [labels, 0];
    entry[1] += 1;
    counts.set(write(labels), entry);
  }
  return [...counts.values()];
}

/** Series of objects that are gone would stand still for ever. Counts over all are made anew. */
function forgetMissing(table: ReadonlyMap<Name, Family>, owners: readonly Owner[]): void {
  const known = new Set(owners.map(nameOf));
  for (const { series } of table.values())
    for (const [labels, { owner }] of [...series])
      if (owner === null || !known.has(owner)) series.delete(labels);
}

function write(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${escapeLabel(String(value))}"`,
  );
  return `{${pairs.join(",")}}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function writeFamily(name: Name, { type, help, series }: Family): string {
  const head = `# HELP ${name} ${help}.\n# TYPE ${name} ${type}\n`;
  return head + [...series].map(([labels, { value }]) => `${name}${labels} ${value}\n`).join("");
}
