import type { Load } from "../loads/load.ts";

/** What the bound by sessions is made from. */
export interface SessionQuery {
  readonly maxWaitUs: number;
  readonly startSeconds: number;
  readonly concurrency: number;
  readonly mayBeLate: number;
}

/**
 * A lower bound that counts whole workers, for loads so sparse that less than one is busy on average.
 *
 * The life of a worker that works the jobs from i to j costs its start C and then at least its share of the work, and at
 * least the time from the deadline of i, when it must be ready, to the end of j: r = max(s, a_j − a_i − W + s), with s the
 * shortest service. Hence at least C + θ·work + (1 − θ)·r for any θ from 0 to 1. Work adds up to a constant; and since r
 * grows with the span alone, jobs that several workers share in turn can be shared out again without interleaving at no
 * higher cost. The best split of the row of jobs is found by dynamic programming in linear time. Jobs that may be late are
 * left out at a price λ each (Lagrange), which bounds from below for any λ. The highest over θ and λ is returned, in
 * worker-seconds.
 */
export function sessionBound(load: Load, query: SessionQuery): number {
  const { serviceUs } = load;
  let workUs = 0;
  let shortestUs = Number.POSITIVE_INFINITY;
  for (const service of serviceUs) {
    workUs += service;
    shortestUs = Math.min(shortestUs, service);
  }
  const workSeconds = workUs / 1e6 / query.concurrency;
  const shortestSeconds = Math.min(shortestUs / 1e6, workSeconds);
  let best = 0;
  for (const theta of [0, 0.25, 0.5, 0.75, 1]) {
    const session = query.startSeconds + (1 - theta) * shortestSeconds;
    const prices = query.mayBeLate === 0 ? [Number.POSITIVE_INFINITY] : pricesUpTo(2 * session);
    for (const price of prices) {
      const exempt = query.mayBeLate === 0 ? 0 : price * query.mayBeLate;
      const split = bestSplit(load, { ...query, session, price, slope: 1 - theta });
      best = Math.max(best, theta * workSeconds + split - exempt);
    }
  }
  return best;
}

function pricesUpTo(most: number): readonly number[] {
  return Array.from({ length: 9 }, (_, step) => (most * step) / 8);
}

interface SplitQuery extends SessionQuery {
  /** What a session costs at least. */
  readonly session: number;
  /** What each second costs that its jobs are further apart than the objective. */
  readonly slope: number;
  /** What leaving out a job costs. */
  readonly price: number;
}

/** f[j + 1] = min(f[j] + price, min over i of f[i] + session + slope·max(0, a_j − a_i − W)); f never falls. */
function bestSplit({ arrivalUs }: Load, { session, slope, price, maxWaitUs }: SplitQuery): number {
  const cost = new Float64Array(arrivalUs.length + 1);
  let withinFrom = 0;
  /** The least of f[i] − slope·a_i among those that lie further back than the objective. */
  let further = Number.POSITIVE_INFINITY;
  for (let job = 0; job < arrivalUs.length; job += 1) {
    const at = arrivalUs[job] as number;
    while ((arrivalUs[withinFrom] as number) < at - maxWaitUs) {
      const from = (arrivalUs[withinFrom] as number) / 1e6;
      further = Math.min(further, (cost[withinFrom] as number) - slope * from);
      withinFrom += 1;
    }
    const near = (cost[withinFrom] as number) + session;
    const far = further + session + (slope * (at - maxWaitUs)) / 1e6;
    cost[job + 1] = Math.min(near, far, (cost[job] as number) + price);
  }
  return cost[arrivalUs.length] ?? 0;
}
