import { describe, expect, test } from "vitest";
import { parseSpecs } from "../../specs/index.ts";
import { constant } from "../distribution.ts";
import type { BrokerModel } from "../engine/models.ts";
import { simulate } from "../engine/simulation.ts";
import { createLoad, type Load, second } from "../loads/load.ts";
import { type Report, toReport } from "../report.ts";
import { scaledJobPolicy } from "./scaled-job.ts";
import { scaledObjectPolicy } from "./scaled-object.ts";
import { triggerFigure } from "./trigger-figures.ts";

const scaledObject = (spec: string, trigger = "type: redis\n    metadata: {listName: q}") => `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker}
spec:
  scaleTargetRef: {name: worker}
${spec}
  triggers:
  - ${trigger}
`;

function objectOf(text: string) {
  const [object] = parseSpecs(text, "test.yaml").scaledObjects;
  if (object === undefined) throw new Error("no ScaledObject");
  return object;
}

/** `count` jobs of `service` seconds at once, at `at`. */
function batch(count: number, at: number, service: number): Load {
  return createLoad({
    name: "batch",
    arrivalUs: new Float64Array(count).fill(at * second),
    serviceUs: new Float64Array(count).fill(service * second),
    spanUs: 3600 * second,
  });
}

const changes = (report: Report): readonly number[] =>
  report.decisions.entries.filter(({ from, to }) => from !== to).map(({ to }) => to);

function run(load: Load, text: string, broker: BrokerModel = {}): Report {
  const policy = scaledObjectPolicy(objectOf(text));
  return toReport(simulate({ load, policy, broker, workers: { startup: constant(1000) } }));
}

describe("a ScaledObject in the simulator", () => {
  test("climbs 1, 4, 8, 16, 32, 64, 100 without behavior, and drops to zero after the cooldown", () => {
    const report = run(batch(100_000, 10, 1), scaledObject("  cooldownPeriod: 60"));
    expect(changes(report).slice(0, 7)).toEqual([1, 4, 8, 16, 32, 64, 100]);
    expect(changes(report).at(-1)).toBe(0);
    expect(report.jobs.done).toBe(100_000);
    const [first] = report.decisions.entries.filter(({ to }) => to === 1);
    expect(first?.atMs).toBe(30_000);
  });

  test("climbs 1, 5, 10, 20, 40, 80, 100 with a behavior", () => {
    const behavior = `
  advanced:
    horizontalPodAutoscalerConfig:
      behavior: {scaleDown: {stabilizationWindowSeconds: 30}}`;
    const report = run(batch(100_000, 0, 1), scaledObject(behavior));
    expect(changes(report).slice(0, 7)).toEqual([1, 5, 10, 20, 40, 80, 100]);
  });

  test("holds its count while the broker is away", () => {
    const outages = [{ fromMs: 300_000, toMs: 900_000 }];
    const report = run(batch(2000, 0, 10), scaledObject("  maxReplicaCount: 5"), { outages });
    const during = report.decisions.entries.filter(({ atMs }) => atMs > 300_000 && atMs < 900_000);
    expect(during.filter(({ from, to }) => from !== to)).toEqual([]);
    expect(during.length).toBeGreaterThan(0);
  });

  test("refuses a trigger that does not count messages, and one without a target", () => {
    const cpu = scaledObject(
      "  minReplicaCount: 1",
      "type: cpu\n    metricType: Utilization\n    metadata: {value: '50'}",
    );
    expect(() => scaledObjectPolicy(objectOf(cpu))).toThrow(/knows what these triggers count/);
    const spec = { ...objectOf(scaledObject("")).spec.triggers[0] };
    expect(() =>
      triggerFigure({ ...spec, type: "postgresql", metadata: { query: "SELECT 1" } } as never),
    ).toThrow(/targetQueryValue as a number/);
  });
});

describe("what a trigger counts", () => {
  test.each([
    ["rabbitmq", { host: "http://mq", mode: "QueueLength", value: "7" }, 7, "ready and in-flight"],
    ["rabbitmq", { host: "amqp://mq" }, 20, "ready"],
    ["rabbitmq", { protocol: "http", excludeUnacknowledged: "true", queueLength: "3" }, 3, "ready"],
    ["aws-sqs-queue", {}, 5, "ready and in-flight"],
    ["aws-sqs-queue", { scaleOnInFlight: "false" }, 5, "ready"],
    ["redis-streams", { consumerGroup: "g", lagCount: "9" }, 9, "ready"],
    ["redis-streams", { consumerGroup: "g" }, 5, "in-flight"],
    ["azure-queue", { queueLengthStrategy: "visibleonly" }, 5, "ready"],
    ["kafka", { lagThreshold: "50" }, 50, "ready and in-flight"],
  ])("%s %o", (type, metadata, target, counts) => {
    const spec = {
      type,
      name: "",
      metadata,
      useCachedMetrics: false,
      metricType: null,
      authenticationRef: null,
    };
    expect(triggerFigure(spec as never)).toMatchObject({ target, counts });
  });
});

describe("a ScaledJob in the simulator", () => {
  test("creates jobs by its strategy, each of which works one message", () => {
    const [job] = parseSpecs(
      `
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: {name: worker}
spec:
  jobTargetRef: {template: {spec: {containers: [{name: w, image: w}], restartPolicy: Never}}}
  pollingInterval: 10
  maxReplicaCount: 20
  triggers: [{type: redis, metadata: {listName: q, listLength: "1"}}]
`,
      "job.yaml",
    ).scaledJobs;
    if (job === undefined) throw new Error("no ScaledJob");
    const load = batch(50, 5, 30);
    const report = toReport(simulate({ load, policy: scaledJobPolicy(job) }));
    expect(report.jobs.done).toBe(50);
    expect(report.workers).toMatchObject({ peak: 20, starts: 50, stops: 50, kills: 0 });
    expect(report.workerSeconds.idle).toBe(0);
  });
});
