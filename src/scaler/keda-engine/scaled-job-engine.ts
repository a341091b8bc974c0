/**
 * A ScaledJob at work: a poll every `pollingInterval`, which creates jobs. Under `sequential` the next poll comes as soon as
 * the job created last is ready, so that jobs follow one another without waiting out the interval.
 */
import { describeError } from "../../core/index.ts";
import { explainDecision } from "../decision.ts";
import { type JobTarget, type JobTargetStatus, toJobTargetStatus } from "../job-target.ts";
import {
  initialScaledJobState,
  observeJobs,
  pollScaledJob,
  type ScaledJobOutcome,
  type ScaledJobPolicy,
  type ScaledJobState,
} from "../keda/index.ts";
import type { ScalerTrigger } from "../scaler-trigger.ts";
import { createEngineFrame, toFigures } from "./engine-frame.ts";
import { pushGapMs, type ScalerEngine, type ScalerEngineOptions } from "./scaler-engine.ts";

/** A ScaledJob's parts. */
export interface ScaledJobEngineOptions extends ScalerEngineOptions {
  readonly policy: ScaledJobPolicy;
  readonly target: JobTarget;
  readonly initialState?: ScaledJobState;
}

type Kind = "poll" | "readiness";

/** How often a job that starts is looked at, under `sequential`. */
const readinessCheckMs = 250;

/** An engine over one ScaledJob; see the top of this file. */
export function createScaledJobEngine(
  options: ScaledJobEngineOptions,
): ScalerEngine<ScaledJobState> {
  const { policy, triggers, target, clock } = options;
  const frame = createEngineFrame<Kind>(options);
  const isSequential = policy.controls.sequential !== null;
  let state = options.initialState ?? initialScaledJobState;
  let jobs: JobTargetStatus = toJobTargetStatus([]);

  async function turn(due: ReadonlySet<Kind>) {
    const read = await frame.read("reading the target", () => target.status());
    if (read.failure === null) jobs = read.value;
    if (!due.has("poll") && isStarting(jobs)) {
      frame.soon("readiness", readinessCheckMs);
      return [];
    }
    const readings = policy.controls.paused ? [] : await frame.readTriggers(triggers);
    if (frame.isStopped) return [];
    const failure = read.failure === null ? null : ({ of: "target", text: read.failure } as const);
    const seen = observeJobs({ at: clock.now(), triggers: readings, jobs, failure });
    const outcome = pollScaledJob(policy, state, seen);
    state = outcome.state;
    options.onDecision?.(outcome.decision);
    await carryOut(outcome);
    if (isSequential && (outcome.create > 0 || isStarting(jobs)))
      frame.soon("readiness", readinessCheckMs);
    return readings.map(toFigures);
  }

  async function carryOut({ create, decision }: ScaledJobOutcome): Promise<void> {
    if (create === 0) return;
    try {
      await target.create(create);
    } catch (error) {
      frame.failures.note("creating jobs", describeError(error));
      return;
    }
    frame.failures.note("creating jobs", null);
    const reason = explainDecision(decision);
    const running = decision.current;
    options.logger.info("created jobs", { object: options.name, create, running, reason });
  }

  /** KEDA knows no push for ScaledJobs and drops those of external-push. */
  function onPush({ index }: ScalerTrigger): void {
    if (policy.triggers[index]?.type === "external-push") return;
    if (jobs.running >= policy.minReplicaCount + policy.scaleLimit) return;
    frame.soon("poll", pushGapMs);
  }

  const periods = new Map<Kind, number>([
    ["poll", policy.pollingIntervalMs],
    ["readiness", Number.POSITIVE_INFINITY],
  ]);
  return {
    get state() {
      return state;
    },
    start: () => frame.start({ periods, turn, onPush }),
    stop: frame.stop,
  };
}

function isStarting({ jobs }: JobTargetStatus): boolean {
  return jobs.some((job) => job.endedAt === null && !job.ready);
}
