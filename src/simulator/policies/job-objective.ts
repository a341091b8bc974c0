import { SluiceError } from "../../core/index.ts";
import {
  decideJobsByObjective,
  initialJobObjectiveState,
  type JobObjectivePolicy,
  type JobStatus,
  jobObjectiveOf,
  observeJobQueue,
  toJobTargetStatus,
} from "../../scaler/index.ts";
import type { ScaledJob } from "../../specs/index.ts";
import type { WorkerLifetime } from "../engine/models.ts";
import type { Plant, Policy } from "../engine/policy.ts";
import { readTrigger } from "./scaled-object.ts";
import { type TriggerFigure, triggerFigure } from "./trigger-figures.ts";

/**
 * A ScaledJob under its annotation `sluice.dev/objective`, by production's own decision, on jobs that start as those of a
 * cluster do. Unless the model of the workers says otherwise, a job works one message and ends, or ends at once when there
 * is none, and tells nothing but that; with `messagesPerJob=many` it works until it was idle for 5 s, and says what it does,
 * as `sluice work` does.
 * Throws as `jobObjectiveOf` does, `OPTION_INVALID` for a ScaledJob without the annotation, and `OPTION_UNSUPPORTED` for a
 * trigger whose figure is no count of messages.
 *
 * @example
 * const specs: Parameters<typeof jobObjectivePolicy>[0][] = [];
 * const policies = specs.map((job) => jobObjectivePolicy(job));
 */
export function jobObjectivePolicy(
  job: Pick<ScaledJob, "spec" | "controls" | "metadata">,
  options: { readonly name?: string } = {},
): Policy {
  const policy = jobObjectiveOf(job, { startupMs: 10_000 });
  const { name } = job.metadata;
  if (policy === null)
    throw new SluiceError("OPTION_INVALID", `${name} must have sluice.dev/objective.`);
  const figures = new Map<number, TriggerFigure>();
  for (const [index, trigger] of policy.triggers.entries())
    if (policy.counts[index] !== null) figures.set(index, triggerFigure(trigger));
  const lifetime: WorkerLifetime =
    policy.messagesPerJob === "one" ? { jobs: 1, idleMs: 0 } : { idleMs: 5000 };
  return {
    name: options.name ?? name,
    platform: { lifetime },
    start: (plant) => run(policy, figures, plant),
  };
}

/** As the engine: at most this often after pushes. */
const pushGapMs = 50;

function run(
  policy: JobObjectivePolicy,
  figures: ReadonlyMap<number, TriggerFigure>,
  plant: Plant,
): void {
  const decide = decideJobsByObjective(policy);
  let state = initialJobObjectiveState(policy);
  let isFull = false;
  let nextAt = Number.POSITIVE_INFINITY;
  /** The look that counts; one that was armed before it does nothing. */
  let armed = 0;

  function arm(inMs: number): void {
    armed += 1;
    const mine = armed;
    nextAt = plant.nowMs() + inMs;
    plant.after(inMs, () => {
      if (mine === armed) look();
    });
  }

  function look(): void {
    const seen = observeJobQueue(policy, {
      at: plant.nowMs(),
      triggers: [...figures].map(([index, figure]) => readTrigger(figure, index, plant)),
      jobs: toJobTargetStatus(jobsOf(plant, policy.messagesPerJob)),
    });
    const outcome = decide(state, seen);
    state = outcome.state;
    isFull = outcome.decision.replicas >= policy.maxReplicaCount;
    plant.record(outcome.decision);
    if (outcome.create > 0) plant.create(outcome.create);
    arm(policy.pollingIntervalMs);
  }

  plant.onArrival(() => {
    if (!isFull && nextAt > plant.nowMs() + pushGapMs) arm(pushGapMs);
  });
  arm(0);
}

type MessagesPerJob = JobObjectivePolicy["messagesPerJob"];

/** Of those that ended, the new ones are listed. Jobs of many messages say what they do. */
function jobsOf(plant: Plant, messagesPerJob: MessagesPerJob): readonly JobStatus[] {
  const common = { generation: 1, failures: 0 };
  const tells = messagesPerJob === "many";
  const left = plant.takeLeft().map((worker): JobStatus => {
    const {
      id,
      startedAt: createdAt,
      readyAt,
      leftAt: endedAt,
      completed,
      failed,
      busyMs,
    } = worker;
    const work = { inFlight: 0, completed, failed, busyMs };
    return {
      ...{ ...common, id, createdAt, readyAt, endedAt, state: "succeeded", ready: false },
      ...(tells && { work }),
    };
  });
  const unfinished = plant.status().workers.map((worker): JobStatus => {
    const { id, startedAt: createdAt, readyAt } = worker;
    const base = { ...common, id, createdAt, endedAt: null };
    if (readyAt === undefined) return { ...base, state: "pending", ready: false };
    const { inFlight = 0, completed = 0, failed = 0, busyMs = 0 } = worker;
    const work = { inFlight, completed, failed, busyMs };
    return { ...base, state: "running", ready: true, readyAt, ...(tells && { work }) };
  });
  return [...left, ...unfinished];
}
