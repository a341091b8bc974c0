import { describe, expect, test } from "vitest";
import type { Observation } from "../../scaler/index.ts";
import { constant } from "../distribution.ts";
import { createLoad, type Load, second } from "../loads/load.ts";
import { generateLoad, workloads } from "../loads/workloads.ts";
import { backlogPolicy } from "../policies/backlog.ts";
import { fixedPolicy } from "../policies/fixed.ts";
import { hashReport, type Report, toReport } from "../report.ts";
import type { BrokerModel, WorkerModel } from "./models.ts";
import type { Plant, Policy } from "./policy.ts";
import { RuleColumns } from "./rule-columns.ts";
import { simulate } from "./simulation.ts";

const byBacklog = (): Policy => backlogPolicy({ maxReplicaCount: 30, messageCount: 2 });

const isPlain = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Jobs by `[arrival, service]` in seconds. */
function jobs(...list: readonly (readonly [number, number])[]): Load {
  return createLoad({
    name: "by hand",
    arrivalUs: Float64Array.from(list, ([at]) => at * second),
    serviceUs: Float64Array.from(list, ([, service]) => service * second),
  });
}

/** A policy that does things at given seconds. */
function script(steps: Readonly<Record<number, (plant: Plant) => void>>): Policy {
  return {
    name: "script",
    start(plant) {
      for (const [at, step] of Object.entries(steps))
        plant.after(Number(at) * 1000, () => step(plant));
    },
  };
}

function run(
  load: Load,
  policy: Policy,
  workers: WorkerModel = {},
  broker: BrokerModel = {},
): Report {
  return toReport(simulate({ load, policy, workers, broker, maxWaitMs: 5000 }));
}

describe("a run", () => {
  test("pays for a worker from its request, and the job waits for the start-up", () => {
    const report = run(jobs([0, 4]), script({ 0: (p) => p.scale(1), 20: (p) => p.scale(0) }), {
      startup: constant(10_000),
    });
    expect(report.waitMs.max).toBe(10_000);
    expect(report.jobs.late).toBe(1);
    expect(report.workerSeconds).toMatchObject({ total: 14, starting: 10, busy: 4, idle: 0 });
  });

  test("kills a busy worker when its grace is over, and delivers its job again", () => {
    const report = run(
      jobs([0, 20]),
      script({ 0: (p) => p.scale(1), 5: (p) => p.scale(0), 6: (p) => p.scale(1) }),
      { startup: constant(0), graceMs: 3000 },
      { visibilityTimeoutMs: 30_000 },
    );
    expect(report.workers).toMatchObject({ kills: 1, redoneJobs: 1, starts: 2 });
    expect(report.workerSeconds.wasted).toBe(8);
    expect(report.sojournMs.max).toBe(58_000);
    expect(report.jobs).toMatchObject({ done: 1, dead: 0 });
  });

  test("lets idle workers go first, and as a ReplicaSet without a look at who is busy", () => {
    const load = jobs([0, 100], [1, 100], [2, 1]);
    const steps = { 0: (p: Plant) => p.scale(3), 50: (p: Plant) => p.scale(2) };
    const workers = { startup: constant(0), graceMs: 0 };
    expect(run(load, script(steps), workers).workers.kills).toBe(0);
    const killed = [1, 2, 3, 4, 5, 6, 7, 8].filter((seed) => {
      const model = { ...workers, victims: "replicaset" } as const;
      const outcome = simulate({ load, policy: script(steps), workers: model, seed });
      return toReport(outcome).workers.kills > 0;
    });
    expect(killed.length).toBeGreaterThan(0);
    expect(killed.length).toBeLessThan(8);
  });

  test("retries failed attempts with backoff, and gives up after the last delivery", () => {
    const load = { ...jobs([0, 1], [0, 1]), failures: Uint8Array.of(2, 9) };
    const report = run(load, fixedPolicy(2), { initialReplicas: 2 }, { maxDeliveries: 4 });
    expect(report.jobs).toMatchObject({ done: 1, dead: 1 });
    expect(report.workers.failedAttempts).toBe(2 + 4);
    expect(report.sojournMs.max).toBe(1000 * (1 + 1 + 1 + 2 + 1));
  });

  test("lets workers of a job's lifetime leave after their job, and when none comes", () => {
    const load = jobs([0, 1], [0, 1], [5, 1]);
    const policy = script({ 0: (p) => p.create(3), 4: (p) => p.create(1) });
    const report = run(load, policy, {
      startup: constant(0),
      lifetime: { jobs: 1, idleMs: 2000 },
    });
    expect(report.workers).toMatchObject({ starts: 4, stops: 4, kills: 0 });
    expect(report.workerSeconds.total).toBe(1 + 1 + 2 + 2);
  });

  test("boots a node when no other has room, and starts the worker on it then", () => {
    const policy = script({ 0: (p) => p.scale(3) });
    const report = run(jobs([0, 10], [0, 10], [0, 10]), policy, {
      startup: constant(1000),
      nodes: { slotsPerNode: 2, boot: constant(60_000), keepMs: 0 },
      initialReplicas: 1,
    });
    expect(report.waitMs.max).toBe(10_000);
    expect(report.workers.starts).toBe(2);
  });

  test("slows all jobs when what they call has no more to give", () => {
    const load = jobs([0, 10], [0, 10]);
    const free = run(load, fixedPolicy(2), { initialReplicas: 2 });
    const capped = run(load, fixedPolicy(2), { initialReplicas: 2, downstreamCapacity: 1 });
    expect(free.sojournMs.max).toBe(10_000);
    expect(capped.sojournMs.max).toBe(20_000);
  });
});

