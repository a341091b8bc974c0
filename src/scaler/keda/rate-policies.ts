/**
 * How fast `behavior` lets the count change. Each policy allows a change within its period, counted from the count at the
 * beginning of the period, which follows from the events remembered.
 */
import type { RateLimit } from "../decision.ts";
import type { DirectionRules, RatePolicy } from "./scaled-object-policy.ts";
import type { AutoscalerState, ScaleEvent } from "./scaled-object-state.ts";

/** How far the count may go now, and what each policy said. */
export interface RateLimits {
  readonly limit: number;
  readonly limits: readonly RateLimit[];
}

type Events = Pick<AutoscalerState, "scaleUps" | "scaleDowns">;

/** The highest count that the policies allow; never below the present. */
export function upLimit(
  rules: DirectionRules,
  current: number,
  events: Events,
  now: number,
): RateLimits {
  if (rules.selectPolicy === "Disabled") return { limit: current, limits: [] };
  const limits = rules.policies.map((policy) =>
    limitOf(policy, current, events, now, (start) =>
      policy.type === "Pods" ? start + policy.value : Math.ceil(start * (1 + policy.value / 100)),
    ),
  );
  const allowed = limits.map((one) => one.allowed);
  const pick = rules.selectPolicy === "Max" ? Math.max : Math.min;
  return { limit: Math.max(current, pick(...allowed)), limits };
}

/** The lowest count that the policies allow; never above the present. */
export function downLimit(
  rules: DirectionRules,
  current: number,
  events: Events,
  now: number,
): RateLimits {
  if (rules.selectPolicy === "Disabled") return { limit: current, limits: [] };
  const limits = rules.policies.map((policy) =>
    limitOf(policy, current, events, now, (start) =>
      policy.type === "Pods" ? start - policy.value : Math.trunc(start * (1 - policy.value / 100)),
    ),
  );
  const allowed = limits.map((one) => one.allowed);
  // The biggest change down is the lowest count.
  const pick = rules.selectPolicy === "Max" ? Math.min : Math.max;
  return { limit: Math.min(current, pick(...allowed)), limits };
}

/** The events with one more change, without those that no policy looks at any more. */
export function recordScale(
  events: Events,
  change: { readonly from: number; readonly to: number; readonly at: number },
  rules: { readonly scaleUp: DirectionRules; readonly scaleDown: DirectionRules },
): Events {
  const { from, to, at } = change;
  const keep = (list: readonly ScaleEvent[]): readonly ScaleEvent[] => {
    // Each direction's period start follows from the events of both.
    const periods = [...rules.scaleUp.policies, ...rules.scaleDown.policies];
    const longest = Math.max(0, ...periods.map((policy) => policy.periodMs));
    return list.filter((event) => event.at > at - longest);
  };
  const [scaleUps, scaleDowns] = [keep(events.scaleUps), keep(events.scaleDowns)];
  if (to > from) return { scaleUps: [...scaleUps, { at, change: to - from }], scaleDowns };
  return { scaleUps, scaleDowns: [...scaleDowns, { at, change: from - to }] };
}

function limitOf(
  policy: RatePolicy,
  current: number,
  events: Events,
  now: number,
  allow: (start: number) => number,
): RateLimit {
  const within = (list: readonly ScaleEvent[]): number =>
    list.reduce((sum, event) => sum + (event.at > now - policy.periodMs ? event.change : 0), 0);
  const startedFrom = current - within(events.scaleUps) + within(events.scaleDowns);
  return { ...policy, startedFrom, allowed: allow(startedFrom) };
}
