import type { Load } from "../loads/load.ts";

/**
 * Between what any schedule's work must lie, at the edges of bins of equal width; index 0 is the beginning. A job yields
 * one second of work per second from when it starts: at the earliest from its arrival (`most`), at the latest from its
 * deadline (`least`). Both are exact at the edges, so that nothing is lost to rounding.
 */
export interface Envelopes {
  readonly binSeconds: number;
  /** Seconds of work that can be done by then at most. */
  readonly most: Float64Array;
  /** Seconds of work that must be done by then. */
  readonly least: Float64Array;
  /** The work of the jobs that may be late, if those are the longest. */
  readonly exemptSeconds: number;
}

/** The envelopes of a load, up to where its last job must have ended. */
export function buildEnvelopes(
  load: Load,
  options: { readonly maxWaitUs: number; readonly bins: number; readonly mayBeLate: number },
): Envelopes {
  const { arrivalUs, serviceUs } = load;
  const { maxWaitUs, bins, mayBeLate } = options;
  let endUs = load.spanUs;
  for (let job = 0; job < arrivalUs.length; job += 1)
    endUs = Math.max(endUs, (arrivalUs[job] as number) + maxWaitUs + (serviceUs[job] as number));
  const widthUs = Math.max(1000, Math.ceil(endUs / bins));
  const edges = Math.ceil(endUs / widthUs) + 1;
  return {
    binSeconds: widthUs / 1e6,
    most: ramps(load, { delayUs: 0, widthUs, edges }),
    least: ramps(load, { delayUs: maxWaitUs, widthUs, edges }),
    exemptSeconds: longestSum(serviceUs, mayBeLate) / 1e6,
  };
}

/** The sum over all jobs of the work done when each runs from `delayUs` after its arrival. */
function ramps(
  { arrivalUs, serviceUs }: Load,
  grid: { readonly delayUs: number; readonly widthUs: number; readonly edges: number },
): Float64Array {
  const { delayUs, widthUs, edges } = grid;
  // A ramp that bends at s adds (edge - s) at each later edge: a count and a sum of s for each bin say it all.
  const slopes = new Float64Array(edges + 1);
  const bends = new Float64Array(edges + 1);
  const bend = (at: number, by: number): void => {
    const edge = Math.min(edges, Math.floor(at / widthUs) + 1);
    slopes[edge] = (slopes[edge] as number) + by;
    bends[edge] = (bends[edge] as number) + by * at;
  };
  for (let job = 0; job < arrivalUs.length; job += 1) {
    const from = (arrivalUs[job] as number) + delayUs;
    bend(from, 1);
    bend(from + (serviceUs[job] as number), -1);
  }
  const done = new Float64Array(edges);
  let slope = 0;
  let offset = 0;
  for (let edge = 0; edge < edges; edge += 1) {
    slope += slopes[edge] as number;
    offset += bends[edge] as number;
    done[edge] = Math.max(done[edge - 1] ?? 0, (slope * edge * widthUs - offset) / 1e6);
  }
  return done;
}

function longestSum(services: Float64Array, count: number): number {
  if (count === 0) return 0;
  const sorted = services.slice().sort();
  let sum = 0;
  for (const service of sorted.subarray(sorted.length - count)) sum += service;
  return sum;
}
