import type { Observation, ReadingFailure } from "../decision.ts";
import type { JobTargetStatus } from "../job-target.ts";
import type { MetricReading, MetricSpec } from "../scaler-trigger.ts";
import type { TargetStatus } from "../target.ts";
import type { MetricSample } from "../trigger.ts";
import type { ResourceReading } from "./resource-metric.ts";

/** What one look at one trigger gave. */
export interface TriggerReading {
  /** Its place among all triggers of the object, from 0. */
  readonly index: number;
  /** Empty when even these could not be learnt. */
  readonly specs: readonly MetricSpec[];
  /** Null when it failed. An empty list is no reading either. */
  readonly readings: readonly MetricReading[] | null;
  /** Set when `readings` is null. */
  readonly failure: string | null;
}

/** What is seen of a scaled object at one time: the same shape for both of its clocks. */
export interface ObjectObservation extends Observation {
  /** The external triggers: cpu and memory are among `resources`. */
  readonly triggers: readonly TriggerReading[];
  /** One for each cpu or memory trigger, by its index; only where the target's pods can be measured. */
  readonly resources: readonly ResourceReading[];
}

/** What is seen of a ScaledJob at one time. */
export interface JobObservation extends Observation {
  readonly triggers: readonly TriggerReading[];
  readonly jobs: JobTargetStatus;
}

/** The parts of an {@link ObjectObservation} that are read. */
export interface ObjectLook {
  readonly at: number;
  readonly triggers: readonly TriggerReading[];
  readonly status: TargetStatus;
  readonly resources?: readonly ResourceReading[];
  /** The target's, when its status could not be read; a trigger's own is in its reading. */
  readonly failure?: ReadingFailure | null;
}

/** Puts together what was read at one time. */
export function observeObject(look: ObjectLook): ObjectObservation {
  return {
    at: look.at,
    samples: samplesOf(look.triggers, look.at),
    status: look.status,
    failure: look.failure ?? null,
    triggers: look.triggers,
    resources: look.resources ?? [],
  };
}

/** Puts together what was read of a ScaledJob at one time. */
export function observeJobs(look: {
  readonly at: number;
  readonly triggers: readonly TriggerReading[];
  readonly jobs: JobTargetStatus;
  readonly failure?: ReadingFailure | null;
}): JobObservation {
  return {
    at: look.at,
    samples: samplesOf(look.triggers, look.at),
    status: statusOfJobs(look.jobs),
    failure: look.failure ?? null,
    triggers: look.triggers,
    jobs: look.jobs,
  };
}

/** Jobs as workers: all that have not ended count, those that are not ready as starting. */
function statusOfJobs({ jobs, running }: JobTargetStatus): TargetStatus {
  const ready = jobs.filter((job) => job.ready).length;
  const starting = running - ready;
  return { replicas: running, ready, starting, busy: ready, idle: 0, draining: 0, workers: [] };
}

function samplesOf(triggers: readonly TriggerReading[], at: number): readonly MetricSample[] {
  return triggers.flatMap(({ readings }) =>
    (readings ?? []).map(({ metricName, value, oldestAgeMs }) => ({
      name: metricName,
      value,
      at,
      ready: null,
      inFlight: null,
      delayed: null,
      oldestAgeMs: oldestAgeMs ?? null,
    })),
  );
}
