/** Kubernetes' own rows for rate limits, stabilisation and bounds, restated. */
import { describe, expect, test } from "vitest";
import type { Behavior, ScalingPolicy } from "../../specs/index.ts";
import { objectPolicy } from "./fixtures/scaled.ts";
import { limitByBehavior, limitWithoutBehavior } from "./limit-replicas.ts";
import type { AutoscalerBehavior, AutoscalerPolicy } from "./scaled-object-policy.ts";
import type { AutoscalerState, ScaleEvent } from "./scaled-object-state.ts";

const now = 10_000_000;
const nothing: AutoscalerState = { recommendations: [], scaleUps: [], scaleDowns: [] };

type BehaviorPolicy = AutoscalerPolicy & { readonly behavior: AutoscalerBehavior };

function policyOf(behavior: Behavior, bounds: { readonly mn?: number; readonly mx?: number } = {}) {
  const spec = {
    minReplicaCount: bounds.mn ?? 1,
    maxReplicaCount: bounds.mx ?? 1000,
    advanced: {
      restoreToOriginalReplicaCount: false,
      horizontalPodAutoscalerConfig: { name: null, behavior },
      scalingModifiers: null,
    },
  };
  return objectPolicy(spec).autoscaler as BehaviorPolicy; // a behavior was given
}

const pods = (value: number, periodSeconds = 60): ScalingPolicy => ({
  type: "Pods",
  value,
  periodSeconds,
});
const percent = (value: number, periodSeconds = 60): ScalingPolicy => ({
  ...pods(value, periodSeconds),
  type: "Percent",
});

/** Changes made 10 s, 20 s and 30 s ago. */
const events = (...changes: readonly number[]): readonly ScaleEvent[] =>
  changes.map((change, index) => ({ at: now - 10_000 * (index + 1), change }));

interface Rate {
  readonly policies: readonly ScalingPolicy[] | null;
  readonly cur: number;
  readonly desired: number;
  readonly result: number;
  readonly ups?: readonly number[];
  readonly downs?: readonly number[];
  readonly mx?: number;
  readonly select?: "Min" | "Max" | "Disabled";
}

const rates: readonly Rate[] = [
  { policies: null, cur: 10, desired: 50, result: 20 },
  { policies: [pods(100), percent(100)], cur: 10, desired: 500, result: 110 },
  { policies: [pods(2), percent(100)], cur: 10, desired: 50, result: 20 },
  { policies: [pods(30)], cur: 10, desired: 50, result: 40 },
  { policies: [percent(200)], cur: 10, desired: 50, result: 30 },
  { policies: [percent(1)], cur: 3, desired: 1000, result: 4 },
  { policies: [pods(20), percent(1)], cur: 100, desired: 2, result: 80 },
  { policies: [pods(2), percent(1)], cur: 100, desired: 2, result: 98 },
  { policies: [pods(5)], cur: 10, desired: 2, result: 5 },
  { policies: [pods(20)], cur: 1000, desired: 3, result: 980 },
  { policies: [pods(5, 120)], cur: 100, desired: 200, ups: [1, 5, 9], result: 100 },
  { policies: [pods(150, 120)], cur: 100, desired: 500, ups: [1, 5, 9], result: 235 },
  { policies: [percent(200, 120)], cur: 100, desired: 500, ups: [1, 5, 9], result: 255 },
  { policies: [pods(300)], cur: 100, desired: 500, ups: [1, 5, 9], mx: 200, result: 200 },
  { policies: [pods(5, 120)], cur: 100, desired: 0, downs: [1, 5, 9], result: 100 },
  { policies: [percent(50, 120)], cur: 100, desired: 0, downs: [2, 4, 6], result: 56 },
  { policies: [percent(10, 120)], cur: 100, desired: 0, downs: [10, 10, 10], result: 100 },
  { policies: [percent(1000, 120)], cur: 10, desired: 5, downs: [10, 10, 10], result: 5 },
  { policies: [pods(2), percent(50)], cur: 1, desired: 10, select: "Min", result: 2 },
  { policies: [pods(2), percent(50)], cur: 5, desired: 1, select: "Min", result: 3 },
  { policies: [pods(2)], cur: 5, desired: 9, select: "Disabled", result: 5 },
  { policies: [pods(2)], cur: 5, desired: 1, select: "Disabled", result: 5 },
];

describe("the rate policies of behavior", () => {
  test.each(rates.map((rate) => [describeRate(rate), rate] as const))("%s", (_name, rate) => {
    const rules = {
      stabilizationWindowSeconds: 0,
      selectPolicy: rate.select ?? null,
      policies: rate.policies,
      tolerance: null,
    };
    const policy = policyOf({ scaleUp: rules, scaleDown: rules }, { mx: rate.mx ?? 1000 });
    const state = {
      ...nothing,
      scaleUps: events(...(rate.ups ?? [])),
      scaleDowns: events(...(rate.downs ?? [])),
    };
    const desired = { at: now, replicas: rate.desired };
    const limited = limitByBehavior(policy, state, { current: rate.cur, desired });
    expect(limited.replicas).toBe(rate.result);
    const code = limited.reasons[0]?.code;
    if (rate.result === rate.desired) expect(code).toBe("ReadyForNewScale");
    else if (rate.result === rate.mx) expect(code).toBe("TooManyReplicas");
    else expect(code).toBe(rate.desired > rate.cur ? "ScaleUpLimit" : "ScaleDownLimit");
  });

  test("do not see a change that is exactly one period old", () => {
    const rules = {
      ...{ stabilizationWindowSeconds: 0, selectPolicy: null, tolerance: null },
      policies: [pods(5, 60)],
    };
    const policy = policyOf({ scaleUp: rules, scaleDown: rules });
    const at = (ago: number) =>
      limitByBehavior(
        policy,
        { ...nothing, scaleUps: [{ at: now - ago, change: 5 }] },
        { current: 10, desired: { at: now, replicas: 50 } },
      ).replicas;
    expect([at(59_999), at(60_000)]).toEqual([10, 15]);
  });
});

