import { describe, expect, test } from "vitest";
import { comparePolicies } from "../compare.ts";
import type { BrokerModel } from "../engine/models.ts";
import { simulate } from "../engine/simulation.ts";
import { createLoad, second, sliceLoad } from "../loads/load.ts";
import { generateLoad } from "../loads/workloads.ts";
import { hashReport, type Report, toReport } from "../report.ts";
import { objectivePolicy } from "./objective.ts";

const maxWaitMs = 30_000;
const policy = objectivePolicy({ objective: { maxWait: "30s" }, scale: { maxReplicaCount: 200 } });

/** One run with a start-up of 10 s and a look every 5 s; the seed is one that the policy was developed with. */
function run(name: string, broker: BrokerModel = {}): Report {
  return toReport(
    simulate({ load: generateLoad(name, { seed: 1 }), policy, maxWaitMs, broker, columns: 0 }),
  );
}

describe("the wait objective in the simulator", () => {
  // What each load may cost, as a multiple of what a policy that knows the future pays at least.
  test.each([
    ["step", 1.1],
    ["spike", 1.6],
    ["heavy", 1.2],
    ["sporadic", 1.5],
  ])("keeps a wait of 30 s under %s near the least cost, and kills nobody", async (name, ratio) => {
    const load = generateLoad(name, { seed: 1 });
    const { reports } = await comparePolicies({ load, policies: [policy], maxWaitMs });
    const [report] = reports;
    expect(report?.jobs.latePercent).toBeLessThan(5);
    expect(report?.workers.kills).toBe(0);
    expect(report?.bound?.ratio).toBeLessThan(ratio);
  });

  test("stops adding workers when what they call has no more to give", () => {
    const workers = { downstreamCapacity: 6 };
    const load = sliceLoad(generateLoad("steady", { seed: 1 }), 0, 600 * second);
    const report = toReport(simulate({ load, policy, maxWaitMs, workers, drainLimitMs: 600_000 }));
    expect(report.workers.peak).toBeLessThan(80);
    expect(report.decisions.entries.map(({ code }) => code)).toContain("DownstreamSaturated");
  });

  test("decides the same from the same, to the last figure", () => {
    expect(hashReport(run("step"))).toBe(hashReport(run("step")));
  });

  test("needs no ages, where counts are fresh", () => {
    const report = run("step", { tellsAge: false, tellsInFlight: false });
    expect(report.jobs.latePercent).toBeLessThan(5);
  });

  test("has its fallback while the broker does not answer", () => {
    const load = sliceLoad(generateLoad("step", { seed: 1 }), 0, 1800 * second);
    const careful = objectivePolicy({
      objective: { maxWait: "30s", fallback: { failureThreshold: 3, replicas: 30 } },
      scale: { maxReplicaCount: 200 },
    });
    const broker = { outages: [{ fromMs: 900_000, toMs: 1_500_000 }] };
    const late = (one: typeof policy): number =>
      toReport(simulate({ load, policy: one, maxWaitMs, broker, columns: 0 })).jobs.late;
    expect(late(policy)).toBeGreaterThan(1000);
    expect(late(careful)).toBeLessThan(late(policy) / 3);
  });

  test("is ready for delayed jobs that nobody could start in time after they came", () => {
    const arrivalUs = new Float64Array(300).map((_, job) => (job < 200 ? 300 : 900) * second);
    const serviceUs = new Float64Array(300).fill(second);
    const load = createLoad({ name: "batches", arrivalUs, serviceUs, spanUs: 1200 * second });
    const short = objectivePolicy({
      objective: { maxWait: "5s" },
      scale: { maxReplicaCount: 200, pollingInterval: 1 },
    });
    const latePercent = (broker: BrokerModel): number =>
      toReport(simulate({ load, policy: short, maxWaitMs: 5000, broker, columns: 0 })).jobs
        .latePercent;
    expect(latePercent({})).toBe(100);
    expect(latePercent({ delayMs: 60_000 })).toBe(0);
    expect(latePercent({ delayMs: 60_000, tellsDue: false })).toBe(100);
  });

  test("holds while the broker does not answer, and catches up", () => {
    const report = run("step", { outages: [{ fromMs: 1_200_000, toMs: 1_260_000 }] });
    expect(report.decisions.byRule.hold).toBeGreaterThan(12);
    expect(report.jobs).toMatchObject({ waiting: 0, running: 0 });
  });
});
