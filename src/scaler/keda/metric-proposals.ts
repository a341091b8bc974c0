/** What each metric of an autoscaler asks for, in words and figures. */
import type { Candidate, MetricRecord } from "../decision.ts";
import { replicasByAverageValue, replicasByValue } from "./metric-replicas.ts";
import type { ObjectObservation } from "./object-observation.ts";
import { toMilli } from "./quantity.ts";
import { proposeByResource, type ResourceContext } from "./resource-replicas.ts";
import type { AutoscalerPolicy } from "./scaled-object-policy.ts";

/** One metric's proposal; with a failure, the count in it says nothing. */
export interface MetricProposal {
  readonly metricName: string;
  readonly isResource: boolean;
  readonly candidate: Candidate;
  readonly failure: string | null;
}

/** One proposal for each external metric and each cpu or memory reading. */
export function proposeForMetrics(
  policy: AutoscalerPolicy,
  metrics: readonly MetricRecord[],
  { status, resources, at }: ObjectObservation,
): readonly MetricProposal[] {
  const tolerance = { up: policy.toleranceUp, down: policy.toleranceDown };
  const context: ResourceContext = { current: status.replicas, at, tolerance, flags: policy.flags };
  return [
    ...metrics.map((metric) => {
      const made = external(policy, metric, status);
      return { metricName: metric.metricName, isResource: false, ...made };
    }),
    ...resources.map((reading) => ({
      metricName: reading.resource,
      isResource: true,
      ...proposeByResource(reading, context),
    })),
  ];
}

type Made = Pick<MetricProposal, "candidate" | "failure">;

function external(
  policy: AutoscalerPolicy,
  metric: MetricRecord,
  status: ObjectObservation["status"],
): Made {
  const { metricName, metricType, target, value, failure } = metric;
  const current = status.replicas;
  const existing = status.existing ?? current;
  const tolerance = { up: policy.toleranceUp, down: policy.toleranceDown };
  if (value === null) return failed(metricName, current, failure ?? "it was not read");
  const figures = { value, target };
  const usage = { usage: toMilli(value), target: toMilli(target) };
  if (usage.target <= 0) return failed(metricName, current, `its target ${target} is not over 0`);
  if (metricType === "Value") {
    if (existing === 0) return failed(metricName, current, "there is no pod to multiply");
    const ready = status.ready;
    const made = replicasByValue(usage, { current, ready }, tolerance);
    const text = made.isWithinTolerance
      ? `${metricName}: ${value} / ${target} = ${show(made.ratio)} is within ${band(policy)}: stay at ${current}`
      : `${metricName}: ${value} / ${target} = ${show(made.ratio)} is outside ${band(policy)}: ceil(${value} / ${target} × ${ready} ready) = ${made.replicas}`;
    return {
      candidate: candidate(made.replicas, text, { ...figures, ready, ratio: made.ratio }),
      failure: null,
    };
  }
  const made = replicasByAverageValue(usage, existing, tolerance);
  const text = made.isWithinTolerance
    ? `${metricName}: ${value} / (${target} × ${existing}) = ${show(made.ratio)} is within ${band(policy)}: stay at ${existing}`
    : `${metricName}: ${value} / (${target} × ${existing}) = ${show(made.ratio)} is outside ${band(policy)}: ceil(${value} / ${target}) = ${made.replicas}`;
  return {
    candidate: candidate(made.replicas, text, { ...figures, existing, ratio: made.ratio }),
    failure: null,
  };
}

function failed(metricName: string, current: number, failure: string): Made {
  return { candidate: candidate(current, `${metricName}: ${failure}`, {}), failure };
}

function candidate(replicas: number, text: string, figures: Candidate["figures"]): Candidate {
  return { rule: "metric", replicas, text, figures };
}

function band({ toleranceUp, toleranceDown }: AutoscalerPolicy): string {
  return `${show(1 - toleranceDown)} to ${show(1 + toleranceUp)}`;
}

function show(ratio: number): string {
  return Number.isFinite(ratio) ? String(Math.round(ratio * 1000) / 1000) : String(ratio);
}
