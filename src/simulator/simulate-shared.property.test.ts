import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lowerBound } from "./bound/lower-bound.ts";
import { constant } from "./distribution.ts";
import { createLoad, type Load, second } from "./loads/load.ts";
import { hashReport, toReport } from "./report.ts";
import {
  type SharedQueue,
  type SharedSimulationOptions,
  simulateShared,
} from "./simulate-shared.ts";

const maxWaitMs = 30_000;

/** Jobs by `[arrival, service]` in tenths of seconds, in any order. */
function loadOf(name: string, jobs: readonly (readonly [number, number])[]): Load {
  const inOrder = jobs.toSorted(([a], [b]) => a - b);
  return createLoad({
    name,
    arrivalUs: Float64Array.from(inOrder, ([at]) => (at * second) / 10),
    serviceUs: Float64Array.from(inOrder, ([, service]) => (service * second) / 10),
  });
}

const queueOf = (load: Load, minReplicaCount = 0, concurrency = 1): SharedQueue => ({
  ...{ name: load.name, load, maxWaitMs },
  policy: {
    ...{ objective: { maxWait: "30s" }, concurrency },
    scale: { minReplicaCount, maxReplicaCount: 50 },
  },
  workers: { concurrency, startup: constant(5000) },
});

const jobs = fc.array(fc.tuple(fc.nat(3000), fc.integer({ min: 1, max: 300 })), {
  minLength: 1,
  maxLength: 60,
});
const scenarios: fc.Arbitrary<SharedSimulationOptions> = fc
  .record({
    maxReplicas: fc.integer({ min: 3, max: 12 }),
    queues: fc.array(
      fc.record({ jobs, minimum: fc.nat(1), slots: fc.integer({ min: 1, max: 3 }) }),
      {
        ...{ minLength: 2, maxLength: 3 },
      },
    ),
    seed: fc.nat(),
  })
  .map(({ maxReplicas, queues, seed }) => ({
    ...{ maxReplicas, seed, columns: 0 },
    queues: queues.map(({ jobs: list, minimum, slots }, index) =>
      queueOf(loadOf(`q${index}`, list), minimum, slots),
    ),
  }));

describe("several queues under one cap", () => {
  test("never have more workers than it, lose and kill nothing, and get everything done", () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const { queues, peakWorkers } = simulateShared(scenario);
        expect(peakWorkers).toBeLessThanOrEqual(scenario.maxReplicas ?? 0);
        for (const report of queues.map((outcome) => toReport(outcome))) {
          expect(report.checks.conserved).toBe(true);
          expect(report.checks.littleWaiting).toBeLessThan(1e-9);
          expect(report.jobs.done).toBe(report.load.jobs);
          expect(report.workers.kills).toBe(0);
        }
      }),
      { numRuns: 40 },
    );
  });

  test("cost no less than the bounds of each together, and the same from the same", async () => {
    await fc.assert(
      fc.asyncProperty(scenarios, async (scenario) => {
        const outcomes = simulateShared(scenario).queues;
        const reports = outcomes.map((outcome) => toReport(outcome));
        const bounds = await Promise.all(
          outcomes.map(({ load, workers: { concurrency, startup, billing } }, index) => {
            const lateShare = ((reports[index]?.jobs.late ?? 0) + 0.5) / load.arrivalUs.length;
            return lowerBound({
              ...{ load, maxWaitMs, lateShare: Math.min(1, lateShare) },
              ...{ concurrency, startup, billing, initialReplicas: 0 },
            });
          }),
        );
        const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
        const paid = sum(reports.map(({ workerSeconds }) => workerSeconds.total));
        expect(paid).toBeGreaterThanOrEqual(sum(bounds.map((one) => one.workerSeconds)) - 1e-6);
        const again = simulateShared(scenario).queues.map((outcome) => toReport(outcome));
        expect(again.map(hashReport)).toEqual(reports.map(hashReport));
      }),
      { numRuns: 5 },
    );
  });
});
