/** A ScaledJob's jobs as the workers that the objective knows, so that flows, start-up and service times are learnt alike. */
import type { JobStatus, JobTargetStatus } from "../../job-target.ts";
import { type TargetStatus, toTargetStatus, type WorkerStatus } from "../../target.ts";
import { remainingMs, type StartupView } from "../startup-times.ts";
import type { WorkerMemories } from "../worker-flow.ts";
import type { JobObjectivePolicy } from "./job-objective-policy.ts";

/** What the mapping goes by. Times in milliseconds. */
export interface JobView {
  readonly messagesPerJob: JobObjectivePolicy["messagesPerJob"];
  readonly at: number;
  /** What a start takes, for jobs that do not say when they are ready. */
  readonly startupMs: number;
  /** What a job takes, for those that came and went unseen. */
  readonly usualMs: number;
  /** Workers of the last look. */
  readonly before: WorkerMemories;
  /** Jobs that would not have ended now, had none ended since; null: not known. */
  readonly expected: number | null;
  /** Ids of the ended jobs that were listed at the last look. */
  readonly over: readonly string[];
}

/**
 * When a job takes its message, or its first one: when it is ready, by its own word or after a usual start. Null: it has
 * not begun to run.
 */
export function takesAt(job: JobStatus, startupMs: number): number | null {
  if (job.readyAt !== undefined) return job.readyAt;
  if (job.state === "pending" || (job.state === "running" && !job.ready)) return null;
  const at = beganAt(job) + startupMs;
  return job.endedAt === null ? at : Math.min(at, job.endedAt);
}

/** A job that has not started for so long does not get to: its message is given to another. */
const stuckMs = 60_000;

/** How long a job that starts still takes to its message; null: it is stuck. */
export function stillTakesMs(
  job: JobStatus,
  { at, startup }: { readonly at: number; readonly startup: StartupView },
): number | null {
  const age = at - beganAt(job);
  if (age > Math.max(stuckMs, startup.lostAfter)) return null;
  return remainingMs(startup, Math.min(age, startup.lostAfter));
}

/** A first try begins with the job, which may wait for a place to run. */
function beganAt({ createdAt, startedAt, failures }: JobStatus): number {
  return failures === 0 ? createdAt : (startedAt ?? createdAt);
}

/** Jobs that have just ended are among the workers as ones that leave, with what they did, and count as no replicas. */
export function jobsAsWorkers(status: JobTargetStatus, view: JobView): TargetStatus {
  const isOne = view.messagesPerJob === "one";
  const over = new Set(view.over);
  const jobs = status.jobs.filter(({ endedAt, id }) => endedAt === null || !over.has(id));
  const workers = jobs.map((job) => (isOne ? oneMessage : manyMessages)(job, view));
  return toTargetStatus(isOne ? [...workers, ...unseen(status.running, jobs, view)] : workers);
}

/** A job that runs has one message in hand; one that has ended is done with it. */
function oneMessage(job: JobStatus, { at, startupMs }: JobView): WorkerStatus {
  const readyAt = takesAt(job, startupMs);
  const base = { id: job.id, startedAt: beganAt(job), completed: 0, failed: 0, inFlight: 0 };
  if (job.endedAt !== null) {
    const isDone = job.state === "succeeded";
    const busyMs = readyAt === null ? 0 : job.endedAt - readyAt;
    return {
      ...{ ...base, ...(readyAt !== null && { readyAt }), busyMs: Math.max(0, busyMs) },
      ...{ state: "draining", since: job.endedAt },
      ...(isDone ? { completed: 1 } : { failed: 1 }),
    };
  }
  if (job.state === "pending" && job.failures > 0)
    return { ...base, state: "crashed", since: at, failed: 1, busyMs: 0 };
  if (readyAt === null || readyAt > at)
    return { ...base, state: "starting", since: base.startedAt, busyMs: 0 };
  return { ...base, state: "busy", since: readyAt, readyAt, inFlight: 1, busyMs: at - readyAt };
}

/** A job that runs is a worker like any other: what it does is known as far as it says so. */
function manyMessages(job: JobStatus, { at, startupMs }: JobView): WorkerStatus {
  const readyAt = takesAt(job, startupMs);
  const told = job.readyAt === undefined ? {} : { readyAt: job.readyAt };
  // Nothing is taken for worked on or ended by a job that does not say so: the counts of the queue tell.
  const base = { id: job.id, startedAt: beganAt(job), ...told, inFlight: 0, ...job.work };
  if (job.endedAt !== null) return { ...base, state: "draining", since: job.endedAt };
  if (job.state === "pending" && job.failures > 0) return { ...base, state: "crashed", since: at };
  if (readyAt === null || readyAt > at)
    return { ...base, state: "starting", since: base.startedAt };
  const isIdle = job.work !== undefined && job.work.inFlight === 0;
  return { ...base, state: isIdle ? "idle" : "busy", since: readyAt };
}

/** Jobs of one message that ended since the last look, had not been seen at work, and are in no history. */
function unseen(
  running: number,
  jobs: readonly JobStatus[],
  { at, before, usualMs, startupMs, expected }: JobView,
): readonly WorkerStatus[] {
  if (expected === null) return [];
  const listed = new Set(jobs.map(({ id }) => id));
  const told = jobs.filter(({ endedAt }) => endedAt !== null);
  const seen = Object.keys(before).filter((id) => !listed.has(id) && before[id]?.inFlight === 1);
  const count = Math.max(0, expected - running - told.length - seen.length);
  return Array.from({ length: count }, (_, index) => ({
    id: `unseen-${at}-${index}`,
    ...{ startedAt: at - usualMs - startupMs, readyAt: at - usualMs },
    ...{ state: "draining" as const, since: at, busyMs: usualMs },
    ...{ inFlight: 0, completed: 1, failed: 0 },
  }));
}
