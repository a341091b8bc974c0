/**
 * How long a surplus worker is worth keeping. Demand is looked at in layers: the h-th worker's layer is idle while fewer
 * than h are needed. Each layer is a ski-rental problem of its own (Lu, Chen & Andrew, "Simple and effective dynamic
 * provisioning for power-proportional data centers"): keeping for as long as a start costs pays at most twice the
 * optimum, and the histogram of past idle gaps tells where another time pays less.
 *
 * Jobs that may wait change the terms. A worker that has left is asked for again only when the slack of the first job that
 * needs it is used up, and finds the jobs of all that time together: work that a kept worker would have done with pauses
 * between. That slack is idle time saved by each leaving besides the gap, so that a start costs only what is beyond it.
 * Where jobs can wait longer than a start takes, nothing is left, and an idle worker leaves at once.
 *
 * The first layers rest briefly between jobs, those of a burst until the next burst: layers are judged in groups, 1, 2 to 3,
 * 4 to 7 and so on, each by its own gaps.
 *
 * State: the layers that are idle now, as runs with a common beginning, the lowest layer last; the gaps that have ended.
 */

/** `layers` neighbouring layers that have been idle since `since`. */
interface OpenGap {
  readonly since: number;
  readonly layers: number;
}

type GapCounts = readonly number[];

/** See the top of this file. */
export interface IdleGaps {
  /** How many workers were needed at the last look. */
  readonly demand: number;
  /** The longest idle first, which are the highest layers. */
  readonly open: readonly OpenGap[];
  /** Ended gaps of each group of layers by length: bin i holds those up to the shortest × 1.5^i. */
  readonly counts: readonly GapCounts[];
}

const bins = 24;
const widening = 1.5;
/** Beyond this many gaps all counts are halved, so that old habits fade. */
const mostGaps = 2000;
/** With fewer the histogram says nothing. */
const enoughGaps = 8;
/** Another time must be this much cheaper than the cautious one. */
const persuasion = 0.98;

/** Nothing is known yet. */
export const noIdleGaps: IdleGaps = { demand: 0, open: [], counts: [] };

/** Notes how many workers are needed at `at`; `binMs` is the length of the shortest gaps. */
export function noteDemand(
  gaps: IdleGaps,
  { at, demand, binMs }: { readonly at: number; readonly demand: number; readonly binMs: number },
): IdleGaps {
  if (demand === gaps.demand) return gaps;
  if (demand < gaps.demand) {
    const opened = { since: at, layers: gaps.demand - demand };
    return { ...gaps, demand, open: [...gaps.open, opened] };
  }
  const open = [...gaps.open];
  const counts = gaps.counts.map((group) => [...group]);
  let reached = gaps.demand;
  while (reached < demand) {
    const lowest = open.pop();
    if (lowest === undefined) break;
    const closed = Math.min(demand - reached, lowest.layers);
    const bin = binOf(at - lowest.since, binMs);
    for (let layer = reached + 1; layer <= reached + closed; layer += 1)
      countGap(counts, layer, bin);
    reached += closed;
    if (lowest.layers > closed) open.push({ ...lowest, layers: lowest.layers - closed });
  }
  return { demand, open, counts: counts.map(faded) };
}

function countGap(counts: number[][], layer: number, bin: number): void {
  const group = groupOf(layer);
  while (counts.length <= group) counts.push(new Array<number>(bins).fill(0));
  const own = counts[group];
  if (own !== undefined) own[bin] = (own[bin] ?? 0) + 1;
}

function groupOf(layer: number): number {
  return Math.floor(Math.log2(Math.max(1, layer)));
}

function binOf(gapMs: number, binMs: number): number {
  const bin = Math.ceil(Math.log(Math.max(gapMs, binMs) / binMs) / Math.log(widening));
  return Math.min(bins - 1, Math.max(0, bin));
}

function faded(counts: GapCounts): GapCounts {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return total > mostGaps ? counts.map((count) => count / 2) : counts;
}

/** What the choice is made from, in milliseconds. */
export interface KeepAliveTerms {
  /** The shortest gaps' length, as the histogram was filled: the time between two looks. */
  readonly binMs: number;
  readonly startupMs: number;
  /** What another start costs. */
  readonly startCostMs: number;
  /** How long a job can wait before a worker must be asked for. */
  readonly slackMs: number;
}

/** For how long an idle worker is kept, in milliseconds, by the group of its layer; the last holds for all higher groups. */
export type KeepAlive = readonly number[];

/** How long the h-th worker is kept when it is idle. */
export function keepAliveOf(keep: KeepAlive, layer: number): number {
  return keep[Math.min(groupOf(layer), keep.length - 1)] ?? 0;
}

/** See {@link KeepAlive}. A group of which little is known takes after the next lower one, but is kept no longer than a start costs. */
export function chooseKeepAlive({ counts }: IdleGaps, terms: KeepAliveTerms): KeepAlive {
  const cautious = Math.max(0, terms.startCostMs - terms.slackMs);
  const keep: number[] = [];
  for (const group of counts) {
    const total = group.reduce((sum, count) => sum + count, 0);
    const unknown = Math.min(cautious, keep.at(-1) ?? cautious);
    keep.push(total < enoughGaps ? unknown : cheapest(group, cautious, terms));
  }
  return [...keep, Math.min(cautious, keep.at(-1) ?? cautious)];
}

/** The time that would have cost least over the gaps of a group. */
function cheapest(counts: GapCounts, startCostMs: number, terms: KeepAliveTerms): number {
  const costOf = (keepMs: number): number =>
    counts.reduce((sum, count, bin) => {
      const gapMs = terms.binMs * widening ** Math.max(0, bin - 0.5);
      return sum + count * (gapMs <= keepMs ? gapMs : keepMs + startCostMs);
    }, 0);
  let best = startCostMs;
  let least = costOf(best) * persuasion;
  for (const keepMs of candidates(terms)) {
    const cost = costOf(keepMs);
    if (cost >= least) continue;
    [best, least] = [keepMs, cost];
  }
  return best;
}

function candidates({ binMs, startupMs }: KeepAliveTerms): readonly number[] {
  const startups = [0.25, 0.5, 1, 1.5, 2, 3, 5].map((factor) => factor * startupMs);
  return [0, binMs, 2 * binMs, ...startups];
}
