/**
 * A recording of a live run: JSON Lines, the header first, then what happened, in any order. Times are milliseconds since
 * 1970 and may have fractions. A reader passes over lines of a type that it does not know, so that a later version may
 * add some.
 */
import { basename } from "node:path";
import { formatMs, type ScaleOptions } from "../../core/index.ts";
import type { Distribution } from "../distribution.ts";
import { createLoad, type Load } from "./load.ts";
import { loadError } from "./load-error.ts";
import { medianPause, pausesAfter } from "./turnaround.ts";

/** The first line. */
export interface RecordingHeader {
  readonly type: "recording";
  readonly version: 1;
  /** When the recording began. */
  readonly at: number;
  readonly queues: readonly string[];
  /** Jobs that one worker runs at a time. */
  readonly concurrency: number;
  /** Where the run had an objective. */
  readonly maxWaitMs?: number;
  /** What the workers were scaled by, as `sluice up` and `sluice demo` take it. */
  readonly scale?: ScaleOptions;
  /** Whether the broker told of each message. */
  readonly pushes?: boolean;
}

/** One attempt that ended. */
export interface RecordedAttempt {
  readonly type: "attempt";
  readonly queue: string;
  /** Of the message; the same for all attempts of a job. */
  readonly id: string;
  /** From 1. */
  readonly attempt: number;
  /** When the message could first be received: published, or its delay over. The same for all attempts of a job. */
  readonly readyAt: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly worker: string;
  readonly outcome: "done" | "failed" | "dead" | "released" | "lost";
}

/** A step of a worker's life. */
export interface RecordedWorker {
  readonly type: "worker";
  readonly id: string;
  readonly step: "requested" | "ready" | "draining" | "gone";
  readonly at: number;
}

/** A decision that changed the count, or its reason. */
export interface RecordedDecision {
  readonly type: "decision";
  readonly at: number;
  readonly from: number;
  readonly to: number;
  readonly rule: string;
  readonly code: string;
}

/** The last line of a recording that was ended in order. */
export interface RecordingEnd {
  readonly type: "end";
  readonly at: number;
}

/** Any line. */
export type RecordingLine =
  | RecordingHeader
  | RecordedAttempt
  | RecordedWorker
  | RecordedDecision
  | RecordingEnd;

/** What was measured live, to hold a simulation of the same load against. */
export interface ObservedRun {
  readonly jobs: number;
  readonly p95WaitMs: number;
  readonly maxWaitMs: number;
  /** From request to leaving, or to the end of the recording. */
  readonly workerSeconds: number;
  readonly peakWorkers: number;
}

/** A recording, ready to be simulated. */
export interface Recording {
  readonly header: RecordingHeader;
  readonly load: Load;
  readonly observed: ObservedRun;
  /** Start-up times as measured; null where no worker became ready. */
  readonly startup: Distribution | null;
  /** What workers took to leave when they had no job any more; null where none left. */
  readonly shutdown: Distribution | null;
}

interface JobRecord {
  readonly readyAt: number;
  firstStart: number;
  /** Of the attempt that ended well, or of the last. */
  serviceMs: number;
  isDone: boolean;
  failures: number;
  /** The end of that attempt. */
  endedAt: number;
}

interface WorkerRecord {
  requested: number;
  ready: number | null;
  draining: number | null;
  gone: number | null;
  /** Its first attempt, and the end of its last. */
  first: Pick<RecordedAttempt, "readyAt" | "startedAt"> | null;
  lastEnd: number;
}

