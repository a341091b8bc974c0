/**
 * A ScaledJob whose annotation `sluice.dev/objective` asks for a wait: its triggers and its jobs are looked at, KEDA's
 * strategies are not asked. Between looks, a push brings one.
 */
import { describeError } from "../../../core/index.ts";
import { explainDecision } from "../../decision.ts";
import { type JobTarget, type JobTargetStatus, toJobTargetStatus } from "../../job-target.ts";
import { createEngineFrame, toFigures } from "../../keda-engine/engine-frame.ts";
import {
  pushGapMs,
  type ScalerEngine,
  type ScalerEngineOptions,
} from "../../keda-engine/scaler-engine.ts";
import { checkObjective } from "../check-objective.ts";
import type { SharedCapMember } from "../shared-cap.ts";
import { decideJobsByObjective, type JobObjectiveOutcome } from "./decide-jobs-by-objective.ts";
import type { JobObjectivePolicy } from "./job-objective-policy.ts";
import { initialJobObjectiveState, type JobObjectiveState } from "./job-objective-state.ts";
import { observeJobQueue } from "./observe-job-queue.ts";

/** A ScaledJob's objective, and its parts. */
export interface JobObjectiveEngineOptions extends ScalerEngineOptions {
  readonly policy: JobObjectivePolicy;
  readonly target: JobTarget;
  /** The object's part in a cap that it shares. Stays a member when the engine stops, as the jobs stay. */
  readonly sharedCap?: SharedCapMember;
  /** Default: a new object's. */
  readonly initialState?: JobObjectiveState;
}

/** An engine over one ScaledJob that keeps its objective. */
export function createJobObjectiveEngine(
  options: JobObjectiveEngineOptions,
): ScalerEngine<JobObjectiveState> {
  const { policy, triggers, target, clock, logger, name, sharedCap } = options;
  const { isAttainable, text } = checkObjective(policy);
  if (!isAttainable) logger.warn("the objective is out of reach", { object: name, why: text });
  const counting = triggers.filter(({ index }) => policy.counts[index] !== null);
  const frame = createEngineFrame<"poll">({ ...options, triggers: counting });
  const decide = decideJobsByObjective(policy, sharedCap);
  let state = options.initialState ?? initialJobObjectiveState(policy);
  let jobs: JobTargetStatus = toJobTargetStatus([]);

  async function turn() {
    const read = await frame.read("reading the target", () => target.status());
    if (read.failure === null) jobs = read.value;
    const readings = await frame.readTriggers(counting);
    if (frame.isStopped) return [];
    const failure = read.failure === null ? null : ({ of: "target", text: read.failure } as const);
    const seen = observeJobQueue(policy, { at: clock.now(), triggers: readings, jobs, failure });
    const outcome = decide(state, seen);
    options.onDecision?.(outcome.decision);
    state = (await carryOut(outcome)) ? outcome.state : unspent(outcome, state);
    return readings.map(toFigures);
  }

  /** Whether the jobs that were decided exist. */
  async function carryOut({ create, decision }: JobObjectiveOutcome): Promise<boolean> {
    if (create === 0) return true;
    try {
      await target.create(create);
    } catch (error) {
      frame.failures.note("creating jobs", describeError(error));
      return false;
    }
    frame.failures.note("creating jobs", null);
    const reason = explainDecision(decision);
    logger.info("created jobs", { object: name, create, running: decision.current, reason });
    return true;
  }

  return {
    get state() {
      return state;
    },
    start() {
      sharedCap?.onWake((inMs) => frame.soon("poll", Math.max(pushGapMs, inMs)));
      frame.start({
        periods: new Map([["poll", policy.pollingIntervalMs]]),
        turn,
        onPush() {
          if (jobs.running < policy.maxReplicaCount) frame.soon("poll", pushGapMs);
        },
      });
    },
    stop() {
      sharedCap?.onWake(null);
      return frame.stop();
    },
  };
}

/** What was learnt, without the starts and the minimum that came to nothing. */
function unspent(
  { state: after, create: created }: JobObjectiveOutcome,
  before: JobObjectiveState,
): JobObjectiveState {
  const { recentStarts } = before.learned;
  const expected = after.expected === null ? null : after.expected - created;
  const learned = { ...after.learned, recentStarts };
  return { ...after, learned, expected, minimumAt: before.minimumAt };
}
