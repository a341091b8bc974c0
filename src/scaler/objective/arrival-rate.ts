/** Arrivals per second: as of late, and over a longer time. */
export interface ArrivalRate {
  readonly fast: number;
  readonly slow: number;
  /** Of the last look alone. */
  readonly last: number;
}

const fastMs = 15_000;
const slowMs = 600_000;

/** Nothing has come yet. */
export const noArrivals: ArrivalRate = { fast: 0, slow: 0, last: 0 };

/** A look may raise the fast rate by this much at once; more counts when the next look confirms it. */
const mostRise = 3;

/** Takes in `count` arrivals of the last `overMs`. */
export function noteArrivals(rate: ArrivalRate, count: number, overMs: number): ArrivalRate {
  if (overMs <= 0) return rate;
  const perSecond = (1000 * count) / overMs;
  // A batch that comes at once is no rate: it has its own deadlines, and nothing follows from it.
  const likely = Math.min(perSecond, Math.max(rate.last, mostRise * rate.fast, mostRise));
  const towards = (old: number, now: number, tau: number): number =>
    old + (1 - Math.exp(-overMs / tau)) * (now - old);
  return {
    fast: towards(rate.fast, likely, fastMs),
    slow: towards(rate.slow, perSecond, slowMs),
    last: perSecond,
  };
}
