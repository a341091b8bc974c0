/** A count that was recommended at some time. */
export interface Recommendation {
  readonly at: number;
  readonly replicas: number;
}

/**
 * Adds a recommendation to those that are younger than `windowMs`; the first of the result is the highest. Only those
 * that can still become the highest are kept (each is higher than all after it), so the list stays short at any rate.
 * Those from the future are dropped: the clock was set back.
 */
export function remember(
  earlier: readonly Recommendation[],
  latest: Recommendation,
  windowMs: number,
): readonly Recommendation[] {
  const kept = earlier.filter(
    (one) => one.replicas > latest.replicas && one.at > latest.at - windowMs && one.at <= latest.at,
  );
  return [...kept, latest];
}

/**
 * The HPA's stabilisation of a scale-in (`behavior.scaleDown.stabilizationWindowSeconds`): the highest recommendation
 * of the window wins, but never beyond the present count. A scale-out is not held back.
 */
export function stabilize(
  current: number,
  desired: number,
  window: readonly Recommendation[],
): number {
  if (desired >= current) return desired;
  const highest = Math.max(desired, ...window.map((one) => one.replicas));
  return Math.min(current, highest);
}
