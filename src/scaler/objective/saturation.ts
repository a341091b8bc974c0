/**
 * Scaling out that does not help: what the jobs call has no more to give, and more workers only wait for it. Two windows
 * with a short time between them are compared, all workers busy throughout: when half as many workers again, or more, ended less than a
 * tenth of the jobs that they should have ended besides, no worker is added for a while.
 */

interface Mark {
  readonly at: number;
  /** Ended jobs, all added up. */
  readonly ended: number;
  readonly ready: number;
  readonly isBusy: boolean;
}

/** Marks of the last three windows, and until when nothing is added. */
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
  const marks = [...saturation.marks.filter(({ at }) => at >= mark.at - 3 * windowMs), mark];
  if (!isInVain(marks, windowMs)) return { ...saturation, marks };
  return { marks: [], frozenUntil: mark.at + 5 * windowMs };
}

function isInVain(marks: readonly Mark[], windowMs: number): boolean {
  const now = marks.at(-1)?.at ?? 0;
  const before = between(marks, now - 2.5 * windowMs, now - 1.5 * windowMs);
  const after = between(marks, now - windowMs, now);
  if (before === null || after === null) return false;
  const growth = after.fewest / before.most;
  if (growth < leastGrowth) return false;
  const expected = before.perMs * (growth - 1) * after.ms;
  const gained = (after.perMs - before.perMs) * after.ms;
  const noise = 3 * Math.sqrt(before.ended + after.ended);
  return gained < leastGain * expected && expected - gained > noise;
}

/** What was done in a stretch, and by how many workers at least and at most; null where it was not looked at throughout. */
function between(marks: readonly Mark[], from: number, to: number) {
  const first = marks.findLast(({ at }) => at <= from);
  const last = marks.findLast(({ at }) => at <= to);
  if (first === undefined || last === undefined || first === last) return null;
  const ready = marks.filter(({ at }) => at >= first.at && at <= last.at).map((mark) => mark.ready);
  const ended = last.ended - first.ended;
  const ms = last.at - first.at;
  return { ms, ended, fewest: Math.min(...ready), most: Math.max(...ready), perMs: ended / ms };
}
