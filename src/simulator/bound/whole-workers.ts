import type { Envelopes } from "./envelopes.ts";

/** What the bound by whole workers is made from. */
export interface WholeQuery {
  readonly envelopes: Envelopes;
  readonly startSeconds: number;
  readonly concurrency: number;
  readonly initialReplicas: number;
  /** Steps of the search, which bounds its time. */
  readonly budget: number;
}

/**
 * A lower bound that counts whole workers, for loads that keep a few of them busy, each with several jobs at a time: there
 * the linear program has fractions of workers all the time, where in truth one works, leaves and is started again.
 *
 * Time is in bins of width D. e workers are there at a bin's beginning, e' at its end, s were started within it: at least
 * e' − s of them were there throughout and are paid for, and at most e + s did work, each k·D. Paid time is work plus idle
 * time; all work adds up to a constant, so that what is left to be found is the least of starts and idle time over all
 * paths of (e, x), where x is the work done, between what has come and what is due. x is kept in units of a quarter of
 * what one worker does in a bin, rounded down. Rounding is outward: a bin's work is taken to be one unit more where that
 * makes idle time less, and the most that can be done in a bin is a whole number of units. From `most` workers on a path
 * counts no further starts and no limit to the work, so that it stands for any number above.
 *
 * Work that may be late is left out at a price π (Lagrange), and may fill idle time at no cost, which bounds from below for
 * any π; the highest is returned. In worker-seconds; 0 where the search would take longer than the budget.
 */
export function wholeWorkerBound(query: WholeQuery): number {
  const { envelopes, concurrency, budget } = query;
  const { most, exemptSeconds } = envelopes;
  const tube = toTube(query);
  const ceiling = largestWithin(tube, budget);
  if (ceiling === 0) return 0;
  const total = most[most.length - 1] ?? 0;
  const work = total / concurrency;
  if (exemptSeconds === 0) return work + leastOver(query, tube, { ceiling, price: null });
  let best = 0;
  for (const share of [0.25, 0.5, 1, 2]) {
    const price = share / concurrency;
    const waste = leastOver(query, tube, { ceiling, price });
    best = Math.max(best, work + waste + price * total - (price + 1 / concurrency) * exemptSeconds);
  }
  return best;
}

/** Units of work that a worker with all slots does in a bin. */
const unitsPerBin = 4;

/** What is due and what has come at each edge, in units, rounded down. */
interface Tube {
  readonly low: Int32Array;
  readonly high: Int32Array;
}

function toTube({ envelopes, concurrency }: WholeQuery): Tube {
  const { most, least, binSeconds } = envelopes;
  const unit = (concurrency * binSeconds) / unitsPerBin;
  // Sums of many services are not exact: what is just below a whole unit by that counts as having reached it, or not, outward.
  const floor = (seconds: number, slack: number): number => Math.floor(seconds / unit + slack);
  return {
    low: Int32Array.from(least, (seconds) => floor(seconds, -1e-6)).map((at) => Math.max(0, at)),
    high: Int32Array.from(most, (seconds) => floor(seconds, 1e-6)),
  };
}

const mostWorkers = 12;
/** What one move costs besides its steps, in steps. */
const overhead = 10;

/** How many workers can be told apart within the budget; 0: none. */
function largestWithin({ low, high }: Tube, budget: number): number {
  for (let ceiling = mostWorkers; ceiling > 0; ceiling -= 1) {
    let steps = 0;
    for (let edge = 1; edge < low.length; edge += 1) {
      const levels = 1 + (high[edge] as number) - (low[edge] as number);
      for (let there = 0; there <= 2 * ceiling; there += 1) {
        const ways = Math.min(there, 2 * ceiling - there) + 1;
        const able = Math.min(there, ceiling);
        steps += ways * (able + 1) * (overhead + levels * Math.min(levels, unitsPerBin * able + 1));
      }
    }
    if (steps <= budget) return ceiling;
  }
  return 0;
}

