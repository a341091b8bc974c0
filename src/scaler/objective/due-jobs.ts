/**
 * Delayed jobs are arrivals that are known in advance: when they become ready, and by when they must be started. A worker
 * that is ready before they are can do nothing for them, so it is asked for one start ahead of that and not earlier; one
 * that is there is kept while that is cheaper than another start (ski rental with a known end).
 */

import type { MetricSample } from "../trigger.ts";
import type { Demand } from "./envelope.ts";

/** So many jobs become ready `inMs` from now, or a little later. */
export interface DueJobs {
  readonly inMs: number;
  readonly count: number;
}

/** How finely the time ahead is divided. */
const steps = 16;

/** The times from now at which delayed jobs have to be counted, for jobs up to `horizonMs` ahead. */
export function dueEdges(horizonMs: number): readonly number[] {
  return Array.from({ length: steps }, (_, index) => Math.ceil(((index + 1) * horizonMs) / steps));
}

/** The delayed jobs of all samples in order, `ageMs` after they were read; null where counts make no sense. */
export function dueJobsOf(
  samples: readonly MetricSample[],
  ageMs: number,
): readonly DueJobs[] | null {
  const counts = new Map<number, number>();
  for (const { due = [] } of samples) {
    let [fromMs, before] = [0, 0];
    for (const { inMs, count } of due) {
      if (!(count >= before && Number.isFinite(count) && inMs >= fromMs)) return null;
      // Of the time between two edges the beginning counts: nobody is late for that.
      if (count > before) counts.set(fromMs, (counts.get(fromMs) ?? 0) + count - before);
      [fromMs, before] = [inMs, count];
    }
  }
  return [...counts]
    .map(([inMs, count]) => ({ inMs: Math.max(0, inMs - ageMs), count }))
    .sort((a, b) => a.inMs - b.inMs);
}

/** What the demands of delayed jobs are worked out from. */
export interface DueTerms {
  /** Jobs that wait already. */
  readonly waiting: number;
  readonly aimMs: number;
  /** Jobs that become ready later are not looked at. */
  readonly withinMs: number;
}

/** What must be started from each due time on, by the deadline of that time's jobs and of each later one. */
export function dueDemands(jobs: readonly DueJobs[], terms: DueTerms): readonly Demand[] {
  const { waiting, aimMs, withinMs } = terms;
  const near = jobs.filter(({ inMs }) => inMs <= withinMs);
  const demands: Demand[] = [];
  const starts = near.length === 0 ? [] : [{ inMs: 0, before: waiting, from: 0 }];
  for (const [from, { inMs }] of near.entries()) starts.push({ inMs, before: 0, from });
  for (const { inMs: fromMs, before, from } of starts) {
    let due = before;
    for (const { inMs, count } of near.slice(from)) {
      due += count;
      demands.push({ tauMs: inMs + aimMs, due, isKnown: true, fromMs });
    }
  }
  return demands;
}

/** When workers are worth keeping for delayed jobs. */
export interface KeepTerms {
  readonly aimMs: number;
  /** What another start costs, in the time of a worker. */
  readonly startCostMs: number;
  /** How long a job can wait before a worker must be asked for. */
  readonly slackMs: number;
  readonly concurrency: number;
  readonly serviceMs: number;
}

/**
 * How many workers are worth keeping for jobs that become ready sooner than another start would have paid: as many as those
 * need together; and one where even a lone job, which could wait, must be started sooner than that.
 */
export function workersForDue(jobs: readonly DueJobs[], terms: KeepTerms): number {
  const { aimMs, startCostMs, slackMs, concurrency, serviceMs } = terms;
  let most = 0;
  const demands = dueDemands(jobs, { aimMs, withinMs: startCostMs, waiting: 0 });
  for (const { fromMs = 0, tauMs, due } of demands)
    most = Math.max(most, due / (concurrency * (1 + (tauMs - fromMs) / serviceMs)));
  const isSoon = jobs.some(({ inMs, count }) => count > 0 && inMs + slackMs <= startCostMs);
  return Math.max(isSoon ? 1 : 0, Math.floor(most + 0.5));
}
