/**
 * How many replicas cpu or memory asks for: the HPA's resource path. Pods that are starting or that have no sample are
 * left out, and then counted in again in the way that is least likely to change anything.
 */
import type { Candidate } from "../decision.ts";
import { isWithin, type Tolerance } from "./metric-replicas.ts";
import type { ResourcePod, ResourceReading } from "./resource-metric.ts";
import type { AutoscalerFlags } from "./scaled-object-policy.ts";

/** What the pods are held against. */
export interface ResourceContext {
  readonly current: number;
  readonly at: number;
  readonly tolerance: Tolerance;
  readonly flags: AutoscalerFlags;
}

/** The count that a resource asks for, or why it asks for none. */
export interface ResourceProposal {
  readonly candidate: Candidate;
  readonly failure: string | null;
}

/** See the top of this file. */
export function proposeByResource(
  reading: ResourceReading,
  context: ResourceContext,
): ResourceProposal {
  const { current } = context;
  const failed = (failure: string): ResourceProposal => ({
    candidate: {
      rule: "metric",
      replicas: current,
      text: `${reading.resource}: ${failure}`,
      figures: {},
    },
    failure,
  });
  if (reading.failure !== null) return failed(reading.failure);
  const sorted = sortPods(reading, context);
  if (sorted.ready.length === 0) return failed("no ready pod has a sample");
  const lacking = sorted.ready.some((pod) => pod.request === null);
  if (reading.metricType === "Utilization" && lacking)
    return failed("a container requests none of it, so there is no share to compute");
  const { replicas, ratio } = count(reading, sorted, context);
  const text = `${reading.resource}: use is ${Math.round(ratio * 1000) / 1000} of the target over ${sorted.ready.length} ready pods: ${replicas}`;
  const figures = {
    ...{ ratio, ready: sorted.ready.length },
    ...{ unready: sorted.unready.length, missing: sorted.missing.length },
  };
  return { candidate: { rule: "metric", replicas, text, figures }, failure: null };
}

interface SortedPods {
  readonly ready: readonly ResourcePod[];
  readonly unready: readonly ResourcePod[];
  readonly missing: readonly ResourcePod[];
}

function count(
  reading: ResourceReading,
  { ready, unready, missing }: SortedPods,
  { current, tolerance }: ResourceContext,
): { readonly replicas: number; readonly ratio: number } {
  const ratio = ratioOf(reading, ready);
  const startsMore = unready.length > 0 && ratio > 1;
  if (missing.length === 0 && !startsMore) {
    const replicas = isWithin(ratio, tolerance) ? current : Math.ceil(ratio * ready.length);
    return { replicas, ratio };
  }
  const filled =
    ratio < 1
      ? [...ready, ...missing.map((pod) => assume(reading, pod))]
      : [...ready, ...missing.map(unused), ...unready.map(unused)];
  const again = ratioOf(reading, filled);
  const isTurned = (ratio < 1 && again > 1) || (ratio > 1 && again < 1);
  if (isWithin(again, tolerance) || isTurned) return { replicas: current, ratio: again };
  const replicas = Math.ceil(again * filled.length);
  const isContrary = (again < 1 && replicas > current) || (again > 1 && replicas < current);
  return { replicas: isContrary ? current : replicas, ratio: again };
}

function unused(pod: ResourcePod): ResourcePod {
  return { ...pod, usage: 0 };
}

/** A pod without a sample counts as one that uses what it should, or more, before anything scales in. */
function assume({ metricType, target }: ResourceReading, pod: ResourcePod): ResourcePod {
  if (metricType === "AverageValue") return { ...pod, usage: target };
  return { ...pod, usage: Math.trunc(((pod.request ?? 0) * Math.max(100, target)) / 100) };
}

function ratioOf({ metricType, target }: ResourceReading, pods: readonly ResourcePod[]): number {
  const usage = pods.reduce((sum, pod) => sum + (pod.usage ?? 0), 0);
  if (metricType === "AverageValue") return Math.trunc(usage / pods.length) / target;
  const requested = pods.reduce((sum, pod) => sum + (pod.request ?? 0), 0);
  return Math.trunc((100 * usage) / requested) / target;
}

function sortPods({ resource, pods }: ResourceReading, context: ResourceContext): SortedPods {
  const counted = pods.filter((pod) => !pod.isDeleting && pod.phase !== "Failed");
  const isStarting = (pod: ResourcePod): boolean =>
    pod.phase === "Pending" || (resource === "cpu" && isUnreadyForCpu(pod, context));
  const measured = counted.filter((pod) => pod.usage !== null);
  return {
    unready: counted.filter(
      (pod) => pod.phase === "Pending" || (pod.usage !== null && isStarting(pod)),
    ),
    missing: counted.filter((pod) => pod.usage === null && pod.phase !== "Pending"),
    ready: measured.filter((pod) => !isStarting(pod)),
  };
}

/** Start-up burns cpu, so a pod that was never quite ready says nothing about the load. */
function isUnreadyForCpu(pod: ResourcePod, { at, flags }: ResourceContext): boolean {
  const { isReady, readyChangedAt, startedAt, sampledAt, sampleWindowMs } = pod;
  if (isReady === null || readyChangedAt === null || startedAt === null) return true;
  if (startedAt + flags.cpuInitializationMs > at)
    return !isReady || sampledAt < readyChangedAt + sampleWindowMs;
  return !isReady && startedAt + flags.initialReadinessDelayMs > readyChangedAt;
}
