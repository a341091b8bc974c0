import { type Distribution, sampler } from "../distribution.ts";
import { exponential, type Random } from "../random.ts";
import { second } from "./load.ts";

/** A list of numbers that grows as it is filled. */
export interface Growing {
  push(value: number): void;
  /** The numbers so far, in an array of just their size. */
  take(): Float64Array;
}

/** See {@link Growing}. */
export function growing(capacity = 1024): Growing {
  let values = new Float64Array(capacity);
  let length = 0;
  return {
    push(value) {
      if (length === values.length) {
        const wider = new Float64Array(values.length * 2);
        wider.set(values);
        values = wider;
      }
      values[length] = value;
      length += 1;
    },
    take: () => values.slice(0, length),
  };
}

/** How many jobs arrive per second at a time. */
export interface Rate {
  readonly perSecond: (us: number) => number;
  /** Never more than this. */
  readonly peakPerSecond: number;
}

/** Poisson arrivals of a changing rate, by thinning (Lewis and Shedler 1979). */
export function poissonArrivals(spanUs: number, rate: Rate, random: Random): Float64Array {
  const arrivals = growing();
  let at = 0;
  for (;;) {
    at += (exponential(random) / rate.peakPerSecond) * second;
    if (at >= spanUs) return arrivals.take();
    const whole = Math.floor(at);
    if (random() * rate.peakPerSecond < rate.perSecond(whole)) arrivals.push(whole);
  }
}

/** Two rates that take turns, each for an exponential time: a Markov-modulated Poisson process. */
export function modulatedArrivals(
  spanUs: number,
  phases: readonly { readonly perSecond: number; readonly meanSeconds: number }[],
  random: Random,
): Float64Array {
  const arrivals = growing();
  let at = 0;
  for (let turn = 0; at < spanUs; turn += 1) {
    const phase = phases[turn % phases.length];
    if (phase === undefined) break;
    const end = Math.min(spanUs, at + exponential(random) * phase.meanSeconds * second);
    for (;;) {
      at += (exponential(random) / phase.perSecond) * second;
      if (at >= end) break;
      arrivals.push(Math.floor(at));
    }
    at = end;
  }
  return arrivals.take();
}

/** `count` jobs at `atUs`, among those of `arrivals`. */
export function withBatch(arrivals: Float64Array, atUs: number, count: number): Float64Array {
  const joined = new Float64Array(arrivals.length + count);
  joined.set(arrivals);
  joined.fill(atUs, arrivals.length);
  return joined.sort();
}

/** A service time for each arrival. */
export function drawServices(
  count: number,
  distribution: Distribution,
  random: Random,
): Float64Array {
  const draw = sampler(distribution, random);
  const services = new Float64Array(count);
  for (let job = 0; job < count; job += 1) services[job] = draw();
  return services;
}
