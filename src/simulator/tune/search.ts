/**
 * Random search, then local search, by successive halving: many candidates are tried on the fold with the most work, the
 * best third of them on all folds for training, and then neighbours of the best, until the budget of trials is spent. At
 * last each change of the best that has no good effect is taken back. All candidates meet the same load and the same random numbers, so that their difference is theirs alone.
 */
import { type Random, randomStream } from "../random.ts";
import type { TrialResult } from "./evaluate.ts";
import {
  type Candidate,
  currentCandidate,
  type Parameter,
  type Setting,
  valuesOf,
} from "./parameter.ts";
import type { TrialPool } from "./trial-pool.ts";

/** What is searched, and how long. */
export interface SearchOptions {
  readonly pool: TrialPool;
  readonly parameters: readonly Parameter[];
  /** Folds to train on, the one with the most work first. */
  readonly folds: readonly number[];
  /** Candidates to try. */
  readonly budget: number;
  /** The share of jobs of a fold that may be late. */
  readonly lateShare: number;
  readonly seed: number;
}

/** A candidate that was tried on all folds for training. */
export interface Tried {
  readonly values: readonly Setting[];
  readonly results: readonly TrialResult[];
  readonly score: Score;
}

/** How good a candidate is: first that no fold has too many late jobs, then what it costs. */
export interface Score {
  /** By how much the worst fold is above the share of late jobs, 0 where none is. */
  readonly excess: number;
  readonly late: number;
  readonly jobs: number;
  readonly workerSeconds: number;
  readonly starts: number;
  readonly kills: number;
}

/** A start beyond its start-up costs the platform something too: as much as this many worker-seconds, when costs are compared. */
const churnSeconds = 0.5;

/** Tries candidates; the best first. The first candidate is the policy as it is. */
export async function search(options: SearchOptions): Promise<readonly Tried[]> {
  const { parameters, folds, budget, seed } = options;
  const random = randomStream(seed, "search");
  const seen = new Set<string>();
  const fresh = (candidate: Candidate): boolean => {
    const key = candidate.join();
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  };
  const wide = Math.max(1, Math.floor(budget * (folds.length > 1 ? 0.7 : 0.5)));
  const first = [
    currentCandidate(parameters),
    ...Array.from({ length: wide }, () => drawn(parameters, random)),
  ].filter(fresh);
  const screened = await tryOn(options, first, folds.slice(0, 1));
  const kept = folds.length > 1 ? screened.slice(0, Math.ceil(screened.length / 3)) : screened;
  let tried = folds.length > 1 ? await complete(options, kept) : kept;
  let left = budget - first.length;
  while (left > 0) {
    const parents = tried.slice(0, 6).map(({ candidate }) => candidate);
    const children = Array.from({ length: Math.min(left, 24) }, (_, place) =>
      neighbour(parameters, parents[place % parents.length] ?? [], random),
    ).filter(fresh);
    left -= Math.max(1, Math.min(left, 24));
    tried = [...tried, ...(await tryOn(options, children, folds))].toSorted(byScore);
  }
  const [best, ...others] = tried;
  return best === undefined ? [] : [await tidied(options, best), ...others];
}

/** Takes back each change that has no good effect, so that what is left to write down is what matters. */
async function tidied(options: SearchOptions, best: OnCandidate): Promise<OnCandidate> {
  const { parameters, folds } = options;
  const present = currentCandidate(parameters);
  let tidy = best;
  for (const place of parameters.keys()) {
    const value = present[place];
    if (value === undefined || value === tidy.candidate[place]) continue;
    const [without] = await tryOn(options, [tidy.candidate.with(place, value)], folds);
    if (without !== undefined && byScore(without, tidy) <= 0) tidy = without;
  }
  return tidy;
}

interface OnCandidate extends Tried {
  readonly candidate: Candidate;
}

async function tryOn(
  options: SearchOptions,
  candidates: readonly Candidate[],
  folds: readonly number[],
): Promise<readonly OnCandidate[]> {
  const settings = candidates.map((candidate) => ({
    candidate,
    values: valuesOf(options.parameters, candidate),
  }));
  const trials = settings.flatMap(({ values }) => folds.map((fold) => ({ values, fold })));
  const results = await options.pool.run(trials);
  const tried = settings.map(({ candidate, values }, place) => {
    const own = results.slice(place * folds.length, (place + 1) * folds.length);
    return { candidate, values, results: own, score: scoreOf(own, options.lateShare) };
  });
  return tried.toSorted(byScore);
}

/** Tries on the other folds what was tried on the first. */
async function complete(
  options: SearchOptions,
  screened: readonly OnCandidate[],
): Promise<readonly OnCandidate[]> {
  const others = options.folds.slice(1);
  const trials = screened.flatMap(({ values }) => others.map((fold) => ({ values, fold })));
  const results = await options.pool.run(trials);
  const tried = screened.map((one, place) => {
    const all = [
      ...one.results,
      ...results.slice(place * others.length, (place + 1) * others.length),
    ];
    return { ...one, results: all, score: scoreOf(all, options.lateShare) };
  });
  return tried.toSorted(byScore);
}

/** What results on several folds come to. */
export function scoreOf(results: readonly TrialResult[], lateShare: number): Score {
  const sum = (figure: (result: TrialResult) => number): number =>
    results.reduce((total, result) => total + figure(result), 0);
  const excess = results.map(({ late, jobs }) => (jobs === 0 ? 0 : late / jobs - lateShare));
  return {
    excess: Math.max(0, ...excess),
    late: sum(({ late }) => late),
    jobs: sum(({ jobs }) => jobs),
    workerSeconds: sum(({ workerSeconds }) => workerSeconds),
    starts: sum(({ starts }) => starts),
    kills: sum(({ kills }) => kills),
  };
}

function byScore(a: Tried, b: Tried): number {
  const cost = ({ score }: Tried): number => score.workerSeconds + churnSeconds * score.starts;
  return a.score.excess - b.score.excess || cost(a) - cost(b);
}

function drawn(parameters: readonly Parameter[], random: Random): Candidate {
  return parameters.map(({ values }) => Math.floor(random() * values.length));
}

/** One or two parameters a step or two away. */
function neighbour(parameters: readonly Parameter[], from: Candidate, random: Random): Candidate {
  const changed = [...from];
  for (let change = random() < 0.5 ? 1 : 2; change > 0; change -= 1) {
    const place = Math.floor(random() * parameters.length);
    const last = (parameters[place]?.values.length ?? 1) - 1;
    const step = (random() < 0.7 ? 1 : 2) * (random() < 0.5 ? 1 : -1);
    changed[place] = Math.min(last, Math.max(0, (changed[place] ?? 0) + step));
  }
  return changed;
}

/** At most as many of a front, evenly from the cheapest to the one with the fewest late jobs, both included. */
export function thinned<T>(front: readonly T[], most: number): readonly T[] {
  const step = (front.length - 1) / (most - 1);
  const places = new Set(Array.from({ length: most }, (_, place) => Math.round(place * step)));
  return front.length <= most ? front : front.filter((_, place) => places.has(place));
}

/** Those that no other beats in both cost and late jobs, the cheapest first. */
export function paretoFront(tried: readonly Tried[]): readonly Tried[] {
  const byCost = tried.toSorted(
    (a, b) => a.score.workerSeconds - b.score.workerSeconds || a.score.late - b.score.late,
  );
  let fewest = Number.POSITIVE_INFINITY;
  return byCost.filter(({ score }) => {
    if (score.late >= fewest) return false;
    fewest = score.late;
    return true;
  });
}
