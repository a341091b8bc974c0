import { describe, expect, test } from "vitest";
import type { Fallback, ScaledObjectSpec, ScalingModifiers } from "../../specs/index.ts";
import { type GivenMetric, look, objectPolicy, running, triggerSpec } from "./fixtures/scaled.ts";
import { syncAutoscaler } from "./horizontal-autoscaler.ts";
import { pollScaledObject } from "./keda-loop.ts";
import { initialScaledObjectState, type ScaledObjectState } from "./scaled-object-state.ts";

const now = 1_000_000;
const fresh = initialScaledObjectState(0);
const away: GivenMetric = { failure: "away", target: 5 };
const fallback: Fallback = { failureThreshold: 3, replicas: 6, behavior: "static" };
const failed = (times: number): ScaledObjectState => ({
  ...{ ...fresh, lastActiveAt: now - 1000, failures: { "s0-metric": times } },
  autoscaler: { ...fresh.autoscaler, recommendations: [] },
});

const served = (
  given: Partial<Fallback>,
  metric: GivenMetric,
  status = running(4),
  state = failed(3),
) => {
  const policy = objectPolicy({ fallback: { ...fallback, ...given } });
  const { decision } = syncAutoscaler(policy, state, look(now, status, metric));
  return { value: decision.metrics?.[0]?.value ?? null, replicas: decision.replicas, decision };
};

describe("the fallback", () => {
  test("comes after more failures in a row than the threshold", () => {
    const policy = objectPolicy({ fallback });
    const at = (before: number) =>
      syncAutoscaler(policy, failed(before), look(now, 4, away)).decision;
    expect(at(2).reasons[0]?.code).toBe("FailedGetExternalMetric");
    expect(at(2).replicas).toBe(4);
    expect(at(3).replicas).toBe(6);
  });

  test("is counted by both clocks and forgotten at the first success", () => {
    const policy = objectPolicy({ fallback });
    const seen = look(now, 4, away);
    const first = pollScaledObject(policy, fresh, seen).state;
    const second = syncAutoscaler(policy, first, seen).state;
    const third = syncAutoscaler(policy, second, seen).state;
    expect([first, second, third].map(({ failures }) => failures["s0-metric"])).toEqual([1, 2, 3]);
    expect(syncAutoscaler(policy, third, look(now, 4, { value: 1 })).state.failures).toEqual({});
  });

  test("is not counted where the object has none", () => {
    expect(pollScaledObject(objectPolicy(), fresh, look(now, 4, away)).state.failures).toEqual({});
  });

  test("never comes of a trigger that cannot even tell its metrics", () => {
    const policy = objectPolicy({ fallback });
    const seen = {
      ...look(now, 4),
      triggers: [{ index: 0, specs: [], readings: null, failure: "x" }],
    };
    const { decision, state } = pollScaledObject(policy, failed(9), seen);
    expect([decision.kedaRule, state.failures["s0-metric"]]).toEqual([4, 9]);
  });
});

describe("the fallback's value", () => {
  test.each([
    ["static", 4, 30, 6],
    ["currentReplicas", 4, 20, 4],
    ["currentReplicasIfHigher", 4, 30, 6],
    ["currentReplicasIfHigher", 9, 45, 9],
    ["currentReplicasIfLower", 4, 20, 4],
    ["currentReplicasIfLower", 9, 30, 6],
  ] as const)(
    "%s with %d running serves %d, which asks for %d",
    (behavior, cur, value, replicas) => {
      expect(served({ behavior }, away, running(cur))).toMatchObject({ value, replicas });
    },
  );

  test("of a Value metric is divided by the ready replicas", () => {
    const metric = { ...away, metricType: "Value" } as const;
    expect(served({}, metric, running(4, { ready: 4 }))).toMatchObject({ value: 7.5, replicas: 6 });
    expect(served({}, metric, running(4, { ready: 3 })).value).toBe(10);
    expect(served({}, { ...metric, target: 1 }, running(7, { ready: 7 })).value).toBe(0.857);
  });

  test("of a Value metric fails while no replica is ready", () => {
    const metric = { ...away, metricType: "Value" } as const;
    const { value, decision } = served({}, metric, running(4, { ready: 0 }));
    expect([value, decision.rule]).toEqual([null, "hold"]);
  });

  test("counts as active, so it lifts from zero, and says so", () => {
    const policy = objectPolicy({ fallback });
    const { decision } = pollScaledObject(policy, failed(3), look(now, 0, away));
    expect([decision.kedaRule, decision.replicas]).toEqual([1, 1]);
    expect(decision.reasons.at(-1)).toMatchObject({
      code: "ScaledObjectFallbackActivated",
      text: "s0-metric is served as 30: away",
    });
  });

  test("stands in for the failed trigger alone", () => {
    const triggers = [triggerSpec(), triggerSpec()];
    const policy = objectPolicy({ fallback, triggers });
    const seen = look(now, 4, away, { value: 40, target: 5 });
    const { decision } = syncAutoscaler(policy, failed(3), seen);
    expect(decision.metrics?.map(({ source, value }) => [source, value])).toEqual([
      ["fallback", 30],
      ["reading", 40],
    ]);
    expect(decision.replicas).toBe(8);
  });
});

