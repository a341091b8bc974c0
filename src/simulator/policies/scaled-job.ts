import {
  initialScaledJobState,
  type JobStatus,
  observeJobs,
  pollScaledJob,
  type ScaledJobPolicy,
  toJobTargetStatus,
  toScaledJobPolicy,
} from "../../scaler/index.ts";
import type { ScaledJob } from "../../specs/index.ts";
import type { Plant, Policy } from "../engine/policy.ts";
import { readTriggers } from "./scaled-object.ts";
import { type TriggerFigure, triggerFigure } from "./trigger-figures.ts";

/**
 * KEDA's ScaledJob loop, by production's own decision. Unless the model of the workers says otherwise, a job works one
 * message and ends, or ends at once when there is none; with `sequential` it works until it was idle for 5 s.
 * Throws `OPTION_UNSUPPORTED` for a trigger whose figure is no count of messages.
 *
 * @example
 * const specs: Parameters<typeof scaledJobPolicy>[0][] = [];
 * const policies = specs.map((job) => scaledJobPolicy(job));
 */
export function scaledJobPolicy(job: ScaledJob, options: { readonly name?: string } = {}): Policy {
  const policy = toScaledJobPolicy(job);
  const figures = policy.triggers.map(triggerFigure);
  const lifetime = policy.controls.sequential === null ? { jobs: 1, idleMs: 0 } : { idleMs: 5000 };
  return {
    name: options.name ?? job.metadata.name,
    platform: { lifetime },
    start: (plant) => run(policy, figures, plant),
  };
}

function run(policy: ScaledJobPolicy, figures: readonly TriggerFigure[], plant: Plant): void {
  let state = initialScaledJobState;
  function poll(): void {
    const seen = observeJobs({
      at: plant.nowMs(),
      triggers: readTriggers(figures, plant),
      jobs: toJobTargetStatus(jobsOf(plant, policy.generation)),
    });
    const outcome = pollScaledJob(policy, state, seen);
    state = outcome.state;
    plant.record(outcome.decision);
    if (outcome.create > 0) plant.create(outcome.create);
    plant.after(policy.pollingIntervalMs, poll);
  }
  plant.after(0, poll);
}

function jobsOf(plant: Plant, generation: number): readonly JobStatus[] {
  return plant.status().workers.map(({ id, state, startedAt, failed = 0 }) => ({
    id,
    state: state === "starting" ? "pending" : "running",
    ready: state !== "starting",
    generation,
    createdAt: startedAt,
    endedAt: null,
    failures: failed,
  }));
}