describe("a worker that leaves", () => {
  test("lets a draining worker finish within its grace", () => {
    const report = run(jobs([0, 20]), script({ 0: (p) => p.scale(1), 5: (p) => p.scale(0) }), {
      startup: constant(0),
    });
    expect(report.workers.kills).toBe(0);
    expect(report.workerSeconds.total).toBe(20);
  });

  test("pays for a worker that leaves until it is gone, and takes no job from it", () => {
    const load = { ...jobs([0, 2], [8, 1]), spanUs: 30 * second };
    const steps = { 0: (p: Plant) => p.scale(1), 5: (p: Plant) => p.scale(0) };
    const again = { ...steps, 7: (p: Plant) => p.scale(1), 20: (p: Plant) => p.scale(0) };
    const report = run(load, script(again), { startup: constant(0), shutdown: constant(4000) });
    expect(report.workerSeconds.total).toBe(5 + 4 + 13 + 4);
    expect(report.workers).toMatchObject({ peak: 2, kills: 0 });
  });
});

describe("what a policy sees", () => {
  function seen(broker: BrokerModel, at: readonly number[]): readonly Observation["samples"][] {
    const readings: Observation["samples"][] = [];
    const steps = Object.fromEntries(
      at.map((second) => [second, (p: Plant) => void readings.push(p.read().samples)]),
    );
    run(jobs([1, 1], [3, 1], [40, 1]), script(steps), {}, broker);
    return readings;
  }

  test("is the queue as it is, with the age of the oldest", () => {
    expect(seen({}, [0, 2, 4])).toMatchObject([
      [{ ready: 0, oldestAgeMs: 0 }],
      [{ ready: 1, oldestAgeMs: 1000, at: 2000 }],
      [{ ready: 2, value: 2, inFlight: 0, oldestAgeMs: 3000 }],
    ]);
  });

  test("is as old as the broker's refresh and lag make it", () => {
    const samples = seen({ metricIntervalMs: 10_000, metricLagMs: 5000 }, [12, 16]);
    expect(samples).toMatchObject([[{ ready: 0, at: 0 }], [{ ready: 2, at: 10_000 }]]);
  });

  test("is nothing, and no zero, while the broker is away", () => {
    const outages = [{ fromMs: 1000, toMs: 3000 }];
    expect(seen({ outages }, [0, 2])).toMatchObject([[{ ready: 0 }], []]);
    expect(seen({ errorRate: 1 }, [2])).toEqual([[]]);
  });
});

