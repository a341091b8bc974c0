/** Kubernetes' own rows for cpu and pods metrics, restated; and the pods that are left out and counted in again. */
import { describe, expect, test } from "vitest";
import type { ResourcePod, ResourceReading } from "./resource-metric.ts";
import { proposeByResource } from "./resource-replicas.ts";
import { autoscalerDefaults } from "./scaled-object-policy.ts";

const now = 10_000_000;
const context = (current: number, tolerance = { up: 0.1, down: 0.1 }) => ({
  ...{ current, at: now, tolerance, flags: autoscalerDefaults },
});

function pod(usage: number | null, given: Partial<ResourcePod> = {}): ResourcePod {
  return {
    phase: "Running",
    isDeleting: false,
    isReady: true,
    readyChangedAt: now - 3_000_000,
    startedAt: now - 3_600_000,
    usage,
    sampledAt: now - 10_000,
    sampleWindowMs: 60_000,
    request: 1000,
    ...given,
  };
}

function cpu(target: number, ...pods: readonly ResourcePod[]): ResourceReading {
  const kind = { index: 0, resource: "cpu", metricType: "Utilization" } as const;
  return { ...kind, target, pods, failure: null };
}

function average(target: number, ...usages: readonly number[]): ResourceReading {
  const kind = { index: 0, resource: "memory", metricType: "AverageValue" } as const;
  return { ...kind, target, pods: usages.map((usage) => pod(usage)), failure: null };
}

const three = (usage: number): readonly ResourcePod[] => [pod(usage), pod(usage), pod(usage)];
const replicas = (
  reading: ResourceReading,
  current: number,
  tolerance?: { up: number; down: number },
) => proposeByResource(reading, context(current, tolerance)).candidate.replicas;

describe("a resource metric", () => {
  test.each([
    [1010, 0, 0, 4],
    [1900, 2, 0.1, 3],
    [1090, 0.08, 0.1, 4],
    [650, 0.1, 0.36, 3],
    [650, 0.1, 0.34, 2],
  ])(
    "at %d of 1000 with a tolerance of %d up and %d down asks for %d",
    (usage, up, down, result) => {
      expect(replicas(cpu(100, ...three(usage)), 3, { up, down })).toBe(result);
    },
  );

  test("averages an amount over the pods", () => {
    expect(replicas(average(15_000, 20_000, 10_000, 30_000), 3)).toBe(4);
    expect(replicas(average(20_000, 12_000, 12_000, 12_000, 12_000, 12_000), 5)).toBe(3);
  });

  test("does not scale out on pods that burn cpu while they start", () => {
    const starting = { isReady: false, startedAt: now - 60_000, readyChangedAt: now - 60_000 };
    // 2000 of 1000 alone would ask for 2; with two starting pods at nothing the mean is below the target.
    const reading = cpu(100, pod(2000), pod(3000, starting), pod(3000, starting));
    expect(replicas(reading, 3)).toBe(3);
  });

  test("counts a pod without a sample as busy before it scales in", () => {
    expect(replicas(cpu(100, pod(100), pod(100), pod(null)), 3)).toBe(2);
    expect(replicas(cpu(100, pod(100), pod(100), pod(100)), 3)).toBe(1);
  });

  test("counts a pod without a sample as idle before it scales out", () => {
    expect(replicas(cpu(100, pod(1300), pod(1300), pod(null)), 3)).toBe(3);
    expect(replicas(cpu(100, pod(3000), pod(3000), pod(null)), 3)).toBe(6);
  });

  test("leaves out pods that are deleted, failed or pending", () => {
    const gone = [pod(9000, { isDeleting: true }), pod(9000, { phase: "Failed" })];
    expect(replicas(cpu(100, ...three(1000), ...gone), 3)).toBe(3);
    expect(replicas(cpu(100, ...three(2000), pod(null, { phase: "Pending" })), 4)).toBe(6);
  });

  test("fails without a ready sample, and without a request", () => {
    expect(proposeByResource(cpu(100, pod(null)), context(1)).failure).toContain("no ready pod");
    const unrequested = cpu(100, pod(10, { request: null }));
    expect(proposeByResource(unrequested, context(1)).failure).toContain("requests none");
    const failed = { ...cpu(100), failure: "no metrics server" };
    expect(proposeByResource(failed, context(1)).failure).toBe("no metrics server");
  });
});
