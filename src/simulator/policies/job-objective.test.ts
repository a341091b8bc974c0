import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSpecs, type ScaledJob } from "../../specs/index.ts";
import { comparePolicies } from "../compare.ts";
import type { BrokerModel } from "../engine/models.ts";
import { simulate } from "../engine/simulation.ts";
import { createLoad, type Load, second, sliceLoad } from "../loads/load.ts";
import { generateLoad } from "../loads/workloads.ts";
import { hashReport, type Report, toReport } from "../report.ts";
import { jobObjectivePolicy } from "./job-objective.ts";
import { scaledJobPolicy } from "./scaled-job.ts";

const included = "{type: kafka, metadata: {lagThreshold: '1'}}";
const excluded = "{type: redis, metadata: {listName: q, listLength: '1'}}";

interface Given {
  readonly objective?: string;
  readonly trigger?: string;
  readonly spec?: string;
  readonly max?: number;
}

function jobOf({ objective, trigger = included, spec = "", max = 200 }: Given): ScaledJob {
  const annotations = objective === undefined ? "" : `sluice.dev/objective: '${objective}'`;
  const text = `
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: {name: worker, annotations: {${annotations}}}
spec:
  jobTargetRef: {template: {spec: {containers: [{name: w, image: w}], restartPolicy: Never}}}
  maxReplicaCount: ${max}
  ${spec}
  triggers: [${trigger}]
`;
  const [job] = parseSpecs(text, "job.yaml").scaledJobs;
  if (job === undefined) throw new Error("no ScaledJob");
  return job;
}

const maxWaitMs = 30_000;
const one = (given: Given = {}) => jobObjectivePolicy(jobOf({ objective: "30s", ...given }));
const many = (given: Given = {}) =>
  jobObjectivePolicy(jobOf({ objective: "maxWait=30s,messagesPerJob=many", ...given }));

/** Jobs of half a minute that come now and then, and thirty at once in the middle. */
function longJobs(seed: number): Load {
  const slice = sliceLoad(generateLoad("step", { seed }), 0, 600 * second);
  const own = slice.arrivalUs.filter((_, index) => index % 4 === 0);
  const arrivalUs = Float64Array.from([...own, ...Array(30).fill(300 * second)]).sort();
  const serviceUs = new Float64Array(arrivalUs.length).fill(30 * second);
  return createLoad({ name: "long jobs", arrivalUs, serviceUs, spanUs: slice.spanUs });
}

const run = (load: Load, policy = one(), broker: BrokerModel = {}): Report =>
  toReport(simulate({ load, policy, maxWaitMs, broker, columns: 0 }));

describe("a ScaledJob's objective in the simulator", () => {
  test("gives each message one job, keeps the wait, and never counts one twice, whatever the trigger counts", () => {
    const load = longJobs(1);
    for (const trigger of [included, excluded]) {
      const report = run(load, one({ trigger }));
      expect(report.jobs).toMatchObject({ late: 0, done: load.arrivalUs.length });
      expect(report.workers).toMatchObject({ starts: load.arrivalUs.length, kills: 0 });
      expect(report.workerSeconds.idle).toBe(0);
    }
  });

  test("needs no strategy that fits the trigger, where KEDA creates too few or too many otherwise", () => {
    const load = longJobs(1);
    const keda = (trigger: string, strategy: string): Report =>
      run(
        load,
        scaledJobPolicy(jobOf({ trigger, spec: `scalingStrategy: {strategy: ${strategy}}` })),
      );
    expect(keda(excluded, "default").jobs.latePercent).toBeGreaterThan(20);
    expect(keda(included, "accurate").workers.starts).toBeGreaterThan(1.2 * load.arrivalUs.length);
  });

  test("shares jobs among messages where they may, at a fraction of the cost", async () => {
    const load = sliceLoad(generateLoad("step", { seed: 1 }), 0, 900 * second);
    const policies = [many(), one({ max: 1000 })];
    const { reports, bound } = await comparePolicies({ load, policies, maxWaitMs });
    const [shared, single] = reports;
    expect(shared?.jobs.latePercent).toBeLessThan(5);
    expect(shared?.bound?.ratio).toBeLessThan(1.3);
    expect(shared?.workers.starts).toBeLessThan(load.arrivalUs.length / 50);
    expect(single?.workerSeconds.total).toBeGreaterThan(5 * bound.workerSeconds);
  });

  test("creates a batch in turns where its wait leaves time for that", () => {
    const arrivalUs = new Float64Array(300).fill(60 * second);
    const serviceUs = new Float64Array(300).fill(2 * second);
    const load = createLoad({ name: "batch", arrivalUs, serviceUs, spanUs: 900 * second });
    const patient = jobObjectivePolicy(jobOf({ objective: "5m", max: 1000 }));
    const report = toReport(simulate({ load, policy: patient, maxWaitMs: 300_000, columns: 0 }));
    expect(report.jobs.late).toBe(0);
    expect(report.workers.peak).toBeLessThan(50);
  });

  test("creates nothing while the broker does not answer, and decides the same from the same", () => {
    const outage = { outages: [{ fromMs: 200_000, toMs: 260_000 }] };
    const report = run(longJobs(2), one(), outage);
    expect(report.decisions.byRule.hold).toBeGreaterThan(12);
    expect(report.jobs).toMatchObject({ waiting: 0, running: 0 });
    expect(hashReport(report)).toBe(hashReport(run(longJobs(2), one(), outage)));
  });

  test("costs no less than is possible, under any load", async () => {
    const loads = fc.array(
      fc.record({ at: fc.integer({ min: 0, max: 300 }), ms: fc.integer({ min: 50, max: 40_000 }) }),
      { minLength: 1, maxLength: 40 },
    );
    const property = fc.asyncProperty(loads, async (jobs) => {
      const sorted = jobs.toSorted((a, b) => a.at - b.at);
      const load = createLoad({
        name: "any",
        arrivalUs: Float64Array.from(sorted, ({ at }) => at * second),
        serviceUs: Float64Array.from(sorted, ({ ms }) => ms * 1000),
        spanUs: 600 * second,
      });
      const { reports } = await comparePolicies({ load, policies: [one(), many()], maxWaitMs });
      for (const { jobs: counts, bound, checks } of reports) {
        expect(counts.done).toBe(jobs.length);
        expect(checks.conserved).toBe(true);
        if (counts.latePercent <= 5) expect(bound?.ratio ?? 1).toBeGreaterThanOrEqual(1 - 1e-6);
      }
    });
    await fc.assert(property, { numRuns: 8 });
  });
});
