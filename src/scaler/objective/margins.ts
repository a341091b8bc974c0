/**
 * Slow feedback from the share of late jobs to the margins; never to the main loop.
 *
 * theta: the share of the objective that is aimed at. Adaptive conformal inference (Gibbs & Candès, 2021): one number moved by
 * the miss makes the long-run share of misses what was asked for, whatever the load.
 * reserve: workers kept beyond need where a start takes longer than the objective. It fades with a half-life of 30 minutes,
 * and misses of the first look at a change of load, which no reserve would have met, do not feed it.
 */
export interface Margins {
  readonly theta: number;
  readonly reserve: number;
}

/** What happened since the last look, and what is asked for. */
export interface MarginFeedback {
  /** Jobs that were started, and those of them that had waited too long. */
  readonly started: number;
  readonly late: number;
  readonly elapsedMs: number;
  readonly lateShare: number;
  readonly isAdaptive: boolean;
  /** Whether a start takes longer than the wait that is aimed at. */
  readonly isOutOfReach: boolean;
  /** Whether the load has just changed. */
  readonly isChange: boolean;
}

/** The share of the allowed misses that is used. */
const budgetUse = 0.5;
const mostReserve = 3;
const halfLifeMs = 30 * 60_000;

/** The margins after a look. */
export function adjustMargins(margins: Margins, feedback: MarginFeedback): Margins {
  const { started, late, elapsedMs, lateShare, isAdaptive, isOutOfReach, isChange } = feedback;
  const miss = started > 0 ? late / started - lateShare * budgetUse : 0;
  const theta = isAdaptive
    ? clamp(margins.theta - 0.01 * Math.min(started, 50) * miss, 0.4, 1)
    : margins.theta;
  if (!isOutOfReach) return { theta, reserve: 0 };
  const faded = margins.reserve * 0.5 ** (elapsedMs / halfLifeMs);
  const fed = isChange ? 0 : 0.002 * Math.min(started, 200) * miss;
  return { theta, reserve: clamp(faded + fed, 0, mostReserve) };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
