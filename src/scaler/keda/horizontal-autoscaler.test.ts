/** Kubernetes' own rows for external and object metrics and for tolerance, restated; and the order of a sync. */
import { describe, expect, test } from "vitest";
import type { ScaledObjectSpec, ScalingControls } from "../../specs/index.ts";
import { look, objectPolicy, reading, running, triggerSpec } from "./fixtures/scaled.ts";
import { syncAutoscaler } from "./horizontal-autoscaler.ts";
import { replicasByAverageValue, replicasByValue } from "./metric-replicas.ts";
import { observeObject } from "./object-observation.ts";
import { initialScaledObjectState, type ScaledObjectState } from "./scaled-object-state.ts";

const tolerance = { up: 0.1, down: 0.1 };
const maxInt64 = 2 ** 63 - 1;

describe("AverageValue", () => {
  test.each([
    [3, 8600, 2150, 4, 2867],
    [5, 8600, 2867, 3, 1720],
    [3, 8600, 2900, 3, 2867],
    [1, maxInt64, 1, 2_147_483_647, maxInt64],
    [1, maxInt64, maxInt64, 1, maxInt64],
    [3, 20_000, 5000, 4, 6667],
    [5, 6000, 2000, 3, 1200],
    [4, 20_166, 5000, 4, 5042],
  ])("with %d, %d against %d asks for %d", (cur, usage, target, replicas, reported) => {
    expect(replicasByAverageValue({ usage, target }, cur, tolerance)).toMatchObject({
      replicas,
      reported,
    });
  });

  test("without any pod asks for what the metric needs", () => {
    const at = (usage: number) => replicasByAverageValue({ usage, target: 2000 }, 0, tolerance);
    expect([at(0).replicas, at(5000).replicas]).toEqual([0, 3]);
  });

  test("holds at the very edge of the band, where older Kubernetes scaled", () => {
    const at = (usage: number) => replicasByAverageValue({ usage, target: 1000 }, 10, tolerance);
    expect(at(11_000)).toMatchObject({ replicas: 10, isWithinTolerance: true });
    expect(at(11_001)).toMatchObject({ replicas: 12, isWithinTolerance: false });
    expect(at(9000)).toMatchObject({ replicas: 10, isWithinTolerance: true });
    expect(at(8999)).toMatchObject({ replicas: 9, isWithinTolerance: false });
  });

  test.each([
    [45, 41, 50],
    [10, 10, 11],
    [30, 28, 33],
  ])("of cron for %d is content from %d to %d", (want, from, to) => {
    const content = Array.from({ length: 100 }, (_, index) => index + 1).filter(
      (count) =>
        replicasByAverageValue({ usage: want * 1000, target: 1000 }, count, tolerance).replicas ===
        count,
    );
    expect([content[0], content.at(-1)]).toEqual([from, to]);
  });
});

describe("Value", () => {
  test.each([
    [3, 1, 8600, 4400, 2],
    [5, 5, 8600, 14_334, 3],
    [3, 3, 8600, 8888, 3],
    [3, 3, 20_000, 15_000, 4],
    [3, 1, 50_000, 10_000, 5],
    [5, 5, 12_000, 20_000, 3],
    [3, 3, 20_666, 20_000, 3],
  ])(
    "with %d, %d of them ready, %d against %d asks for %d",
    (current, ready, usage, target, replicas) => {
      const made = replicasByValue({ usage, target }, { current, ready }, tolerance);
      expect(made.replicas).toBe(replicas);
    },
  );
});

interface Scene {
  readonly spec?: Partial<ScaledObjectSpec>;
  readonly controls?: Partial<ScalingControls>;
  readonly state?: ScaledObjectState;
  readonly replicas: number;
  readonly value?: number;
  readonly target?: number;
}

const fresh = initialScaledObjectState(0);
/** Long enough after the first sync for its recommendation to be gone. */
const later = 1_000_000;
const settled: ScaledObjectState = {
  ...fresh,
  autoscaler: { ...fresh.autoscaler, recommendations: [] },
};

function sync(scene: Scene) {
  const { value = 0, target = 5, replicas } = scene;
  const seen = look(later, replicas, { value, target });
  return syncAutoscaler(objectPolicy(scene.spec, scene.controls), scene.state ?? settled, seen);
}

const codes = (scene: Scene) => sync(scene).decision.reasons.map(({ code }) => code);

