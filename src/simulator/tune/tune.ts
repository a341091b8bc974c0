import { availableParallelism } from "node:os";
import { SluiceError } from "../../core/index.ts";
import type { BrokerModel, WorkerModel } from "../engine/models.ts";
import { firstFrom, jobCount, type Load } from "../loads/load.ts";
import { type TrialResult, type TuneSubject, tunableOf } from "./evaluate.ts";
import type { Parameter, Setting } from "./parameter.ts";
import { paretoFront, type Score, scoreOf, search, thinned } from "./search.ts";
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
  /** Parts of equal time that the load is cut into. Default 4. */
  readonly folds?: number;
  /** How many of the last folds the search does not see, and is judged on. Default 1, or 0 where there is one fold alone. */
  readonly heldOut?: number;
  readonly seed?: number;
  readonly workers?: WorkerModel;
  readonly broker?: BrokerModel;
  /** Default: one for each processor. */
  readonly threads?: number;
}

/** A setting, and how it did where it was chosen and where it was not. */
export interface TunedSetting {
  readonly values: readonly Setting[];
  readonly training: Score;
  /** On the folds that were held out; null where there are none. */
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
  /** Where the held-out folds begin, in microseconds; null where there are none. */
  readonly heldOutFromUs: number | null;
}

/**
 * Searches the parameters of a policy for the cheapest that keep the objective on every fold for training, and says how they
 * do on the folds that were held out. The same seed finds the same, on any number of threads.
 * Throws `OPTION_INVALID` where a fold would have no jobs, or none would be left to train on.
 */
export async function tune(options: TuneOptions): Promise<TuneResult> {
  const { subject, load, maxWaitMs, seed = 1, share = 0.95, candidates = 300 } = options;
  const { workers = {}, broker = {}, threads = availableParallelism() } = options;
  const { folds: foldCount = 4, heldOut: heldOutCount = foldCount > 1 ? 1 : 0 } = options;
  if (heldOutCount >= foldCount)
    throw new SluiceError(
      "OPTION_INVALID",
      `at least one fold must be left to train on; ${heldOutCount} of ${foldCount} are held out. Ask for more folds.`,
    );
  const foldEdgesUs = foldEdges(load, foldCount);
  const lateShare = 1 - share;
  // Plain data alone.
  const parameters = tunableOf(subject).parameters.map(
    ({ name, heading, values, current }): Parameter => ({ name, heading, values, current }),
  );
  const pool = openTrialPool(
    { subject, load, foldEdgesUs, maxWaitMs, seed, workers, broker },
    threads,
  );
  try {
    const folds = foldEdgesUs.slice(1).map((_, fold) => fold);
    const training = folds.slice(0, folds.length - heldOutCount);
    const heldOut = folds.slice(training.length);
    const busiest = busiestFirst(load, foldEdgesUs, training);
    const tried = await search({
      pool,
      parameters,
      folds: busiest,
      budget: candidates,
      lateShare,
      seed,
    });
    const front = thinned(paretoFront(tried), mostShown);
    const settings = [null, tried[0]?.values ?? null, ...front.map(({ values }) => values)];
    const [current, best, ...pareto] = await judge(pool, settings, {
      training,
      heldOut,
      lateShare,
    });
    if (current === undefined || best === undefined) throw new RangeError("nothing was tried");
    const [firstHeldOut] = heldOut;
    const heldOutFromUs = firstHeldOut === undefined ? null : (foldEdgesUs[firstHeldOut] ?? null);
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

/** Settings of the front that are judged. */
const mostShown = 12;

/** Runs settings on the training folds and on those that were held out; null is the policy as it is. */
async function judge(
  pool: TrialPool,
  settings: readonly (readonly Setting[] | null)[],
  on: {
    readonly training: readonly number[];
    readonly heldOut: readonly number[];
    readonly lateShare: number;
  },
): Promise<readonly TunedSetting[]> {
  const folds = [...on.training, ...on.heldOut];
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
      heldOut: held.length === 0 ? null : scoreOf(held, on.lateShare),
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