describe("what a run was like over time", () => {
  test("shows the age of a job that no worker has taken yet", () => {
    const report = run(jobs([0, 1]), script({ 90: (p) => p.scale(1) }), { startup: constant(0) });
    const { oldestMs = [], columnMs = 0 } = report.series ?? {};
    expect(oldestMs[Math.floor(60_000 / columnMs)]).toBeGreaterThan(55_000);
    expect(oldestMs[Math.floor(60_000 / columnMs)]).toBeLessThan(65_000);
  });

  test("shows the rule of each loop, a change before what followed it in the same column", () => {
    const columns = new RuleColumns();
    columns.note("keda", "activation", true);
    columns.note("keda", "hold", false);
    columns.close();
    columns.note("hpa", "metric", false);
    columns.close();
    columns.note("hpa", "rate", true);
    columns.close();
    expect(columns.take(3)).toEqual({
      keda: ["activation", "activation", "activation"],
      hpa: ["", "metric", "rate"],
    });
    columns.close();
    columns.join();
    expect(columns.take(2)).toEqual({
      keda: ["activation", "activation"],
      hpa: ["metric", "rate"],
    });
  });
});

describe("every run", () => {
  test.each(workloads.filter(({ name }) => name !== "weekly" && name !== "diurnal"))(
    "of $name conserves jobs, obeys Little's law, and is the same for the same seed",
    ({ name }) => {
      const load = generateLoad(name, { seed: 3 });
      const workers: WorkerModel = {
        startup: { kind: "lognormal", meanMs: 5000, sigma: 0.5 },
        graceMs: 1000,
      };
      const report = run(load, byBacklog(), workers);
      const { total, busy, idle, starting, wasted } = report.workerSeconds;
      expect(report.checks.conserved).toBe(true);
      expect(report.checks.littleWaiting).toBeLessThan(1e-9);
      expect(report.checks.littleRunning).toBeLessThan(1e-9);
      expect(report.jobs.done + report.jobs.dead).toBe(load.arrivalUs.length);
      expect(total / (busy + idle + starting + wasted)).toBeCloseTo(1, 9);
      expect(hashReport(run(load, byBacklog(), workers))).toBe(hashReport(report));
    },
  );

  test("has the fields of version 1 of the report", () => {
    const report = run(jobs([0, 1]), fixedPolicy(1));
    const fields = (value: object): string => Object.keys(value).join(" ");
    expect(report.version).toBe(1);
    expect([report, ...Object.values(report)].filter(isPlain).map(fields)).toEqual([
      "version load policy seed maxWaitMs jobs waitMs sojournMs workerSeconds workers bound checks decisions waitShares series",
      "name jobs spanSeconds workSeconds notes",
      "arrived done dead waiting delayed running late latePercent",
      "mean p50 p95 p99 max",
      "mean p50 p95 p99 max",
      "total busy idle starting wasted",
      "peak starts stops changes kills redoneJobs failedAttempts zeroSeconds",
      "conserved littleWaiting littleRunning",
      "made byRule entries dropped",
      "columnMs starting ready running waiting mostWaiting oldestMs desired rules",
    ]);
  });

  test("of one seed has a known hash on every machine", () => {
    const startup = { kind: "lognormal", meanMs: 5000, sigma: 0.5 } as const;
    const report = run(generateLoad("mmpp", { seed: 3 }), fixedPolicy(12), { startup });
    expect(hashReport(report)).toBe(
      "3dfa4f8e1f27722168a0461321bd52283b26959eb0dad736760c17814250bf48",
    );
  });

  test("meets the same load whatever the policy draws", () => {
    const load = generateLoad("heavy", { seed: 5 });
    const again = generateLoad("heavy", { seed: 5 });
    expect(again.arrivalUs).toEqual(load.arrivalUs);
    expect(again.serviceUs).toEqual(load.serviceUs);
    expect(generateLoad("heavy", { seed: 6 }).serviceUs).not.toEqual(load.serviceUs);
  });
});
