import { availableParallelism } from "node:os";
import { SluiceError } from "../../core/index.ts";
import type { BrokerModel, WorkerModel } from "../engine/models.ts";
import { firstFrom, jobCount, type Load } from "../loads/load.ts";
import { type TrialResult, type TuneSubject, tunableOf } from "./evaluate.ts";
import type { Parameter } from "./parameter.ts";
import { paretoFront, type Score, scoreOf, search } from "./search.ts";
import { openTrialPool, type TrialPool } from "./trial-pool.ts";

/** What is tuned, on what. */
export interface TuneOptions {
  readonly subject: TuneSubject;
  readonly load: Load;
  readonly maxWaitMs: number;
  /** The share of jobs that must keep it, from 0 to 1. Default 0.95. */
  readonly share?: number;
  /** Candidates to try. Default 300. */
  readonly candidates?: number;
  /** Parts of equal time that the load is cut into. The last is held out; a load of one fold has none. Default 4. */
  readonly folds?: number;
  readonly seed?: number;
  readonly workers?: WorkerModel;
  readonly broker?: BrokerModel;
  /** Default: one for each processor. */
  readonly threads?: number;
}

/** A setting, and how it did where it was chosen and where it was not. */
export interface TunedSetting {
  readonly values: readonly number[];
  readonly training: Score;
  /** On the fold that was held out; null where there is none. */
  readonly heldOut: Score | null;
}

/** What a search came to. */
export interface TuneResult {
  readonly parameters: readonly Parameter[];
  readonly current: TunedSetting;
  readonly best: TunedSetting;
  /** Settings that no other beats in both cost and late jobs, in training; the cheapest first. */
  readonly pareto: readonly TunedSetting[];
  readonly tried: number;
  readonly threads: number;
  /** Where the held-out fold begins, in microseconds; null where there is none. */
  readonly heldOutFromUs: number | null;
}

/**
 * Searches the parameters of a ScaledObject for the cheapest that keep the objective on every fold for training, and says
 * how they do on the fold that was held out. The same seed finds the same, on any number of threads.
 * Throws `OPTION_INVALID` where a fold would have no jobs.
 */
export async function tune(options: TuneOptions): Promise<TuneResult> {
  const { subject, load, maxWaitMs, seed = 1, share = 0.95, candidates = 300 } = options;
  const { workers = {}, broker = {}, threads = availableParallelism() } = options;
  const foldEdgesUs = foldEdges(load, options.folds ?? 4);
  const lateShare = 1 - share;
  const { parameters } = tunableOf(subject);
  const pool = openTrialPool(
    { subject, load, foldEdgesUs, maxWaitMs, seed, workers, broker },
    threads,
  );
  try {
    const folds = foldEdgesUs.slice(1).map((_, fold) => fold);
    const training = folds.length > 1 ? folds.slice(0, -1) : folds;
    const heldOut = folds.length > 1 ? (folds.at(-1) ?? null) : null;
    const busiest = busiestFirst(load, foldEdgesUs, training);
    const tried = await search({
      pool,
      parameters,
      folds: busiest,
      budget: candidates,
      lateShare,
      seed,
    });
    const front = paretoFront(tried).slice(0, 12);
    const settings = [null, tried[0]?.values ?? null, ...front.map(({ values }) => values)];
    const [current, best, ...pareto] = await judge(pool, settings, {
      training,
      heldOut,
      lateShare,
    });
    if (current === undefined || best === undefined) throw new RangeError("nothing was tried");
    const heldOutFromUs = heldOut === null ? null : (foldEdgesUs[heldOut] ?? null);
    return {
      parameters,
      current,
      best,
      pareto,
      tried: candidates,
      threads: pool.threads,
      heldOutFromUs,
    };
  } finally {
    await pool.close();
  }
}

/** Runs settings on the training folds and on the one that was held out; null is the policy as it is. */
async function judge(
  pool: TrialPool,
  settings: readonly (readonly number[] | null)[],
  on: {
    readonly training: readonly number[];
    readonly heldOut: number | null;
    readonly lateShare: number;
  },
): Promise<readonly TunedSetting[]> {
  const folds = on.heldOut === null ? on.training : [...on.training, on.heldOut];
  const trials = settings.flatMap((values) => folds.map((fold) => ({ values, fold })));
  const results = await pool.run(trials);
  return settings.map((values, place) => {
    const own: readonly TrialResult[] = results.slice(
      place * folds.length,
      (place + 1) * folds.length,
    );
    const trained = own.slice(0, on.training.length);
    const held = own.slice(on.training.length);
    return {
      values: values ?? [],
      training: scoreOf(trained, on.lateShare),
      heldOut: on.heldOut === null ? null : scoreOf(held, on.lateShare),
    };
  });
}

function foldEdges(load: Load, folds: number): readonly number[] {
  const edges = Array.from({ length: folds + 1 }, (_, place) =>
    place === folds ? load.spanUs + 1 : Math.floor((load.spanUs * place) / folds),
  );
  const isEmpty = edges
    .slice(1)
    .some(
      (to, place) => firstFrom(load.arrivalUs, to) === firstFrom(load.arrivalUs, edges[place] ?? 0),
    );
  if (!isEmpty && jobCount(load) > 0) return edges;
  throw new SluiceError(
    "OPTION_INVALID",
    `each of the ${folds} folds of the load must have jobs; one has none. Ask for fewer folds, or take a longer load.`,
  );
}

function busiestFirst(
  { arrivalUs, serviceUs }: Load,
  edgesUs: readonly number[],
  folds: readonly number[],
): readonly number[] {
  const work = folds.map((fold) => {
    const from = firstFrom(arrivalUs, edgesUs[fold] ?? 0);
    const to = firstFrom(arrivalUs, edgesUs[fold + 1] ?? 0);
    return serviceUs.subarray(from, to).reduce((sum, service) => sum + service, 0);
  });
  return folds.toSorted((a, b) => (work[b] ?? 0) - (work[a] ?? 0) || a - b);
}
