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
}

/** Marks of the last three windows, and until when nothing is added. */
export interface Saturation {
  readonly marks: readonly Mark[];
  readonly frozenUntil: number | null;
  /** Once it was seen, no more workers than this, until one is idle or jobs take no longer than usual; null: no limit. */
  readonly limit: number | null;
  /** How often it was seen since a worker was idle. */
  readonly seen: number;
  /** What a job usually takes: slow to change, since saturation itself makes jobs longer. */
  readonly usualMs: number | null;
}

/** Nothing is known yet. */
export const notSaturated: Saturation = {
  marks: [],
  frozenUntil: null,
  limit: null,
  seen: 0,
  usualMs: null,
};

const markCount = 32;
const leastGrowth = 1.5;
const leastGain = 0.1;
/** Below these, chance looks the same. */
const fewestWorkers = 6;
const fewestEnded = 50;
/** Workers that wait for what they call take that much longer for a job at least. */
const leastSlowdown = 1.25;

/** What a look tells of it. */
export interface ThroughputLook {
  readonly at: number;
  readonly ended: number;
  readonly ready: number;
  /** Whether no ready worker is idle. */
  readonly isBusy: boolean;
  readonly elapsedMs: number;
  readonly serviceMs: number;
  /** From asking for a worker to its first job, and to the next look. */
  readonly reactionMs: number;
}

const usualOverMs = 600_000;
const longestMs = 3_600_000;

/** Takes in a look. */
export function noteThroughput(saturation: Saturation, look: ThroughputLook): Saturation {
  const { at, ended, ready, isBusy, elapsedMs, serviceMs, reactionMs } = look;
  const { usualMs: before } = saturation;
  const isLimited = saturation.limit !== null;
  const share = isLimited ? 0 : 1 - Math.exp(-elapsedMs / usualOverMs);
  const usualMs = before === null ? serviceMs : before + share * (serviceMs - before);
  const isSlow = serviceMs >= leastSlowdown * usualMs;
  if (!isBusy || (isLimited && !isSlow)) return { ...notSaturated, usualMs };
  // Long enough for new workers to tell.
  const windowMs = reactionMs + 4 * usualMs;
  const last = saturation.marks.at(-1);
  if (last !== undefined && at - last.at < (2 * windowMs) / markCount)
    return { ...saturation, usualMs };
  const recent = saturation.marks.filter((mark) => mark.at >= at - 3 * windowMs);
  const marks = [...recent, { at, ended, ready }];
  if (!isSlow || !isInVain(marks, windowMs)) return { ...saturation, marks, usualMs };
  // Another try, of half as many again, comes later each time.
  const seen = saturation.seen + 1;
  const frozenUntil = at + Math.min(longestMs, 5 * windowMs * 2 ** (seen - 1));
  return { marks: [], frozenUntil, limit: Math.ceil(leastGrowth * ready), seen, usualMs };
}

function isInVain(marks: readonly Mark[], windowMs: number): boolean {
  const now = marks.at(-1)?.at ?? 0;
  const before = between(marks, now - 2.5 * windowMs, now - 1.5 * windowMs);
  const after = between(marks, now - windowMs, now);
  if (before === null || after === null) return false;
  const growth = after.fewest / before.usual;
  if (growth < leastGrowth || after.fewest < fewestWorkers) return false;
  if (Math.min(before.ended, after.ended) < fewestEnded) return false;
  const expected = before.perMs * (growth - 1) * after.ms;
  const gained = (after.perMs - before.perMs) * after.ms;
  const noise = 3 * Math.sqrt(before.ended + after.ended);
  return gained < leastGain * expected && expected - gained > noise;
}

/** What was done in a stretch, and by how many workers at least and on average; null where it was not looked at throughout. */
function between(marks: readonly Mark[], from: number, to: number) {
  const first = marks.findLast(({ at }) => at <= from);
  const last = marks.findLast(({ at }) => at <= to);
  if (first === undefined || last === undefined || first === last) return null;
  const ready = marks.filter(({ at }) => at >= first.at && at <= last.at).map((mark) => mark.ready);
  const ended = last.ended - first.ended;
  const ms = last.at - first.at;
  const usual = ready.reduce((sum, count) => sum + count, 0) / ready.length;
  return { ms, ended, fewest: Math.min(...ready), usual, perMs: ended / ms };
}
