/** No policy is cheaper than the bound, or one of the two is wrong. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { constant, type Distribution } from "../distribution.ts";
import { simulate } from "../engine/simulation.ts";
import { createLoad, type Load, second } from "../loads/load.ts";
import { backlogPolicy } from "../policies/backlog.ts";
import { fixedPolicy } from "../policies/fixed.ts";
import { toReport } from "../report.ts";
import { lowerBound } from "./lower-bound.ts";

const startups: readonly Distribution[] = [
  constant(0),
  constant(3000),
  constant(20_000),
  { kind: "uniform", fromMs: 5000, toMs: 30_000 },
  { kind: "lognormal", meanMs: 5000, sigma: 1 },
];

/** Bursts and lone jobs, short and long. */
const loads = fc
  .array(
    fc.record({
      gap: fc.oneof(
        fc.constant(0),
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 0, max: 300 }),
      ),
      service: fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 60_000 })),
    }),
    { minLength: 1, maxLength: 120 },
  )
  .map((jobs): Load => {
    let at = 0;
    const arrivalUs = Float64Array.from(jobs, ({ gap }) => {
      at += gap * second;
      return at;
    });
    const serviceUs = Float64Array.from(jobs, ({ service }) => service * 1000);
    return createLoad({ name: "random", arrivalUs, serviceUs, spanUs: at + 60 * second });
  });

const setups = fc.record({
  load: loads,
  startup: fc.constantFrom(...startups),
  concurrency: fc.constantFrom(1, 1, 4, 10),
  maxWaitMs: fc.constantFrom(1000, 10_000, 60_000),
  initialReplicas: fc.constantFrom(0, 0, 2),
  billing: fc.constantFrom("request", "request", "ready"),
  dispatch: fc.constantFrom("lifo", "random", "roundrobin"),
  policy: fc.constantFrom(
    fixedPolicy(30),
    fixedPolicy(3),
    backlogPolicy({ maxReplicaCount: 40, messageCount: 1 }),
    backlogPolicy({
      maxReplicaCount: 40,
      messageCount: 4,
      cooldownPeriod: 0,
      stabilizationWindow: 0,
    }),
  ),
} as const);

describe("the lower bound", () => {
  test("is never above what a policy pays that keeps the objective", async () => {
    let [kept, whole] = [0, 0];
    await fc.assert(
      fc.asyncProperty(setups, async ({ load, policy, maxWaitMs, ...model }) => {
        const workers = { ...model, graceMs: Number.POSITIVE_INFINITY };
        const outcome = simulate({ load, policy, maxWaitMs, workers, columns: 0 });
        const { jobs, workerSeconds } = toReport(outcome);
        if (jobs.late > 0.05 * load.arrivalUs.length) return;
        const bound = await lowerBound({ load, maxWaitMs, ...model });
        kept += 1;
        const paid = workerSeconds.total * (1 + 1e-6) + 1e-6;
        expect(paid).toBeGreaterThanOrEqual(bound.workerSeconds);
        if (jobs.late === 0) expect(paid).toBeGreaterThanOrEqual(bound.strictWorkerSeconds);
        whole += bound.method === "whole-workers" ? 1 : 0;
      }),
      { numRuns: 80, seed: 20 },
    );
    expect(kept).toBeGreaterThan(30);
    expect(whole).toBeGreaterThan(0);
  });

  test("needs starts where work comes in bursts further apart than a start costs", async () => {
    const arrivalUs = new Float64Array(200).fill(1000 * second, 100);
    const serviceUs = new Float64Array(200).fill(second);
    const load = createLoad({ name: "two bursts", arrivalUs, serviceUs });
    const query = { load, maxWaitMs: 9000, lateShare: 0, concurrency: 1, initialReplicas: 0 };
    const bound = await lowerBound({ ...query, startup: constant(50_000), billing: "request" });
    // 100 s of work that must have begun within 9 s, and ended 1 s later: at least 10 workers, twice.
    expect(bound.method).toBe("linear-program");
    expect(bound.workerSeconds).toBeGreaterThan(200 + 2 * 10 * 50 * 0.95);
    expect(bound.workerSeconds).toBeLessThanOrEqual(200 + 2 * 10 * 50);
  });

  test("counts whole workers where less than one is busy", async () => {
    const arrivalUs = Float64Array.from({ length: 50 }, (_, job) => job * 600 * second);
    const serviceUs = new Float64Array(50).fill(2 * second);
    const load = createLoad({ name: "sparse", arrivalUs, serviceUs });
    const query = { load, maxWaitMs: 30_000, lateShare: 0, concurrency: 1, initialReplicas: 0 };
    const bound = await lowerBound({ ...query, startup: constant(10_000), billing: "request" });
    expect(bound).toMatchObject({ method: "sessions", workerSeconds: 50 * 12 });
  });

  test("counts whole workers where a few with many jobs each take turns", async () => {
    // 15 jobs of 1 s a second, ten at a time: one worker always, and a second half of the time. That one can be away for
    // 90 s, when 45 s of work wait, and then works as long: a start of 10 s each 180 s besides the work and the first start.
    const arrivalUs = Float64Array.from({ length: 18_000 }, (_, job) =>
      Math.floor((job * second) / 15),
    );
    const serviceUs = new Float64Array(18_000).fill(second);
    const load = createLoad({ name: "trickle", arrivalUs, serviceUs });
    const query = { load, maxWaitMs: 30_000, lateShare: 0, concurrency: 10, initialReplicas: 0 };
    const bound = await lowerBound({ ...query, startup: constant(10_000), billing: "request" });
    expect(bound.method).toBe("whole-workers");
    expect(bound.workerSeconds).toBeGreaterThan(1800 + 10 + 0.6 * (1200 / 18));
    expect(bound.workerSeconds).toBeLessThanOrEqual(1800 + 10 + 1200 / 18);
  });

  test("is the work alone where starts cost nothing", async () => {
    const load = createLoad({
      name: "one",
      arrivalUs: Float64Array.of(0),
      serviceUs: Float64Array.of(8 * second),
    });
    const query = { load, maxWaitMs: 1000, concurrency: 4, initialReplicas: 0 };
    const bound = await lowerBound({ ...query, startup: constant(5000), billing: "ready" });
    expect(bound).toMatchObject({ method: "work", workerSeconds: 2 });
  });
});
