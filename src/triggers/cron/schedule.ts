import { Cron } from "croner";

/** Bounds of the five fields, and the names that two of them know. */
const fields = [
  { name: "minute", least: 0, most: 59, names: [] },
  { name: "hour", least: 0, most: 23, names: [] },
  { name: "day of month", least: 1, most: 31, names: [] },
  {
    name: "month",
    least: 1,
    most: 12,
    names: "jan feb mar apr may jun jul aug sep oct nov dec".split(" "),
  },
  { name: "day of week", least: 0, most: 6, names: "sun mon tue wed thu fri sat".split(" ") },
] as const;

/**
 * What is wrong with a schedule, or null. Exactly what KEDA's parser takes (github.com/robfig/cron, five fields): lists,
 * ranges, steps, names of months and days, and ? for *; not 7 for Sunday, nor L, W and #, which others know.
 */
export function problemOfSchedule(schedule: string): string | null {
  const parts = schedule.split(/\s+/).filter((part) => part !== "");
  if (parts.length !== fields.length)
    return `five fields (minute, hour, day of month, month, day of week); got ${parts.length}`;
  for (const [index, { name, least, most, names }] of fields.entries()) {
    const part = parts[index] ?? "";
    if (!part.split(",").every((item) => isItem(item, { least, most, names })))
      return `numbers from ${least} to ${most}, ranges, lists and steps as its ${name}; got ${JSON.stringify(part)}`;
  }
  return null;
}

interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly names: readonly string[];
}

function isItem(item: string, { least, most, names }: Bounds): boolean {
  const [, range = "", step] = /^([^/]+)(?:\/(\d+))?$/.exec(item) ?? [];
  if (step !== undefined && Number(step) === 0) return false;
  if (range === "*" || range === "?") return true;
  const ends = range.split("-").map((end) => {
    const named = names.indexOf(end.toLowerCase());
    if (named >= 0) return named + least;
    return /^\d+$/.test(end) ? Number(end) : Number.NaN;
  });
  const [first = Number.NaN, last = first] = ends;
  return ends.length <= 2 && first >= least && last <= most && first <= last;
}

/**
 * Tells the next firing after a time, both in milliseconds since 1970; null when there is none. It is remembered until it
 * has come, and the parsed schedule is not: that one takes 80 kB.
 */
export function nextFiring(schedule: string, timezone: string): (after: number) => number | null {
  const pattern = withSteps(schedule);
  let from = Number.POSITIVE_INFINITY;
  let next: number | null = null;
  return (after) => {
    if (after < from || (next !== null && after >= next)) {
      from = after;
      const cron = new Cron(pattern, { timezone, paused: true, mode: "5-part" });
      next = cron.nextRun(new Date(after))?.getTime() ?? null;
    }
    return next;
  };
}

/** `?` is `*`; `5/15` means from 5 to the end by 15, which croner wants to have written out. */
function withSteps(schedule: string): string {
  return schedule
    .split(/\s+/)
    .filter((part) => part !== "")
    .map((part, index) =>
      part
        .replaceAll("?", "*")
        .split(",")
        .map((item) => item.replace(/^(\w+)\/(\d+)$/, `$1-${fields[index]?.most}/$2`))
        .join(","),
    )
    .join(" ");
}