function describeRate({ policies, cur, desired, ups, downs, mx, select }: Rate): string {
  const list = policies?.map(
    ({ type, value, periodSeconds }) => `${value} ${type}/${periodSeconds}s`,
  );
  return `${list?.join(" + ") ?? "defaults"} ${cur}->${desired} ${[...(ups ?? []), ...(downs ?? [])]} ${mx ?? ""} ${select ?? ""}`;
}

/** [replicas, seconds ago]. */
type Recommended = readonly (readonly [replicas: number, ago: number])[];

const recommended = (list: Recommended) =>
  list.map(([replicas, ago]) => ({ replicas, at: now - ago * 1000 }));

describe("stabilisation with behavior", () => {
  // biome-ignore format: one row a line
  const rows: readonly (readonly [number, number, Recommended, number, number, number])[] = [
    [100, 5, [], 0, 0, 5],
    [100, 3, [[4, 120], [5, 60]], 0, 180, 5],
    [1, 7, [[4, 120], [5, 60]], 300, 0, 4],
    [100, 3, [[1, 120], [2, 60]], 300, 0, 3],
    [1, 3, [[4, 120], [5, 60]], 0, 300, 3],
    [100, 3, [[10, 600], [9, 540]], 0, 0, 3],
    [1, 100, [[10, 600], [9, 540]], 0, 0, 100],
    [100, 3, [[10, 600], [4, 60], [5, 120], [9, 540]], 0, 180, 5],
    [1, 100, [[10, 6000], [6, 60], [5, 120], [9, 180]], 300, 0, 5],
  ];
  const free = {
    selectPolicy: null,
    policies: [percent(1_000_000), pods(1_000_000)],
    tolerance: null,
  };

  test.each(rows)(
    "%d wants %d after %j, windows %d up and %d down: %d",
    (cur, want, recs, up, down, result) => {
      const policy = policyOf({
        scaleUp: { ...free, stabilizationWindowSeconds: up },
        scaleDown: { ...free, stabilizationWindowSeconds: down },
      });
      const state = { ...nothing, recommendations: recommended(recs) };
      const step = { current: cur, desired: { at: now, replicas: want } };
      const limited = limitByBehavior(policy, state, step);
      expect(limited.replicas).toBe(result);
      expect(limited.candidates[0]?.replicas).toBe(result);
      const held = cur < want ? "ScaleUpStabilized" : "ScaleDownStabilized";
      expect(limited.reasons.map(({ code }) => code)).toContain(
        result === want ? "ReadyForNewScale" : held,
      );
    },
  );
});

describe("stabilisation without behavior", () => {
  // biome-ignore format: one row a line
  const rows: readonly (readonly [Recommended, number, number])[] = [
    [[], 5, 5],
    [[[4, 120], [5, 60]], 3, 5],
    [[[1, 120], [2, 60]], 3, 3],
    [[[10, 600], [9, 540]], 3, 3],
    [[[10, 600], [4, 60], [5, 120], [9, 540]], 3, 5],
    [[[9, 300]], 3, 9],
    [[[9, 300.001]], 3, 3],
  ];
  const { autoscaler } = objectPolicy({ minReplicaCount: 1, maxReplicaCount: 1000 });

  test.each(rows)("after %j, %d becomes %d", (recs, want, result) => {
    const state = { ...nothing, recommendations: recommended(recs) };
    const step = { current: 100, desired: { at: now, replicas: want } };
    const limited = limitWithoutBehavior(autoscaler, state, step);
    expect(limited.replicas).toBe(result);
    expect(limited.candidates[0]?.window).toEqual(
      state.recommendations.filter(({ at }) => at >= now - 300_000),
    );
  });

  test("may raise the count above the present one, as the HPA does", () => {
    const state = { ...nothing, recommendations: recommended([[9, 60]]) };
    const step = { current: 5, desired: { at: now, replicas: 3 } };
    expect(limitWithoutBehavior(autoscaler, state, step).replicas).toBe(9);
  });

  test("forgets what has left the window", () => {
    const state = {
      ...nothing,
      recommendations: recommended([
        [9, 400],
        [4, 100],
      ]),
    };
    const step = { current: 5, desired: { at: now, replicas: 3 } };
    expect(limitWithoutBehavior(autoscaler, state, step).recommendations).toEqual([
      { at: now - 100_000, replicas: 4 },
      { at: now, replicas: 3 },
    ]);
  });
});

describe("the bounds without behavior", () => {
  test.each([
    [5, 7, 3, 8, 7, "DesiredWithinRange"],
    [3, 1, 2, 8, 2, "TooFewReplicas"],
    [1, 0, 0, 10, 0, "DesiredWithinRange"],
    [20, 1000, 1, 10, 10, "TooManyReplicas"],
    [3, 1000, 1, 2000, 6, "ScaleUpLimit"],
    [1, 1000, 1, 2000, 4, "ScaleUpLimit"],
  ])("%d wants %d within %d and %d: %d", (cur, want, mn, mx, result, code) => {
    const policy = { ...objectPolicy().autoscaler, minReplicas: mn, maxReplicas: mx };
    const step = { current: cur, desired: { at: now, replicas: want } };
    const limited = limitWithoutBehavior(policy, nothing, step);
    expect(limited.replicas).toBe(result);
    expect(limited.reasons.map((reason) => reason.code)).toContain(code);
  });
});
