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
 * State: the layers that are idle now, as runs with a common beginning, the lowest layer last; the gaps that have ended.
 */

/** `layers` neighbouring layers that have been idle since `since`. */
interface OpenGap {
  readonly since: number;
  readonly layers: number;
}

/** See the top of this file. */
export interface IdleGaps {
  /** How many workers were needed at the last look. */
  readonly demand: number;
  /** The longest idle first, which are the highest layers. */
  readonly open: readonly OpenGap[];
  /** Ended gaps by length: bin i holds those up to the shortest × 1.5^i. */
  readonly counts: readonly number[];
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
  const counts = Array.from({ length: bins }, (_, bin) => gaps.counts[bin] ?? 0);
  let regained = demand - gaps.demand;
  while (regained > 0) {
    const lowest = open.pop();
    if (lowest === undefined) break;
    const closed = Math.min(regained, lowest.layers);
    const bin = binOf(at - lowest.since, binMs);
    counts[bin] = (counts[bin] ?? 0) + closed;
    regained -= closed;
    if (lowest.layers > closed) open.push({ ...lowest, layers: lowest.layers - closed });
  }
  return { demand, open, counts: faded(counts) };
}

function binOf(gapMs: number, binMs: number): number {
  const bin = Math.ceil(Math.log(Math.max(gapMs, binMs) / binMs) / Math.log(widening));
  return Math.min(bins - 1, Math.max(0, bin));
}

function faded(counts: readonly number[]): readonly number[] {
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

/** For how long an idle worker is kept, in milliseconds. */
export function chooseKeepAlive({ counts }: IdleGaps, terms: KeepAliveTerms): number {
  const { binMs, startupMs } = terms;
  const startCostMs = Math.max(0, terms.startCostMs - terms.slackMs);
  const cautious = startCostMs;
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total < enoughGaps) return cautious;
  const costOf = (keepMs: number): number =>
    counts.reduce((sum, count, bin) => {
      const gapMs = binMs * widening ** Math.max(0, bin - 0.5);
      return sum + count * (gapMs <= keepMs ? gapMs : keepMs + startCostMs);
    }, 0);
  let best = cautious;
  let least = costOf(cautious) * persuasion;
  for (const keepMs of candidates(binMs, startupMs)) {
    const cost = costOf(keepMs);
    if (cost >= least) continue;
    [best, least] = [keepMs, cost];
  }
  return best;
}

function candidates(tickMs: number, startupMs: number): readonly number[] {
  const startups = [0.25, 0.5, 1, 1.5, 2, 3, 5].map((factor) => factor * startupMs);
  return [0, tickMs, 2 * tickMs, ...startups];
}