describe("useCachedMetrics", () => {
  const policy = objectPolicy({ triggers: [triggerSpec({ useCachedMetrics: true })] });
  const notAsked = { ...look(now, 2), triggers: [] };

  test("serves the autoscaler what the loop read last", () => {
    const { state } = pollScaledObject(policy, failed(0), look(now, 2, { value: 40, target: 5 }));
    const { decision } = syncAutoscaler(policy, state, look(now, 2, { value: 1, target: 5 }));
    expect(decision.metrics?.[0]).toMatchObject({ value: 40, source: "cache" });
  });

  test("serves it the loop's failure as well", () => {
    const { state } = pollScaledObject(policy, failed(0), look(now, 2, away));
    const { decision } = syncAutoscaler(policy, state, look(now, 2, { value: 1, target: 5 }));
    expect(decision.metrics?.[0]).toMatchObject({ value: null, failure: "away" });
  });

  test("has a live reading before the loop's first look", () => {
    const { decision } = syncAutoscaler(policy, failed(0), look(now, 2, { value: 40, target: 5 }));
    expect(decision.metrics?.[0]).toMatchObject({ value: 40, source: "reading" });
  });

  test("without any reading at all changes nothing", () => {
    expect(syncAutoscaler(policy, failed(0), notAsked).decision.replicas).toBe(2);
  });
});

function modified(given: Partial<ScalingModifiers>, spec: Partial<ScaledObjectSpec> = {}) {
  const modifiers: ScalingModifiers = {
    ...{ formula: "a + b", target: 2, activationTarget: 0, metricType: "AverageValue" },
    ...given,
  };
  return objectPolicy({
    triggers: [triggerSpec({ name: "a" }), triggerSpec({ name: "b" })],
    ...spec,
    advanced: {
      restoreToOriginalReplicaCount: false,
      horizontalPodAutoscalerConfig: { name: null, behavior: null },
      scalingModifiers: modifiers,
    },
  });
}

describe("scalingModifiers", () => {
  test("put one metric in place of all", () => {
    const seen = look(now, 3, { value: 2 }, { value: 5 });
    const { decision } = syncAutoscaler(modified({}), failed(0), seen);
    expect(decision.metrics?.at(-1)).toMatchObject({ metricName: "composite-metric", value: 7 });
    expect(decision.candidates[0]?.text).toContain("ceil(7 / 2) = 4");
    expect(decision.replicas).toBe(4);
  });

  test("decide activity by the result, not by the triggers", () => {
    const policy = modified({ activationTarget: 7 });
    const at = (value: number) =>
      pollScaledObject(policy, failed(0), look(now, 0, { value: 2 }, { value })).decision.replicas;
    expect([at(5), at(5.1)]).toEqual([0, 1]);
  });

  test("cut the result after three decimals", () => {
    const seen = look(now, 1, { value: 2 }, { value: 3 });
    const { decision } = syncAutoscaler(modified({ formula: "a / b" }), failed(0), seen);
    expect(decision.metrics?.at(-1)?.value).toBe(0.666);
  });

  test("with a failed trigger are inactive and an error", () => {
    const seen = look(now, 3, { value: 2 }, { failure: "away" });
    expect(pollScaledObject(modified({}), failed(0), seen).decision.kedaRule).toBe(5);
    expect(syncAutoscaler(modified({}), failed(0), seen).decision.replicas).toBe(3);
  });

  test("whose result is no number are an error", () => {
    const policy = modified({ formula: "a / b" });
    const { decision } = syncAutoscaler(
      policy,
      failed(0),
      look(now, 3, { value: 2 }, { value: 0 }),
    );
    expect([decision.replicas, decision.rule]).toEqual([3, "hold"]);
    expect(decision.reasons[0]?.text).toContain("Infinity");
  });

  test("skip the formula while an object-wide fallback stands in", () => {
    const seen = look(now, 4, away, { value: 100 });
    const { decision } = syncAutoscaler(modified({}, { fallback }), failed(3), seen);
    expect(decision.metrics?.at(-1)).toMatchObject({ value: 12, source: "fallback" });
    expect(decision.replicas).toBe(6);
  });

  test("have no fallback with a target that is no whole number, though it scales", () => {
    const policy = modified({ target: 2.5 }, { fallback });
    const broken = syncAutoscaler(policy, failed(9), look(now, 4, away, { value: 100 }));
    expect(broken.decision.rule).toBe("hold");
    const works = syncAutoscaler(policy, failed(0), look(now, 1, { value: 2 }, { value: 5 }));
    expect(works.decision.replicas).toBe(3);
  });
});

describe("the fallback behavior scalingModifiers", () => {
  const lenient = { ...fallback, behavior: "scalingModifiers" } as const;
  const policy = modified({ formula: "a ?? b" }, { fallback: lenient });

  test("gives the formula nil for a trigger once its failures exceed the threshold", () => {
    const at = (times: number) =>
      syncAutoscaler(policy, failed(times), look(now, 1, away, { value: 4 })).decision;
    expect(at(2).rule).toBe("hold");
    expect(at(3).metrics?.at(-1)).toMatchObject({ value: 4, source: "formula" });
    expect(at(3).replicas).toBe(2);
  });

  test("serves the fallback's count when the result itself is nil", () => {
    const state = { ...failed(0), failures: { "s0-metric": 3, "s1-metric": 3 } };
    const { decision } = syncAutoscaler(policy, state, look(now, 4, away, away));
    expect(decision.metrics?.at(-1)).toMatchObject({ value: 12, source: "fallback" });
    expect(decision.replicas).toBe(6);
  });
});