describe("a sync", () => {
  test("is disabled at zero, and remembers nothing but the first count", () => {
    const { decision, state } = sync({ replicas: 0, value: 100, state: fresh });
    expect([decision.replicas, decision.reasons[0]?.code]).toEqual([0, "ScalingDisabled"]);
    expect(state.autoscaler.recommendations).toEqual([{ at: later, replicas: 0 }]);
  });

  test("brings a count beyond the bounds back without looking at metrics", () => {
    const spec = { minReplicaCount: 2, maxReplicaCount: 8 };
    const high = sync({ spec, replicas: 12, value: 1000 });
    const low = sync({ spec, replicas: 1, value: 1000 });
    expect([high.decision.replicas, low.decision.replicas]).toEqual([8, 2]);
    expect(high.state.autoscaler.recommendations).toEqual([]);
    expect([high.decision.reasons[0]?.code, low.decision.reasons[0]?.code]).toEqual([
      "TooManyReplicas",
      "TooFewReplicas",
    ]);
  });

  test("remembers the count that it first finds, so that a restart drops nobody at once", () => {
    const first = sync({ replicas: 9, value: 5, state: fresh });
    expect(first.decision.replicas).toBe(9);
    expect(first.decision.reasons.map(({ code }) => code)).toContain("ScaleDownStabilized");
  });

  test("never goes below one, however little there is", () => {
    expect(sync({ replicas: 3, value: 0 }).decision.replicas).toBe(1);
  });

  test("is limited to the double, or four, without behavior", () => {
    expect(sync({ replicas: 1, value: 500 }).decision.replicas).toBe(4);
    expect(codes({ replicas: 1, value: 500 })).toContain("ScaleUpLimit");
  });

  test("tells the whole way from metric to count", () => {
    const { decision } = sync({ replicas: 4, value: 37 });
    expect(decision.candidates.map(({ rule, replicas }) => [rule, replicas])).toEqual([
      ["metric", 8],
      ["highest", 8],
      ["stabilization", 8],
      ["rate", 8],
      ["bounds", 8],
    ]);
    expect(decision.candidates[0]?.text).toBe(
      "s0-metric: 37 / (5 × 4) = 1.85 is outside 0.9 to 1.1: ceil(37 / 5) = 8",
    );
    expect(decision.replicas).toBe(8);
  });
});

describe("a sync with pauses, failures and behavior", () => {
  test("does nothing while the object is paused, since KEDA has deleted the HPA then", () => {
    const { decision } = sync({ controls: { paused: true }, replicas: 3, value: 500 });
    expect([decision.replicas, decision.reasons[0]?.code]).toEqual([3, "ScaledObjectPaused"]);
  });

  test("follows paused-scale-in and paused-scale-out", () => {
    const scaleIn = sync({ controls: { pausedScaleIn: true }, replicas: 9, value: 5 });
    const scaleOut = sync({ controls: { pausedScaleOut: true }, replicas: 2, value: 500 });
    expect([scaleIn.decision.replicas, scaleOut.decision.replicas]).toEqual([9, 2]);
    // Each brings a behavior, whose defaults hold for the other direction.
    const grown = sync({ controls: { pausedScaleIn: true }, replicas: 1, value: 500 });
    expect(grown.decision.replicas).toBe(5);
  });

  test("changes nothing on a target that does not tell its count", () => {
    const failure = { of: "target", text: "no answer" } as const;
    const seen = { ...look(later, 3, { value: 100 }), failure };
    const { decision, state } = syncAutoscaler(objectPolicy(), settled, seen);
    expect([decision.replicas, decision.reasons[0]?.code]).toEqual([3, "FailedGetScale"]);
    expect(state).toEqual(settled);
  });

  test("in the band, takes the pods that exist and not those that are asked for", () => {
    const seen = look(later, running(4, { existing: 5 }), { value: 25, target: 5 });
    expect(syncAutoscaler(objectPolicy(), settled, seen).decision.replicas).toBe(5);
  });

  test("remembers its changes only with behavior, and only when they were made", () => {
    const advanced = {
      restoreToOriginalReplicaCount: false,
      horizontalPodAutoscalerConfig: { name: null, behavior: { scaleUp: null, scaleDown: null } },
      scalingModifiers: null,
    };
    const without = sync({ replicas: 1, value: 500 });
    const withIt = sync({ spec: { advanced }, replicas: 1, value: 500 });
    expect(without.state.autoscaler.scaleUps).toEqual([]);
    expect(withIt.state.autoscaler.scaleUps).toEqual([{ at: later, change: 4 }]);
    expect(withIt.stateIfUnscaled.autoscaler.scaleUps).toEqual([]);
  });
});

describe("several metrics", () => {
  const two = { triggers: [triggerSpec(), triggerSpec()] };
  const syncTwo = (replicas: number, ...metrics: Parameters<typeof reading>[1][]) =>
    syncAutoscaler(objectPolicy(two), settled, {
      ...look(later, replicas),
      triggers: metrics.map((metric, index) => reading(index, metric)),
    }).decision;

  test("take the highest proposal", () => {
    const { replicas, reasons } = syncTwo(3, { value: 2, target: 1 }, { value: 5, target: 1 });
    expect(replicas).toBe(5);
    expect(reasons.find(({ code }) => code === "ValidMetricFound")?.text).toContain("s1-metric");
  });

  test("still scale out when one of them fails", () => {
    const decision = syncTwo(3, { value: 4, target: 1 }, { failure: "away" });
    expect(decision.replicas).toBe(4);
    expect(decision.reasons.at(-1)).toMatchObject({ code: "FailedGetExternalMetric" });
  });

  test("do not scale in while one of them fails", () => {
    const decision = syncTwo(5, { value: 1, target: 1 }, { failure: "away" });
    expect(decision.replicas).toBe(5);
    expect(decision.rule).toBe("hold");
  });

  test("that all fail change nothing", () => {
    expect(syncTwo(5, { failure: "away" }, { failure: "gone" }).replicas).toBe(5);
  });

  test("of type Value fail where there is no pod to multiply", () => {
    const status = running(3, { existing: 0, ready: 0 });
    const metric = { value: 50, target: 5, metricType: "Value" } as const;
    const seen = observeObject({ at: later, triggers: [reading(0, metric)], status });
    const { decision } = syncAutoscaler(objectPolicy(), settled, seen);
    expect([decision.replicas, decision.rule]).toEqual([3, "hold"]);
  });
});