/** Reads a recording. Throws `LOAD_INVALID` with the line. */
export async function readRecording(
  lines: AsyncIterable<string>,
  file: string,
): Promise<Recording> {
  const jobs = new Map<string, JobRecord>();
  const workers = new Map<string, WorkerRecord>();
  const attempts: RecordedAttempt[] = [];
  let header: RecordingHeader | null = null;
  let endAt = 0;
  let line = 0;
  for await (const text of lines) {
    line += 1;
    if (text.trim() === "") continue;
    const entry = parseLine(text, { file, line });
    if (header === null) {
      header = toHeader(entry, { file, line });
      continue;
    }
    endAt = Math.max(endAt, header.at, timeOf(entry, { file, line }));
    if (entry.type === "attempt") {
      attempts.push(entry);
      noteAttempt(jobs, entry);
      noteBusy(workers.get(entry.worker), entry);
    }
    if (entry.type === "worker") noteWorker(workers, entry);
  }
  if (header === null)
    throw loadError(
      { file, line: 1 },
      "a recording must begin with its header; the file is empty.",
    );
  if (jobs.size === 0)
    throw loadError(
      { file, line },
      "a recording must have at least one attempt; this one has none.",
    );
  const pauseMs = addPauses(jobs, attempts);
  return {
    header,
    load: toLoad(jobs, { file, header, endAt, pauseMs }),
    observed: observe(jobs, workers, endAt),
    startup: startupOf(workers),
    shutdown: shutdownOf(workers),
  };
}

function parseLine(
  text: string,
  position: { readonly file: string; readonly line: number },
): RecordingLine {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "type" in value)
      return value as RecordingLine;
  } catch {
    // Not JSON: reported below like any other line that is no entry.
  }
  throw loadError(
    position,
    'each line of a recording must be a JSON object with a "type". A run that was killed may leave half a last line; delete it.',
  );
}

function toHeader(
  entry: RecordingLine,
  position: { readonly file: string; readonly line: number },
): RecordingHeader {
  if (entry.type === "recording" && entry.version === 1 && Number.isFinite(entry.at)) return entry;
  throw loadError(
    position,
    'a recording must begin with {"type":"recording","version":1,…}. Another version needs another Sluice.',
  );
}

/** The time of an entry; checks those that are counted. */
function timeOf(
  entry: RecordingLine,
  position: { readonly file: string; readonly line: number },
): number {
  if (entry.type === "worker" && !(Number.isFinite(entry.at) && typeof entry.id === "string"))
    throw loadError(position, "a worker's step must have its id as a text and at as a number.");
  if (entry.type !== "attempt") return Number.isFinite(entry.at) ? entry.at : 0;
  const { readyAt, startedAt, endedAt } = entry;
  if (typeof entry.queue !== "string" || typeof entry.id !== "string")
    throw loadError(position, "an attempt must have its queue and its id as texts.");
  if (readyAt <= endedAt && startedAt <= endedAt && Number.isFinite(readyAt + startedAt + endedAt))
    return endedAt;
  throw loadError(
    position,
    "an attempt must have readyAt and startedAt as numbers up to its endedAt.",
  );
}

/** A job takes its worker until the next can begin, also where none was there to begin. Returns the usual pause. */
function addPauses(
  jobs: ReadonlyMap<string, JobRecord>,
  attempts: readonly RecordedAttempt[],
): number {
  const byWorker = new Map<string, RecordedAttempt[]>();
  for (const attempt of attempts) {
    const list = byWorker.get(attempt.worker) ?? [];
    byWorker.set(attempt.worker, list);
    list.push(attempt);
  }
  const lists = [...byWorker.values()];
  const pauses = lists.map(pausesAfter);
  const usual = medianPause(pauses.flat());
  for (const [place, list] of lists.entries())
    for (const [at, { queue, id, endedAt }] of list.entries()) {
      const job = jobs.get(`${queue}/${id}`);
      if (job?.endedAt === endedAt) job.serviceMs += pauses[place]?.[at] ?? usual;
    }
  return usual;
}

function noteAttempt(jobs: Map<string, JobRecord>, attempt: RecordedAttempt): void {
  const key = `${attempt.queue}/${attempt.id}`;
  const serviceMs = attempt.endedAt - attempt.startedAt;
  const job = jobs.get(key) ?? {
    ...{ readyAt: attempt.readyAt, firstStart: attempt.startedAt, serviceMs },
    ...{ isDone: false, failures: 0, endedAt: attempt.endedAt },
  };
  job.firstStart = Math.min(job.firstStart, attempt.startedAt);
  if (attempt.outcome === "failed") job.failures = Math.min(255, job.failures + 1);
  if (attempt.outcome === "done" || !job.isDone) {
    job.serviceMs = serviceMs;
    job.endedAt = attempt.endedAt;
  }
  job.isDone ||= attempt.outcome === "done";
  jobs.set(key, job);
}

