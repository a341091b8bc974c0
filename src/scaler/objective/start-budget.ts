/** When how many workers were asked for, within the last minute. */
export type RecentStarts = readonly { readonly at: number; readonly count: number }[];

const minuteMs = 60_000;

/** Those of the last minute. */
export function startsOfLastMinute(starts: RecentStarts, at: number): RecentStarts {
  return starts.filter((one) => one.at > at - minuteMs && one.at <= at);
}

/** How many more the budget allows. */
export function startsLeft(starts: RecentStarts, budget: number): number {
  return Math.max(0, budget - starts.reduce((sum, { count }) => sum + count, 0));
}
