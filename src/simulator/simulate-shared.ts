/**
 * Several queues, each with a load, workers and an objective of its own, under one cap: their runs go on in lock-step, event by
 * event of whichever comes next, so that the decisions of one meet the cap as those of the others left it. The cap is
 * production's own. Time begins at the first load's origin for all, and ends for all when the last has no job left.
 */
import { createSharedCap, type SharedCapMember } from "../scaler/index.ts";
import type { BrokerModel, WorkerModel } from "./engine/models.ts";
import {
  drainLimitUs,
  endAt,
  nextEventAt,
  type Outcome,
  type PreparedRun,
  prepareRun,
  type RunParts,
  takeEvent,
} from "./engine/simulation.ts";
import type { Load } from "./loads/load.ts";
import { type ObjectivePolicyOptions, objectivePolicy } from "./policies/objective.ts";

/** One queue and who works on it. */
export interface SharedQueue {
  readonly name: string;
  readonly load: Load;
  readonly policy: Omit<ObjectivePolicyOptions, "sharedCap" | "name">;
  readonly maxWaitMs: number;
  readonly workers?: WorkerModel;
  readonly broker?: BrokerModel;
}

/** What is simulated. */
export interface SharedSimulationOptions {
  readonly queues: readonly SharedQueue[];
  /** The most replicas of all queues together; null: each has its own maximum alone. */
  readonly maxReplicas: number | null;
  /** For everything random besides the loads. Default 1. */
  readonly seed?: number;
  /** As for one run: 0 records no series. Default 480. */
  readonly columns?: number;
  /** How long after the longest span jobs may still be under way. Default 24 h. */
  readonly drainLimitMs?: number;
}

/** The outcomes, in the order of the queues. */
export interface SharedOutcome {
  readonly queues: readonly Outcome[];
  /** The most workers that there were at one time, leaving ones included. */
  readonly peakWorkers: number;
}

/**
 * Runs them. Throws as `simulate` does.
 *
 * @example
 * const policy = { objective: { maxWait: "30s" } };
 * const { queues } = simulateShared({
 *   queues: [
 *     { name: "mail", load: generateLoad("spike"), policy, maxWaitMs: 30_000 },
 *     { name: "report", load: generateLoad("step"), policy, maxWaitMs: 30_000 },
 *   ],
 *   maxReplicas: 40,
 * });
 */
export function simulateShared(options: SharedSimulationOptions): SharedOutcome {
  const time = { nowUs: 0 };
  const runs = prepareRuns(options, time);
  const peakWorkers = runInStep(
    runs.map(({ parts }) => parts),
    time,
    drainLimitUs(options),
  );
  return { queues: runs.map((run) => run.finish()), peakWorkers };
}

/** The time of all runs. */
interface CommonTime {
  nowUs: number;
}

function prepareRuns(
  { queues, maxReplicas, seed = 1, columns = 480 }: SharedSimulationOptions,
  time: CommonTime,
): readonly PreparedRun[] {
  const cap = maxReplicas === null ? null : createSharedCap("shared", maxReplicas);
  const originMs = queues[0]?.load.originMs ?? 0;
  const runs: PreparedRun[] = [];
  for (const [index, { name, load, policy, maxWaitMs, workers, broker }] of queues.entries()) {
    const member = cap?.join(name);
    const sharedCap = member && inStep(member, () => runs[index]?.parts.meter.advance(time.nowUs));
    runs.push(
      prepareRun({
        ...{ load: { ...load, originMs }, maxWaitMs, columns, seed: seed + index },
        policy: objectivePolicy({ ...policy, name, ...(sharedCap && { sharedCap }) }),
        ...(workers && { workers }),
        ...(broker && { broker }),
      }),
    );
  }
  return runs;
}

/** Takes the events of all runs in their order to the end of all. Yields the most workers at one time. */
function runInStep(runs: readonly RunParts[], time: CommonTime, drainUs: number): number {
  const spanUs = Math.max(0, ...runs.map(({ load }) => load.spanUs));
  const isDone = (): boolean => runs.every(({ jobs }) => jobs.left === 0);
  let peak = 0;
  for (let next = soonestOf(runs); next !== null; next = soonestOf(runs)) {
    if (next.at > spanUs && (next.at > spanUs + drainUs || isDone())) break;
    time.nowUs = next.at;
    takeEvent(next.run, next.at);
    peak = Math.max(
      peak,
      runs.reduce((sum, { levels: l }) => sum + l.starting + l.ready + l.draining, 0),
    );
  }
  const endUs = isDone() ? Math.max(spanUs, time.nowUs) : spanUs + drainUs;
  for (const run of runs) endAt(run, endUs);
  return peak;
}

/** The run whose event comes next; of several at the same moment, the first. */
function soonestOf(runs: readonly RunParts[]) {
  let soonest: { readonly at: number; readonly run: RunParts } | null = null;
  for (const run of runs) {
    const at = nextEventAt(run);
    if (at < (soonest?.at ?? Number.POSITIVE_INFINITY)) soonest = { at, run };
  }
  return soonest;
}

/** A member whose run is brought up to the time before it is woken: its own clock stands at its last event. */
function inStep(member: SharedCapMember, catchUp: () => void): SharedCapMember {
  return {
    ...member,
    onWake(soon) {
      member.onWake(
        soon === null
          ? null
          : (inMs) => {
              catchUp();
              soon(inMs);
            },
      );
    },
  };
}
