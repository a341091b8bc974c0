import type { QueueDepth } from "../../core/index.ts";
import type { RecordedJob } from "./record.ts";

/** How a demo went; printed by `--json`. Counts come from the handlers' own record and from the queue. */
export interface DemoSummary {
  readonly published: number;
  /** Different jobs that a handler has ended. */
  readonly completed: number;
  /** Published, but neither ended, dead nor still in the queue. */
  readonly lost: number;
  /** Jobs that were ended more than once. */
  readonly duplicates: number;
  readonly deadLettered: number;
  readonly peakWorkers: number;
  readonly finalWorkers: number;
  /** From the first publish, with no worker running, to the start of the first handler. */
  readonly zeroToFirstJobMs: number | null;
  readonly p50WaitMs: number | null;
  readonly p95WaitMs: number | null;
  /** The time that workers existed, added up. */
  readonly workerSeconds: number;
  readonly seconds: number;
}

/** What a summary is made from. */
export interface DemoFacts {
  readonly ids: readonly string[];
  readonly record: readonly RecordedJob[];
  readonly depth: QueueDepth;
  readonly publishedAt: number;
  readonly endedAt: number;
  readonly peakWorkers: number;
  readonly finalWorkers: number;
  readonly workerSeconds: number;
}

/** Counts what happened. */
export function summarize(facts: DemoFacts): DemoSummary {
  const published = new Set(facts.ids);
  const ours = facts.record.filter((job) => published.has(job.id));
  const completed = new Set(ours.map((job) => job.id)).size;
  const { ready, delayed, inFlight, dead } = facts.depth;
  const waiting = (ready ?? 0) + (delayed ?? 0) + (inFlight ?? 0);
  const waits = ours.map((job) => job.startedAt - job.publishedAt).sort((a, b) => a - b);
  const first = ours.reduce<number | null>(
    (least, { startedAt }) => Math.min(least ?? startedAt, startedAt),
    null,
  );
  return {
    published: published.size,
    completed,
    lost: Math.max(0, published.size - completed - (dead ?? 0) - waiting),
    duplicates: ours.length - completed,
    deadLettered: dead ?? 0,
    peakWorkers: facts.peakWorkers,
    finalWorkers: facts.finalWorkers,
    zeroToFirstJobMs: first === null ? null : Math.round(first - facts.publishedAt),
    p50WaitMs: percentile(waits, 0.5),
    p95WaitMs: percentile(waits, 0.95),
    workerSeconds: Math.round(facts.workerSeconds * 10) / 10,
    seconds: Math.round((facts.endedAt - facts.publishedAt) / 100) / 10,
  };
}

/** Whether the demo showed what it promises. */
export function isSuccess(summary: DemoSummary): boolean {
  return (
    summary.completed === summary.published && summary.lost === 0 && summary.finalWorkers === 0
  );
}

/** The nearest-rank percentile of a sorted list. */
function percentile(sorted: readonly number[], share: number): number | null {
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  return value === undefined ? null : Math.round(value);
}
