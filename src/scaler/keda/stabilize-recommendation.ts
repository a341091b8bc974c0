/** The HPA's two ways to stabilise: one without `behavior`, which may also raise the count, and one with it. */
import type { Recommendation } from "../stabilization.ts";
import type { AutoscalerBehavior } from "./scaled-object-policy.ts";

/** What is left of a recommendation after the window, and what the window held. */
export interface Stabilized {
  readonly replicas: number;
  /** The recommendations looked at, without the present one. */
  readonly window: readonly Recommendation[];
  /** All that must be remembered, the present one included. */
  readonly recommendations: readonly Recommendation[];
}

/** Without `behavior`: the highest of the window wins, whether or not it is more than the present count. */
export function stabilizeByHighest(
  desired: Recommendation,
  earlier: readonly Recommendation[],
  windowMs: number,
): Stabilized {
  const window = earlier.filter((one) => one.at >= desired.at - windowMs);
  return {
    replicas: Math.max(desired.replicas, ...window.map((one) => one.replicas)),
    window,
    recommendations: [...window, desired],
  };
}

/** With `behavior`: the count moves no further than the whole window of its direction agrees to. */
export function stabilizeByBehavior(
  current: number,
  desired: Recommendation,
  earlier: readonly Recommendation[],
  { scaleUp, scaleDown }: AutoscalerBehavior,
): Stabilized {
  const within = (ms: number): readonly Recommendation[] =>
    earlier.filter((one) => one.at > desired.at - ms);
  const counts = (ms: number): readonly number[] => within(ms).map((one) => one.replicas);
  const up = Math.min(desired.replicas, ...counts(scaleUp.stabilizationMs));
  const down = Math.max(desired.replicas, ...counts(scaleDown.stabilizationMs));
  const window = within(Math.max(scaleUp.stabilizationMs, scaleDown.stabilizationMs));
  return {
    replicas: Math.min(Math.max(current, up), down),
    window,
    recommendations: [...window, desired],
  };
}
