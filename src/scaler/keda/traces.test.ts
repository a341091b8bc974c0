/** Metrics over time and the counts that come of them, with both clocks at work. */
import { describe, expect, test } from "vitest";
import type { Behavior, ScaledObjectSpec } from "../../specs/index.ts";
import { type Change, play } from "./fixtures/play.ts";
import { objectPolicy } from "./fixtures/scaled.ts";

const withBehavior = (behavior: Behavior): Pick<ScaledObjectSpec, "advanced"> => ({
  advanced: {
    restoreToOriginalReplicaCount: false,
    horizontalPodAutoscalerConfig: { name: null, behavior },
    scalingModifiers: null,
  },
});
const counts = (changes: readonly Change[]) => changes.map(({ replicas }) => replicas);
const lines = (changes: readonly Change[]) =>
  changes.map(({ at, by, replicas }) => `${at} ${by} ${replicas}`);
const backlog = () => ({ value: 10_000, target: 5 });

describe("out of zero", () => {
  test("without behavior the count goes 1, 4, 8, 16, 32, 64, 100 in six syncs", () => {
    const { changes } = play({ policy: objectPolicy(), seconds: 120, metric: backlog });
    expect(lines(changes)).toEqual([
      "0 keda 1",
      "1 hpa 4",
      "16 hpa 8",
      "31 hpa 16",
      "46 hpa 32",
      "61 hpa 64",
      "76 hpa 100",
    ]);
  });

  test("with any behavior, even one for scale-in alone, it goes 1, 5, 10, 20, 40, 80, 100", () => {
    const scaleDown = {
      ...{ stabilizationWindowSeconds: 60, selectPolicy: null, policies: null },
      tolerance: null,
    };
    const policy = objectPolicy(withBehavior({ scaleUp: null, scaleDown }));
    const { changes } = play({ policy, seconds: 120, metric: backlog });
    expect(counts(changes)).toEqual([1, 5, 10, 20, 40, 80, 100]);
  });

  test("it waits for the next poll, unless the source pushes", () => {
    const metric = (at: number) => ({ value: at >= 5 ? 4 : 0, target: 5 });
    const polled = play({ policy: objectPolicy(), seconds: 40, metric });
    const pushed = play({ policy: objectPolicy(), seconds: 40, metric, pushes: [5] });
    expect(lines(polled.changes)).toEqual(["30 keda 1"]);
    expect(lines(pushed.changes)).toEqual(["5 keda 1"]);
  });

  test("an activation value outranks the target: nothing starts although the target asks for four", () => {
    const metric = () => ({ value: 20, target: 5, activation: 20 });
    expect(play({ policy: objectPolicy(), seconds: 600, metric }).changes).toEqual([]);
  });
});

describe("down again", () => {
  const fiftyFor = (seconds: number) => (at: number) => ({
    value: at < seconds ? 50 : 0,
    target: 5,
  });

  test("the count falls from N to zero in one step, a cooldown after the last activity", () => {
    const { changes } = play({ policy: objectPolicy(), seconds: 600, metric: fiftyFor(100) });
    expect(lines(changes)).toEqual([
      "0 keda 1",
      "1 hpa 4",
      "16 hpa 8",
      "31 hpa 10",
      // The HPA last wanted 10 at 91, and what is exactly 300 s old still counts at 391. KEDA was active last at 90,
      // and 390 is not yet more than a cooldown later.
      "406 hpa 1",
      "420 keda 0",
    ]);
  });

  test("a short cooldown jumps over the HPA's window", () => {
    const policy = objectPolicy({ cooldownPeriod: 60 });
    const { changes } = play({ policy, seconds: 300, metric: fiftyFor(100) });
    expect(lines(changes).at(-1)).toBe("180 keda 0");
    expect(counts(changes).at(-2)).toBe(10);
  });

  test("and after such a jump one message makes the count climb back to the old height", () => {
    const policy = objectPolicy({ cooldownPeriod: 60 });
    const metric = (at: number) => ({ value: at < 100 ? 50 : at < 210 ? 0 : 1, target: 5 });
    const { changes } = play({ policy, seconds: 300, metric });
    expect(lines(changes).slice(4)).toEqual([
      "180 keda 0",
      "210 keda 1",
      "211 hpa 4",
      "226 hpa 8",
      "241 hpa 10",
    ]);
  });

  test("with a minimum the HPA alone shrinks it, when the window has passed", () => {
    const policy = objectPolicy({ minReplicaCount: 2, cooldownPeriod: 30 });
    const { changes } = play({ policy, begin: 2, seconds: 600, metric: fiftyFor(100) });
    expect(lines(changes)).toEqual(["1 hpa 4", "16 hpa 8", "31 hpa 10", "406 hpa 2"]);
  });
});

describe("idle replicas", () => {
  test("above zero flap: the HPA lifts what KEDA lowers, for ever", () => {
    const policy = objectPolicy({ idleReplicaCount: 1, minReplicaCount: 3, cooldownPeriod: 0 });
    const { changes } = play({
      ...{ policy, begin: 3, seconds: 95 },
      metric: () => ({ value: 0, target: 5 }),
    });
    expect(lines(changes)).toEqual([
      "30 keda 1",
      "31 hpa 3",
      "60 keda 1",
      "61 hpa 3",
      "90 keda 1",
      "91 hpa 3",
    ]);
  });

  test("of zero rest, and come back as the minimum", () => {
    const policy = objectPolicy({ idleReplicaCount: 0, minReplicaCount: 3, cooldownPeriod: 0 });
    const metric = (at: number) => ({ value: at < 60 ? 0 : 4, target: 5 });
    const { changes } = play({ policy, begin: 3, seconds: 120, metric });
    expect(lines(changes)).toEqual(["30 keda 0", "60 keda 3"]);
  });
});

describe("the dead band", () => {
  test("keeps cron for 45 at 41 and above", () => {
    const metric = () => ({ value: 45, target: 1 });
    expect(play({ policy: objectPolicy(), begin: 41, seconds: 120, metric }).changes).toEqual([]);
    expect(
      counts(play({ policy: objectPolicy(), begin: 40, seconds: 120, metric }).changes),
    ).toEqual([45]);
  });
});

describe("an outage", () => {
  test("changes nothing without a fallback, for as long as it lasts", () => {
    const metric = (at: number) =>
      at < 60 ? { value: 20, target: 5 } : { failure: "away", target: 5 };
    const { changes } = play({ policy: objectPolicy(), seconds: 3600, metric });
    expect(counts(changes)).toEqual([1, 4]);
  });

  test("brings the fallback's count once both clocks have failed often enough, also from zero", () => {
    const fallback = { failureThreshold: 3, replicas: 6, behavior: "static" } as const;
    const metric = () => ({ failure: "away", target: 5 });
    const { changes } = play({ policy: objectPolicy({ fallback }), seconds: 200, metric });
    // At zero the HPA asks nothing, so the loop alone counts: 0, 30, 60, 90 s.
    expect(lines(changes)).toEqual(["90 keda 1", "91 hpa 4", "106 hpa 6"]);
  });
});
