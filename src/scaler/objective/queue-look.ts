/** The queue and the jobs that run, from whatever the broker and the target tell. */

import type { Observation } from "../decision.ts";
import { type DueJobs, dueJobsOf } from "./due-jobs.ts";
import type { WaitingJobs } from "./waiting-jobs.ts";
import {
  type LookTimes,
  observeWorkers,
  type WorkerFlow,
  type WorkerMemories,
} from "./worker-flow.ts";

/** The queue at one time. */
export interface QueueLook {
  readonly at: number;
  readonly ready: number;
  readonly oldestAgeMs: number | null;
  /** Jobs that run, by the broker; a guess where neither it nor the workers tell. */
  readonly inFlight: number;
  /** Whether each worker says what it runs and has ended. */
  readonly workersTell: boolean;
  /** Delayed jobs, as far as they are known. */
  readonly due: readonly DueJobs[];
  /** As many workers as can be active at a time; null: no limit. */
  readonly activeGroups: number | null;
}

/** The samples as one queue; null where they make no sense. `slots`: jobs that the ready workers can run. */
export function lookAtQueue(
  { samples, status, at }: Observation,
  concurrency: number,
): QueueLook | null {
  const value = sum(samples.map((sample) => sample.value));
  const waiting = samples.map((sample) => sample.ready);
  const running = samples.map((sample) => sample.inFlight);
  const isSense = (count: number): boolean => count >= 0 && Number.isFinite(count);
  if (samples.length === 0 || !isSense(value)) return null;
  const takers = status.workers.filter(({ state }) => state === "idle" || state === "busy");
  const workersTell = takers.length > 0 && takers.every((worker) => worker.completed !== undefined);
  const told = workersTell ? sum(takers.map(({ inFlight = 0 }) => inFlight)) : null;
  // Where nobody tells, each slot has a job as long as there are jobs.
  const inFlight = sumKnown(running) ?? told ?? Math.min(value, status.ready * concurrency);
  const ready = sumKnown(waiting) ?? Math.max(0, value - (told ?? inFlight));
  if (!isSense(ready) || !isSense(inFlight)) return null;
  const readAt = Math.min(at, ...samples.map((sample) => sample.at));
  const due = dueJobsOf(samples, at - readAt);
  if (due === null) return null;
  const ages = samples.flatMap(({ oldestAgeMs }) => (oldestAgeMs === null ? [] : [oldestAgeMs]));
  return {
    ...{ ready, inFlight, due, workersTell: workersTell || takers.length === 0 },
    activeGroups: sumKnown(samples.map((sample) => sample.activeGroups ?? null)),
    at: readAt,
    oldestAgeMs: ages.length === 0 || ready === 0 ? null : Math.max(0, ...ages),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The sum, where all are known. */
export function sumKnown(values: readonly (number | null)[]): number | null {
  const known = values.flatMap((value) => (value === null ? [] : [value]));
  return known.length === values.length ? sum(known) : null;
}

/** What the flow of jobs is worked out from. */
export interface FlowQuestion {
  readonly status: Observation["status"];
  readonly memories: WorkerMemories;
  readonly queue: QueueLook;
  readonly times: LookTimes;
  /** At the last look. */
  readonly waiting: WaitingJobs;
  readonly inFlight: number;
}

/** Jobs that began and ended since the last look. `isMeasured`: whether time and endings belong together. */
export function flowOf(question: FlowQuestion): WorkerFlow & { readonly isMeasured: boolean } {
  const { status, memories, queue, times, waiting } = question;
  const flow = observeWorkers(memories, status, times);
  if (queue.workersTell) return { ...flow, isMeasured: true };
  // The workers are silent: those that waited and are older than the oldest that waits now have been started.
  const before = sum(waiting.map(({ count }) => count));
  const left =
    queue.oldestAgeMs === null
      ? Math.min(before, queue.ready)
      : countSince(waiting, queue.at - queue.oldestAgeMs);
  const begun = before - left;
  const ended = Math.max(0, begun + question.inFlight - queue.inFlight);
  const isMeasured = before > 0 && queue.ready > 0 && queue.oldestAgeMs !== null;
  return {
    ...flow,
    ...{ ended, failed: 0, inFlight: queue.inFlight, inFlightReady: queue.inFlight, isMeasured },
    busyMs: (times.sinceMs * (question.inFlight + queue.inFlight)) / 2,
    // Of silent workers it is not known that their jobs are short.
    ...{ runningFor: [], pendingMs: 0, longestMs: Number.MAX_VALUE },
  };
}

function countSince(waiting: WaitingJobs, since: number): number {
  return sum(
    waiting.map(({ from, to, count }) => {
      if (from >= since) return count;
      return to <= since ? 0 : (count * (to - since)) / (to - from);
    }),
  );
}
