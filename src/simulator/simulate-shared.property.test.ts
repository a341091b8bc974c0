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

/** So many jobs at a second of the load, each of so many tenths of a second. */
interface Burst {
  readonly at: number;
  readonly count: number;
  readonly tenths: number;
}

function loadOf(name: string, bursts: readonly Burst[]): Load {
  const jobs = bursts
    .toSorted((a, b) => a.at - b.at)
    .flatMap(({ at, count, tenths }) => Array.from({ length: count }, () => ({ at, tenths })));
  return createLoad({
    name,
    arrivalUs: Float64Array.from(jobs, ({ at }) => at * second),
    serviceUs: Float64Array.from(jobs, ({ tenths }) => (tenths * second) / 10),
  });
}

interface Member {
  readonly bursts: readonly Burst[];
  readonly minReplicaCount: number;
  readonly concurrency: number;
  readonly yieldsBusy: boolean;
  readonly maxWaitMs: number;
}

const queueOf = (member: Member, index: number): SharedQueue => {
  const { bursts, minReplicaCount, concurrency, yieldsBusy, maxWaitMs } = member;
  return {
    ...{ name: `q${index}`, load: loadOf(`q${index}`, bursts), maxWaitMs },
    policy: {
      ...{ objective: { maxWait: `${maxWaitMs}ms` }, concurrency, yieldsBusy },
      scale: { minReplicaCount, maxReplicaCount: 50 },
    },
    workers: { concurrency, startup: constant(5000), graceMs: Number.POSITIVE_INFINITY },
  };
};

const burst: fc.Arbitrary<Burst> = fc.record({
  ...{ at: fc.nat(400), count: fc.integer({ min: 1, max: 40 }) },
  tenths: fc.integer({ min: 1, max: 150 }),
});
const member: fc.Arbitrary<Member> = fc.record({
  bursts: fc.array(burst, { minLength: 2, maxLength: 8, size: "max" }),
  ...{ minReplicaCount: fc.nat(1), yieldsBusy: fc.boolean() },
  concurrency: fc.integer({ min: 1, max: 3 }),
  maxWaitMs: fc.constantFrom(20_000, 200_000),
});
const scenarios: fc.Arbitrary<SharedSimulationOptions> = fc
  .record({
    maxReplicas: fc.integer({ min: 3, max: 8 }),
    members: fc.array(member, { minLength: 2, maxLength: 3 }),
    seed: fc.nat(),
  })
  .map(({ maxReplicas, members, seed }) => ({
    ...{ maxReplicas, seed, columns: 0, queues: members.map(queueOf) },
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
      { numRuns: 25 },
    );
  });

  test("cost no less than the bounds of each together, and the same from the same", async () => {
    await fc.assert(
      fc.asyncProperty(scenarios, async (scenario) => {
        const outcomes = simulateShared(scenario).queues;
        const reports = outcomes.map((outcome) => toReport(outcome));
        const bounds = await Promise.all(
          outcomes.map(({ load, maxWaitMs, workers: { concurrency, startup, billing } }, index) => {
            const lateShare = ((reports[index]?.jobs.late ?? 0) + 0.5) / load.arrivalUs.length;
            return lowerBound({
              ...{ load, maxWaitMs: maxWaitMs ?? 0, lateShare: Math.min(1, lateShare) },
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
      { numRuns: 4 },
    );
  });
});
