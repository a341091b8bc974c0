/**
 * Scaling out that does not help: what the jobs call has no more to give, and more workers only wait for it. Two windows
 * next to each other are compared, all workers busy throughout: when half as many workers again, or more, ended less than a
 * tenth of the jobs that they should have ended besides, no worker is added for a while.
 */

interface Mark {
  readonly at: number;
  /** Ended jobs, all added up. */
  readonly ended: number;
  readonly ready: number;
  readonly isBusy: boolean;
}

/** Marks of the last two windows, and until when nothing is added. */
export interface Saturation {
  readonly marks: readonly Mark[];
  readonly frozenUntil: number | null;
}

/** Nothing is known yet. */
export const notSaturated: Saturation = { marks: [], frozenUntil: null };

const markCount = 32;
const leastGrowth = 1.5;
const leastGain = 0.1;

/** Takes in a look. `windowMs` is long enough for new workers to tell. */
export function noteThroughput(
  saturation: Saturation,
  mark: {
    readonly at: number;
    readonly ended: number;
    readonly ready: number;
    readonly isBusy: boolean;
  },
  windowMs: number,
): Saturation {
  if (!mark.isBusy) return { ...saturation, marks: [] };
  const last = saturation.marks.at(-1);
  if (last !== undefined && mark.at - last.at < (2 * windowMs) / markCount) return saturation;
  const marks = [...saturation.marks.filter(({ at }) => at >= mark.at - 2.5 * windowMs), mark];
  if (!isInVain(marks, windowMs)) return { ...saturation, marks };
  return { marks: [], frozenUntil: mark.at + 5 * windowMs };
}

function isInVain(marks: readonly Mark[], windowMs: number): boolean {
  const now = marks.at(-1);
  const start = marks[0];
  if (now === undefined || start === undefined || now.at - start.at < 2 * windowMs) return false;
  const middle = marks.findLast(({ at }) => at <= now.at - windowMs);
  if (middle === undefined) return false;
  const before = rateBetween(start, middle, marks);
  const after = rateBetween(middle, now, marks);
  const growth = after.fewest / before.most;
  if (growth < leastGrowth) return false;
  const expected = before.perMs * (growth - 1) * after.ms;
  const gained = (after.perMs - before.perMs) * after.ms;
  const noise = 3 * Math.sqrt(before.ended + after.ended);
  return gained < leastGain * expected && expected - gained > noise;
}

/** What was done between two marks, and by how many workers at least and at most. */
function rateBetween(from: Mark, to: Mark, marks: readonly Mark[]) {
  const ms = Math.max(1, to.at - from.at);
  const ready = marks.filter(({ at }) => at >= from.at && at <= to.at).map((mark) => mark.ready);
  const ended = to.ended - from.ended;
  return { ms, ended, fewest: Math.min(...ready), most: Math.max(...ready), perMs: ended / ms };
}