interface Terms {
  /** From so many workers on they are not told apart. */
  readonly ceiling: number;
  /** Of a second of work that is left out; null: none may be. */
  readonly price: number | null;
}

/** The least of starts and idle time, less the price of what was done where there is one. */
function leastOver(query: WholeQuery, { low, high }: Tube, terms: Terms): number {
  const { ceiling } = terms;
  const moves = allMoves(query, terms);
  const levelsAt = (edge: number): number => 1 + (high[edge] as number) - (low[edge] as number);
  let now = blank(ceiling, levelsAt(0));
  now[Math.min(ceiling, query.initialReplicas)]?.fill(0, 0, 1);
  for (let edge = 1; edge < low.length; edge += 1) {
    const next = blank(ceiling, levelsAt(edge));
    const shift = (low[edge] as number) - (low[edge - 1] as number);
    for (const move of moves)
      step(now[move.before] as Float64Array, next[move.after] as Float64Array, { move, shift });
    now = next;
  }
  return Math.min(...now.map((costs) => costs.reduce((a, b) => Math.min(a, b))));
}

function blank(ceiling: number, levels: number): readonly Float64Array[] {
  return Array.from({ length: ceiling + 1 }, () =>
    new Float64Array(Math.max(0, levels)).fill(Number.POSITIVE_INFINITY),
  );
}

/** What can happen in a bin, and what it costs. */
interface Move {
  readonly before: number;
  readonly after: number;
  /** By how many units the work grows. */
  readonly byUnits: readonly number[];
  /** What each unit beyond the last of these adds; null: there can be none. */
  readonly perFurther: number | null;
}

function allMoves(query: WholeQuery, terms: Terms): readonly Move[] {
  const upTo = Array.from({ length: terms.ceiling + 1 }, (_, count) => count);
  return upTo.flatMap((before) =>
    upTo.flatMap((started) =>
      upTo
        .filter((after) => after <= before + started)
        .map((after) => toMove(query, terms, { before, started, after })),
    ),
  );
}

function toMove(
  { startSeconds, concurrency, envelopes }: WholeQuery,
  { ceiling, price }: Terms,
  bin: { readonly before: number; readonly started: number; readonly after: number },
): Move {
  const { before, started, after } = bin;
  const unitSeconds = envelopes.binSeconds / unitsPerBin;
  const isOpen = before + started >= ceiling;
  const kept = envelopes.binSeconds * Math.max(0, after - started);
  const units = unitsPerBin * (isOpen ? ceiling : before + started);
  const perUnit = (price ?? 0) * concurrency * unitSeconds;
  const byUnits = Array.from({ length: units + 1 }, (_, grown) => {
    const done = isOpen ? grown + 1 : Math.min(units, grown + 1);
    return startSeconds * started + Math.max(0, kept - done * unitSeconds) - perUnit * done;
  });
  if (isOpen) return { before, after, byUnits, perFurther: -perUnit };
  return { before, after, byUnits, perFurther: price === null ? null : 0 };
}

/** All ways from one column of costs into the next. */
function step(
  from: Float64Array,
  into: Float64Array,
  bin: { readonly move: Move; readonly shift: number },
): void {
  const { byUnits, perFurther } = bin.move;
  const last = byUnits.length - 1;
  const beyond = byUnits[last] as number;
  let leastFurther = Number.POSITIVE_INFINITY;
  let further = 0;
  for (let level = 0; level < into.length; level += 1) {
    const at = level + bin.shift;
    let best = into[level] as number;
    const fewest = Math.max(0, at - from.length + 1);
    for (let grown = fewest; grown <= Math.min(last, at); grown += 1)
      best = Math.min(best, (from[at - grown] as number) + (byUnits[grown] as number));
    if (perFurther !== null) {
      for (; further < Math.min(from.length, at - last); further += 1)
        leastFurther = Math.min(leastFurther, (from[further] as number) - perFurther * further);
      best = Math.min(best, leastFurther + beyond + perFurther * (at - last));
    }
    into[level] = best;
  }
}
