/** Arrivals per second: as of late, and over a longer time. */
export interface ArrivalRate {
  readonly fast: number;
  readonly slow: number;
}

const fastMs = 15_000;
const slowMs = 600_000;

/** Nothing has come yet. */
export const noArrivals: ArrivalRate = { fast: 0, slow: 0 };

/** Takes in `count` arrivals of the last `overMs`. */
export function noteArrivals(rate: ArrivalRate, count: number, overMs: number): ArrivalRate {
  if (overMs <= 0) return rate;
  const perSecond = (1000 * count) / overMs;
  const towards = (old: number, tau: number): number =>
    old + (1 - Math.exp(-overMs / tau)) * (perSecond - old);
  return { fast: towards(rate.fast, fastMs), slow: towards(rate.slow, slowMs) };
}
