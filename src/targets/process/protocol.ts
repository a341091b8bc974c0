/**
 * What a worker process and the target that started it say to each other over Node's IPC channel. Both sides take what
 * they hear as unknown and pass over what they do not understand, because a worker's own code may send things too.
 */

/** From a worker: it has started and may get jobs. */
export interface ReadyMessage {
  readonly type: "ready";
}

/** From a worker: what it does now, and what it did since it was started. */
export interface ActivityMessage {
  readonly type: "activity";
  readonly inFlight: number;
  readonly completed: number;
  readonly failed: number;
  /** Milliseconds that jobs have run in it so far, added up over all of them. */
  readonly busyMs?: number;
  /** Milliseconds that the oldest of the jobs that run in it now has run; absent when none does. */
  readonly oldestMs?: number;
}

/** What a worker says. */
export type WorkerMessage = ReadyMessage | ActivityMessage;

/** To a worker: take no more jobs, finish those you have within the grace, then exit. */
export interface DrainMessage {
  readonly type: "drain";
  readonly graceMs: number;
}

/** Which worker of its target a process is, such as `w1`. */
export const workerIdVariable = "SLUICE_WORKER_ID";

/** The message of a worker, or null for anything else. */
export function decodeWorkerMessage(value: unknown): WorkerMessage | null {
  if (!isRecord(value)) return null;
  const { type, inFlight, completed, failed, busyMs, oldestMs } = value;
  if (type === "ready") return { type };
  if (type !== "activity") return null;
  if (!isCount(inFlight) || !isCount(completed) || !isCount(failed)) return null;
  const activity = { type, inFlight, completed, failed } as const;
  return {
    ...activity,
    ...(isCount(busyMs) && { busyMs }),
    ...(isCount(oldestMs) && { oldestMs }),
  };
}

/** The message to a worker, or null for anything else. */
export function decodeDrainMessage(value: unknown): DrainMessage | null {
  if (!isRecord(value)) return null;
  const { type, graceMs } = value;
  return type === "drain" && isCount(graceMs) ? { type, graceMs } : null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
