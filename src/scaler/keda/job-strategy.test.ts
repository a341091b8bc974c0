/** KEDA's own rows for ScaledJobs, restated. */
import { describe, expect, test } from "vitest";
import type { ScalingStrategy } from "../../specs/index.ts";
import { isPendingJob, type JobPod, jobsToForget, jobsToReplace } from "./job-counts.ts";
import { combineJobMetrics, jobMetric, meanTarget } from "./job-metrics.ts";
import { jobsToCreate } from "./job-strategy.ts";
import { jobBounds } from "./scaled-job-policy.ts";

const base: ScalingStrategy = {
  strategy: "default",
  customScalingQueueLengthDeduction: 0,
  customScalingRunningJobPercentage: null,
  pendingPodConditions: [],
  multipleScalersCalculation: "max",
};
const many = 1_000_000;

/** E for M, R, P and MAX. */
function effective(
  strategy: ScalingStrategy,
  row: readonly [number, number, number, number],
): number {
  const [maxScale, running, pending, limit] = row;
  return jobsToCreate(strategy, { queue: many, maxScale, running, pending, limit }).effective;
}

describe("the strategy of a ScaledJob", () => {
  test.each([
    [3, 2, 0, 5, 1],
    [2, 0, 0, 5, 2],
    [2, 5, 0, 5, 0],
  ])("default: M %d, R %d, P %d, MAX %d: %d", (m, r, p, max, e) => {
    expect(effective(base, [m, r, p, max])).toBe(e);
  });

  test.each([
    [1, 0.5, 3, 2, 5, 1],
    [1, 0.5, 10, 0, 10, 9],
    [2, 0, 3, 2, 5, 1],
    [-2, 0, 3, 2, 4, 4],
    [0, 0.5, 10, 2, 100, 9],
  ])("custom: deduction %d, percentage %d, M %d, R %d, MAX %d: %d", (ded, pct, m, r, max, e) => {
    const strategy: ScalingStrategy = {
      ...{ ...base, strategy: "custom" },
      customScalingQueueLengthDeduction: ded,
      customScalingRunningJobPercentage: pct,
    };
    expect(effective(strategy, [m, r, 0, max])).toBe(e);
  });

  test("custom without a percentage is the default", () => {
    const strategy: ScalingStrategy = { ...base, strategy: "custom" };
    const need = { queue: 9, maxScale: 3, running: 2, pending: 0, limit: 5 };
    expect(jobsToCreate(strategy, need)).toMatchObject({ strategy: "default", create: 1 });
  });

  test.each([
    [3, 2, 0, 5, 3],
    [5, 2, 0, 5, 3],
    [3, 4, 2, 10, 1],
    [5, 4, 2, 5, 1],
    [3, 3, 3, 5, 0],
    [15, 15, 15, 20, 0],
    [10, 10, 10, 15, 0],
    [20, 15, 10, 20, 5],
  ])("accurate: M %d, R %d, P %d, MAX %d: %d", (m, r, p, max, e) => {
    expect(effective({ ...base, strategy: "accurate" }, [m, r, p, max])).toBe(e);
  });

  test.each([
    [4, 3, 0, 10, 4],
    [4, 0, 3, 10, 4],
    [4, 7, 0, 10, 3],
    [4, 1, 6, 10, 3],
    [15, 0, 0, 10, 10],
  ])("eager: M %d, R %d, P %d, MAX %d: %d, and wants MAX", (m, r, p, max, e) => {
    const need = { queue: 1, maxScale: m, running: r, pending: p, limit: max };
    const answer = jobsToCreate({ ...base, strategy: "eager" }, need);
    expect(answer).toMatchObject({ effective: e, wanted: max, create: e });
  });
});

describe("the bounds of a ScaledJob", () => {
  test.each([
    [10, 0, 10, 0],
    [10, null, 10, 0],
    [10, 1, 9, 1],
    [null, 1, 100, 1],
    [null, null, 100, 0],
    [1, 10, 1, 1],
  ])("max %j and min %j make MAX %d and MIN %d", (max, min, limit, least) => {
    expect(jobBounds(min, max)).toEqual({ scaleLimit: limit, minReplicaCount: least });
  });
});

