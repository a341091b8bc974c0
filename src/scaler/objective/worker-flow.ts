/** What the workers did between two looks: jobs begun and ended, time spent, starts that were completed. */

import type { TargetStatus, WorkerStatus } from "../target.ts";

/** What is remembered of a worker. */
export interface WorkerMemory {
  readonly startedAt: number;
  readonly inFlight: number;
  /** Attempts that ended in it, and those that failed. */
  readonly ended: number;
  readonly failed: number;
  readonly isReady: boolean;
  /** As the worker tells; null where it does not. */
  readonly busyMs: number | null;
  /** Since when it is known to run the same jobs. */
  readonly sameSince: number;
}

/** Workers by id. */
export type WorkerMemories = Readonly<Record<string, WorkerMemory>>;

/** See the top of this file. */
export interface WorkerFlow {
  readonly memories: WorkerMemories;
  readonly ended: number;
  readonly failed: number;
  /** Jobs that run now, in all workers, and in those that take more. */
  readonly inFlight: number;
  readonly inFlightReady: number;
  /** Job-milliseconds spent since the last look. */
  readonly busyMs: number;
  /** Of jobs that run now, each with no more than a job is thought to take. */
  readonly pendingMs: number;
  /** How long each start took that was completed since. */
  readonly startups: readonly number[];
  /** How long each busy worker is known to have run what it runs. */
  readonly runningFor: readonly number[];
  /** For how long the oldest of the jobs that run now has run; beyond all bounds where a worker does not tell. */
  readonly longestMs: number;
}

/** When a look is made, how long after the last, and what a job is thought to take. */
export interface LookTimes {
  readonly at: number;
  readonly sinceMs: number;
  readonly serviceMs: number;
}

/** Compares a status with what was remembered. */
export function observeWorkers(
  before: WorkerMemories,
  status: TargetStatus,
  times: LookTimes,
): WorkerFlow {
  const memories: Record<string, WorkerMemory> = {};
  const startups: number[] = [];
  let [ended, failed, inFlight, inFlightReady, busyMs] = [0, 0, 0, 0, 0];
  for (const worker of status.workers) {
    const earlier = sameLife(before[worker.id], worker);
    const now = remember(worker, earlier, times.at);
    memories[worker.id] = now;
    ended += Math.max(0, now.ended - (earlier?.ended ?? 0));
    failed += Math.max(0, now.failed - (earlier?.failed ?? 0));
    inFlight += now.inFlight;
    if (worker.state !== "draining") inFlightReady += now.inFlight;
    busyMs += spentMs(worker, now, earlier, times);
    const tells = worker.readyAt !== undefined || worker.completed !== undefined;
    if (tells && now.isReady && earlier?.isReady !== true && times.sinceMs > 0)
      startups.push(readyAt(worker, times) - worker.startedAt);
  }
  for (const [id, memory] of Object.entries(before)) {
    if (memories[id] !== undefined && memories[id].startedAt === memory.startedAt) continue;
    // It left between two looks, which a worker does when its jobs have ended.
    ended += memory.inFlight;
    busyMs += (times.sinceMs * memory.inFlight) / 2;
  }
  return {
    ...{ memories, ended, failed, inFlight, inFlightReady, busyMs, startups },
    ...ofRunning(status, memories, times),
  };
}

/** What the jobs that run now tell. */
function ofRunning(
  { workers }: TargetStatus,
  memories: WorkerMemories,
  { at, serviceMs }: LookTimes,
): Pick<WorkerFlow, "pendingMs" | "runningFor" | "longestMs"> {
  const runningFor: number[] = [];
  let [pendingMs, longestMs] = [0, 0];
  for (const { id, oldestMs = Number.MAX_VALUE } of workers) {
    const { inFlight, sameSince } = memories[id] ?? { inFlight: 0, sameSince: at };
    if (inFlight === 0) continue;
    runningFor.push(at - sameSince);
    pendingMs += inFlight * Math.min(at - sameSince, serviceMs);
    longestMs = Math.max(longestMs, oldestMs);
  }
  return { pendingMs, runningFor, longestMs };
}

/** What was remembered, unless the worker was started again since. */
function sameLife(memory: WorkerMemory | undefined, worker: WorkerStatus): WorkerMemory | null {
  return memory !== undefined && memory.startedAt === worker.startedAt ? memory : null;
}

function remember(worker: WorkerStatus, earlier: WorkerMemory | null, at: number): WorkerMemory {
  const { state, startedAt, readyAt, completed = 0, failed = 0 } = worker;
  const wasReady = readyAt !== undefined || earlier?.isReady === true;
  const isReady = state === "idle" || state === "busy" || wasReady;
  const inFlight = worker.inFlight ?? (state === "busy" ? 1 : 0);
  const ended = completed + failed;
  const isSame = earlier !== null && earlier.ended === ended && earlier.inFlight === inFlight;
  const sameSince = Math.max(isSame ? earlier.sameSince : Math.min(worker.since, at), worker.since);
  const busyMs = worker.busyMs ?? null;
  return {
    ...{ startedAt, inFlight, ended, failed, isReady, busyMs },
    sameSince: Math.min(sameSince, at),
  };
}

/** Job-milliseconds since the last look. */
function spentMs(
  worker: WorkerStatus,
  now: WorkerMemory,
  earlier: WorkerMemory | null,
  times: LookTimes,
): number {
  if (!now.isReady || times.sinceMs === 0) return 0;
  if (now.busyMs !== null && (earlier === null || earlier.busyMs !== null))
    return Math.max(0, now.busyMs - (earlier?.busyMs ?? 0));
  return guessSpentMs(worker, now, earlier?.isReady === true ? earlier : null, times);
}

/** As far as two looks tell: exact for one job at a time and few changes. */
function guessSpentMs(
  worker: WorkerStatus,
  now: WorkerMemory,
  earlier: WorkerMemory | null,
  times: LookTimes,
): number {
  const { at, sinceMs } = times;
  const from = earlier === null ? Math.max(at - sinceMs, readyAt(worker, times)) : at - sinceMs;
  const since = Math.min(at, Math.max(from, worker.since));
  const before = earlier?.inFlight ?? 0;
  if (before > 0) {
    const isBusy = now.inFlight > 0;
    return isBusy ? ((at - from) * (before + now.inFlight)) / 2 : (since - from) * before;
  }
  const ended = now.ended - (earlier?.ended ?? 0);
  if (ended === 0) return (at - since) * now.inFlight;
  // Jobs came and went unseen.
  const most = (now.inFlight > 0 ? at : since) - from;
  return earlier === null ? most : Math.min(most * ended, ended * times.serviceMs);
}

/** Where the target does not say: as its present state began if that is its first, else some time since the last look. */
function readyAt(worker: WorkerStatus, { at, sinceMs }: LookTimes): number {
  if (worker.readyAt !== undefined) return worker.readyAt;
  const isFirst = (worker.completed ?? 0) + (worker.failed ?? 0) === 0;
  return isFirst ? Math.min(worker.since, at) : Math.max(worker.startedAt, at - sinceMs);
}
