/**
 * The least worker-seconds that any policy can pay for a load under an objective, even one that knows the future and may
 * use fractions of workers. True of every policy whose late jobs are no more than `lateShare` and that kills no worker
 * with jobs. The highest of three bounds counts: the linear program is near where many workers run, the sessions where less
 * than one does, whole workers where a few run that take several jobs each.
 */
import { type Distribution, leastMs } from "../distribution.ts";
import type { Load } from "../loads/load.ts";
import { jobCount, totalWorkUs } from "../loads/load.ts";
import { buildEnvelopes } from "./envelopes.ts";
import { solveProgram } from "./linear-program.ts";
import { sessionBound } from "./sessions.ts";
import { wholeWorkerBound } from "./whole-workers.ts";

/** What the bound is asked for. */
export interface BoundQuery {
  readonly load: Load;
  readonly maxWaitMs: number;
  /** The share of jobs that may wait longer. Default 0.05: the objective is one of the 95th percentile. */
  readonly lateShare?: number;
  /** Jobs that a worker runs at a time. */
  readonly concurrency: number;
  /** Each start costs its duration where it is billed; one that varies counts with its least. */
  readonly startup: Distribution;
  readonly billing: "request" | "ready";
  /** Workers that are there at the beginning, at no cost of a start. */
  readonly initialReplicas: number;
}

/** See the top of this file. */
export interface LowerBound {
  readonly workerSeconds: number;
  /** Which of the bounds is the highest: the work itself, the linear program, sessions of single workers, or whole workers. */
  readonly method: "work" | "linear-program" | "sessions" | "whole-workers";
  readonly lateShare: number;
  /** The same where no job may be late. */
  readonly strictWorkerSeconds: number;
  /** The workers that the linear program would have over time where no job may be late; null where it was not solved. */
  readonly needed: { readonly columnMs: number; readonly workers: readonly number[] } | null;
}

/** Columns of time of the linear program: more say no more where there are few jobs. */
const binsFor = (jobs: number): number => Math.min(800, 100 + 4 * jobs);

/**
 * The bound of a load. Where the package `highs` is not installed, the linear program is left out, which the method says.
 *
 * @example
 * const bound = await lowerBound({
 *   load: generateLoad("spike"),
 *   maxWaitMs: 30_000,
 *   concurrency: 1,
 *   startup: constant(10_000),
 *   billing: "request",
 *   initialReplicas: 0,
 * });
 */
export async function lowerBound(query: BoundQuery): Promise<LowerBound> {
  const { lateShare = 0.05 } = query;
  const strict = await boundFor(query, 0);
  const loose = lateShare === 0 ? strict : await boundFor(query, lateShare);
  return {
    ...{ workerSeconds: loose.workerSeconds, method: loose.method, lateShare },
    ...{ strictWorkerSeconds: strict.workerSeconds, needed: strict.needed },
  };
}

type OneBound = Pick<LowerBound, "workerSeconds" | "method" | "needed">;

async function boundFor(query: BoundQuery, lateShare: number): Promise<OneBound> {
  const { load, concurrency, initialReplicas } = query;
  const workSeconds = totalWorkUs(load) / 1e6 / concurrency;
  const startSeconds = query.billing === "request" ? leastMs(query.startup) / 1000 : 0;
  const work: OneBound = { workerSeconds: workSeconds, method: "work", needed: null };
  if (startSeconds === 0 || jobCount(load) === 0) return work;
  const mayBeLate = Math.floor(lateShare * jobCount(load));
  const maxWaitUs = query.maxWaitMs * 1000;
  const sessionSeconds = sessionBound(load, { maxWaitUs, startSeconds, concurrency, mayBeLate });
  const sessions: OneBound = {
    ...{ method: "sessions", needed: null },
    workerSeconds: sessionSeconds - startSeconds * initialReplicas,
  };
  const whole: OneBound = {
    ...{ method: "whole-workers", needed: null },
    workerSeconds: wholeBound(query, { startSeconds, mayBeLate }),
  };
  const envelopes = buildEnvelopes(load, { maxWaitUs, bins: binsFor(jobCount(load)), mayBeLate });
  const program = await solveProgram({ envelopes, startSeconds, concurrency, initialReplicas });
  if (program === null) return highest([work, sessions, whole]);
  const needed = { columnMs: envelopes.binSeconds * 1000, workers: program.workers };
  const solved: OneBound = { workerSeconds: program.cost, method: "linear-program", needed };
  return { ...highest([work, sessions, whole, solved]), needed };
}

/** Beyond so many busy workers on average the linear program is near enough. */
const manyWorkers = 8;
const mostBins = 20_000;
const budget = 4e7;

function wholeBound(
  { load, maxWaitMs, concurrency, initialReplicas }: BoundQuery,
  terms: { readonly startSeconds: number; readonly mayBeLate: number },
): number {
  const busy = totalWorkUs(load) / concurrency / Math.max(1, load.spanUs);
  if (busy > manyWorkers || maxWaitMs === 0) return 0;
  const maxWaitUs = maxWaitMs * 1000;
  const bins = Math.min(mostBins, Math.ceil((8 * load.spanUs) / maxWaitUs));
  const envelopes = buildEnvelopes(load, { maxWaitUs, bins, mayBeLate: terms.mayBeLate });
  return wholeWorkerBound({
    ...{ envelopes, concurrency, initialReplicas, budget },
    startSeconds: terms.startSeconds,
  });
}

function highest(bounds: readonly OneBound[]): OneBound {
  return bounds.reduce((most, one) => (one.workerSeconds > most.workerSeconds ? one : most));
}