describe("several triggers of a ScaledJob", () => {
  const triggers = [
    [20, 1, true],
    [10, 2, true],
    [5, 3, true],
    [7, 4, false],
  ] as const;
  const metricsWithin = (limit: number, list: readonly (readonly [number, number, boolean])[]) =>
    list.map(([queue, target, active], index) => {
      const metricName = `s${index}-queue`;
      const metric = jobMetric(
        {
          index,
          specs: [{ metricName, metricType: "AverageValue", target }],
          readings: [{ metricName, value: queue, active }],
          failure: null,
        },
        limit,
      );
      if (typeof metric === "string") throw new Error(metric);
      return metric;
    });

  test.each([
    ["max", 100, 20, 20],
    ["min", 100, 5, 2],
    ["avg", 100, 12, 9],
    ["sum", 100, 35, 27],
    ["sum", 25, 35, 25],
  ] as const)("by %s within %d: queue %d, scale %d", (calculation, limit, queue, maxScale) => {
    expect(combineJobMetrics(metricsWithin(limit, triggers), calculation, limit)).toEqual({
      ...{ queue, maxScale },
      active: true,
    });
  });

  test("by max need a queue above zero", () => {
    const idle = metricsWithin(100, [[0, 1, true]]);
    expect(combineJobMetrics(idle, "max", 100)).toEqual({ queue: 0, maxScale: 0, active: true });
  });

  test("by min let a leading zero give way to what follows", () => {
    const metrics = metricsWithin(100, [
      [0, 1, true],
      [8, 2, true],
      [9, 1, true],
    ]);
    expect(combineJobMetrics(metrics, "min", 100)).toMatchObject({ queue: 8, maxScale: 4 });
  });

  test("of which one is alone", () => {
    const metrics = metricsWithin(100, [[20, 2, true]]);
    expect(combineJobMetrics(metrics, "max", 100)).toMatchObject({ queue: 20, maxScale: 10 });
  });

  test.each([
    [[1, 1], 1],
    [[5, 5, 3], 4.3333],
    [[5, 5, 4], 4.6667],
    [[], 0],
  ])("of targets %j have the mean %d", (targets, mean) => {
    const specs = targets.map((target, index) => ({
      ...{ metricName: `s${index}-m`, target },
      metricType: "AverageValue" as const,
    }));
    expect(meanTarget(specs)).toBeCloseTo(mean, 4);
  });
});

describe("a job", () => {
  const phases = (...list: readonly JobPod["phase"][]): readonly JobPod[] =>
    list.map((phase) => ({ phase, conditions: [] }));
  const running = (...conditions: readonly string[]): JobPod => ({ phase: "Running", conditions });
  const both = ["Ready", "PodScheduled"];

  test.each([
    ["Succeeded", false],
    ["Running", false],
    ["Failed", true],
    ["Pending", true],
    ["Unknown", true],
  ] as const)("of one %s pod is pending: %s", (phase, isPending) => {
    expect(isPendingJob(phases(phase), [])).toBe(isPending);
  });

  test("without a pod is pending", () => {
    expect(isPendingJob([], [])).toBe(true);
    expect(isPendingJob([], both)).toBe(true);
  });

  test.each([
    [[running()], true],
    [[running("Ready")], true],
    [[running("Ready", "PodScheduled")], false],
    [[running("Ready"), running("Ready", "PodScheduled")], false],
    [[running("Ready"), running("PodScheduled")], true],
  ])("whose pods have the conditions %j is pending: %s", (pods, isPending) => {
    expect(isPendingJob(pods, both)).toBe(isPending);
  });

  const job = (id: string, state: "running" | "succeeded" | "failed", endedAt: number | null) => ({
    ...{ id, state, endedAt, ready: false, generation: 1, createdAt: 0, failures: 0 },
  });

  test("is forgotten beyond the history limits, the oldest first", () => {
    const jobs = [
      job("new", "succeeded", 30),
      job("old", "succeeded", 10),
      job("mid", "succeeded", 20),
      job("bad", "failed", 5),
      job("now", "running", null),
    ];
    expect(jobsToForget(jobs, { successful: 1, failed: 1 })).toEqual(["old", "mid"]);
    expect(jobsToForget(jobs, { successful: 0, failed: 0 })).toEqual(["old", "mid", "new", "bad"]);
  });

  test("of another generation is ended by an immediate roll-out and kept by a gradual one", () => {
    const jobs = [job("old", "running", null), { ...job("new", "running", null), generation: 2 }];
    expect(jobsToReplace(jobs, { rollout: "immediate", generation: 2 })).toEqual(["old"]);
    expect(jobsToReplace(jobs, { rollout: "gradual", generation: 2 })).toEqual([]);
  });
});