function noteBusy(worker: WorkerRecord | undefined, attempt: RecordedAttempt): void {
  if (worker === undefined) return;
  worker.lastEnd = Math.max(worker.lastEnd, attempt.endedAt);
  if (attempt.startedAt < (worker.first?.startedAt ?? Number.POSITIVE_INFINITY))
    worker.first = attempt;
}

function noteWorker(workers: Map<string, WorkerRecord>, { id, step, at }: RecordedWorker): void {
  const worker = workers.get(id) ?? {
    ...{ requested: at, ready: null, draining: null, gone: null, first: null, lastEnd: 0 },
  };
  if (step === "requested") worker.requested = at;
  if (step === "ready") worker.ready = at;
  if (step === "draining") worker.draining = at;
  if (step === "gone") worker.gone = at;
  workers.set(id, worker);
}

function toLoad(
  jobs: ReadonlyMap<string, JobRecord>,
  run: {
    readonly file: string;
    readonly header: RecordingHeader;
    readonly endAt: number;
    readonly pauseMs: number;
  },
): Load {
  const sorted = [...jobs.values()].toSorted((a, b) => a.readyAt - b.readyAt);
  const originMs = Math.min(run.header.at, sorted[0]?.readyAt ?? run.header.at);
  const us = (ms: number): number => Math.max(0, Math.round(ms * 1000));
  const fails = sorted.some(({ failures }) => failures > 0);
  return createLoad({
    name: basename(run.file),
    arrivalUs: Float64Array.from(sorted, ({ readyAt }) => us(readyAt - originMs)),
    serviceUs: Float64Array.from(sorted, ({ serviceMs }) => us(serviceMs)),
    failures: fails ? Uint8Array.from(sorted, ({ failures }) => failures) : null,
    spanUs: us(run.endAt - originMs),
    originMs,
    notes: [
      `a recording of a live run; service times are those measured, up to when a worker could begin the next job (${formatMs(run.pauseMs)} later)`,
    ],
  });
}

function observe(
  jobs: ReadonlyMap<string, JobRecord>,
  workers: ReadonlyMap<string, WorkerRecord>,
  endAt: number,
): ObservedRun {
  const waits = [...jobs.values()]
    .map(({ firstStart, readyAt }) => Math.max(0, firstStart - readyAt))
    .toSorted((a, b) => a - b);
  const lives = [...workers.values()].map(({ requested, gone }) => ({
    from: requested,
    to: gone ?? endAt,
  }));
  return {
    jobs: waits.length,
    p95WaitMs: waits[Math.max(0, Math.ceil(0.95 * waits.length) - 1)] ?? 0,
    maxWaitMs: waits.at(-1) ?? 0,
    workerSeconds: lives.reduce((sum, { from, to }) => sum + (to - from) / 1000, 0),
    peakWorkers: mostAtOnce(lives),
  };
}

function mostAtOnce(lives: readonly { readonly from: number; readonly to: number }[]): number {
  const steps = lives
    .flatMap(({ from, to }) => [
      { at: from, by: 1 },
      { at: to, by: -1 },
    ])
    .toSorted((a, b) => a.at - b.at || a.by - b.by);
  let present = 0;
  let most = 0;
  for (const { by } of steps) {
    present += by;
    most = Math.max(most, present);
  }
  return most;
}

/** Up to the first job where that waited already, since a worker that says it is ready has yet to fetch it. */
function startupOf(workers: ReadonlyMap<string, WorkerRecord>): Distribution | null {
  const ms = [...workers.values()].flatMap(({ requested, ready, first }) => {
    if (ready === null) return [];
    const waited = first !== null && first.readyAt <= ready;
    return [Math.max(0, (waited ? Math.max(ready, first.startedAt) : ready) - requested)];
  });
  return measured(ms);
}

function shutdownOf(workers: ReadonlyMap<string, WorkerRecord>): Distribution | null {
  const ms = [...workers.values()].flatMap(({ draining, gone, lastEnd }) =>
    draining === null || gone === null ? [] : [Math.max(0, gone - Math.max(draining, lastEnd))],
  );
  return measured(ms);
}

function measured(ms: readonly number[]): Distribution | null {
  return ms.length === 0 ? null : { kind: "measured", ms };
}
