import { describe, expect, test } from "vitest";
import { silentLogger } from "../../src/core/index.ts";
import {
  createObjectiveEngine,
  type Decision,
  type MetricReading,
  objectiveOf,
  type ReadingWish,
  type ScalerTrigger,
  type Target,
  toTargetStatus,
} from "../../src/scaler/index.ts";
import { parseSpecs } from "../../src/specs/index.ts";
import { createVirtualClock } from "../../src/testing/index.ts";

function objectOf(
  annotations: string,
  spec = "",
  triggers = "{type: postgresql, metadata: {targetQueryValue: '5', query: q, connectionFromEnv: DB}}",
) {
  const text = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker, annotations: {${annotations}}}
spec:
  scaleTargetRef: {name: worker}
  maxReplicaCount: 20
  ${spec}
  triggers: [${triggers}]
`;
  const [object] = parseSpecs(text, "test.yaml").scaledObjects;
  if (object === undefined) throw new Error("no ScaledObject");
  return object;
}

/** Steers an object whose trigger reads what `read` gives; yields the counts that were asked for. */
async function scaled(
  annotations: string,
  read: (wish: ReadingWish) => Promise<number | Partial<MetricReading>>,
  spec = "",
): Promise<readonly number[]> {
  const clock = createVirtualClock();
  const counts: number[] = [];
  const target: Target = {
    status: async () => toTargetStatus([]),
    async scale(to) {
      counts.push(to);
    },
    close: async () => undefined,
  };
  const trigger: ScalerTrigger = {
    ...{ type: "postgresql", index: 0, name: "" },
    metricSpecs: async () => [],
    async read(wish = {}) {
      const told = await read(wish);
      const reading = typeof told === "number" ? { value: told } : told;
      return [{ metricName: "s0-postgresql", value: 0, active: true, ...reading }];
    },
    close: async () => undefined,
  };
  const engine = createObjectiveEngine({
    ...{
      name: "ScaledObject default/worker",
      object: objectOf(annotations, spec),
      triggers: [trigger],
    },
    ...{ target, clock, logger: silentLogger },
  });
  engine.start();
  for (let tick = 0; tick < 3; tick += 1) {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    await clock.advance(5000);
  }
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  await engine.stop();
  return counts;
}

describe("a ScaledObject with an objective", () => {
  test("looks at least every 5 s and six times within its wait, whatever its pollingInterval says", () => {
    expect(objectiveOf(objectOf("sluice.dev/objective: 60s"))?.pollingIntervalMs).toBe(5000);
    expect(objectiveOf(objectOf("sluice.dev/objective: 6s"))?.pollingIntervalMs).toBe(1000);
    expect(objectiveOf(objectOf(""))).toBeNull();
  });

  test("needs a trigger that counts messages", () => {
    const cron =
      "{type: cron, metadata: {timezone: UTC, start: 0 8 * * *, end: 0 9 * * *, desiredReplicas: '2'}}";
    const object = objectOf("sluice.dev/objective: 60s", "", cron);
    expect(() => objectiveOf(object)).toThrow(/needs a trigger that counts messages; got cron/);
  });

  test("starts workers for a backlog, as the deadlines ask and not by the trigger's target", async () => {
    const counts = await scaled("sluice.dev/objective: 30s", async () => 200);
    // Of the 28.5 s that are aimed at, 1 s is start-up: each worker begins 28.5 jobs.
    expect(counts[0]).toBe(7);
  });

  test("starts workers ahead for delayed jobs, where a trigger tells of them", async () => {
    const asked: (readonly number[])[] = [];
    const counts = await scaled("sluice.dev/objective: 3s", async ({ dueEdgesMs = [] }) => {
      asked.push(dueEdgesMs);
      return { due: dueEdgesMs.map((inMs) => ({ inMs, count: inMs < 1000 ? 0 : 20 })) };
    });
    // A start takes 1 s, looks come each 0.5 s.
    expect(asked[0]).toHaveLength(16);
    expect(asked[0]?.at(-1)).toBe(2000);
    // Due from 0.875 s on, to be started by 2.85 s later: a worker that is ready at 1 s begins 3.7 of the 20 jobs.
    expect(counts[0]).toBe(5);
  });

  test("asks for as many fewer replicas as each runs jobs at a time", async () => {
    const backlog = async () => 200;
    expect((await scaled("sluice.dev/objective: 30s", backlog))[0]).toBe(7);
    const eight = "sluice.dev/objective: 'maxWait=30s,concurrency=8'";
    expect((await scaled(eight, backlog))[0]).toBe(1);
    expect(objectiveOf(objectOf(eight))?.concurrency).toBe(8);
  });

  test("counts the messages behind a bounded value, and keeps to the partitions", async () => {
    const partitioned = async () => ({ value: 30, messages: 200, activeGroups: 3 });
    expect((await scaled("sluice.dev/objective: 30s", partitioned))[0]).toBe(3);
    const wide = async () => ({ value: 30, messages: 200, activeGroups: 50 });
    expect((await scaled("sluice.dev/objective: 30s", wide))[0]).toBe(7);
  });

  test("takes the window of a cron trigger for a minimum, and needs its time zone", () => {
    const triggers =
      "{type: sluice, metadata: {url: 'memory:', queueName: q}}, {type: cron, metadata: {timezone: UTC, start: 0 8 * * *, end: 0 9 * * *, desiredReplicas: '2'}}";
    const object = objectOf("sluice.dev/objective: 60s", "", triggers);
    const window = { replicas: 2, opensInMs: () => 0 };
    const policy = objectiveOf(object, { triggers: [{ type: "cron", index: 1, window }] });
    expect(policy?.windows).toEqual([window]);
    expect(() => objectiveOf(object, { triggers: [{ type: "cron", index: 1 }] })).toThrow(
      /trigger 1 \(cron\) must have a timezone that is known/,
    );
  });

  test("has its fallback's replicas when more readings in a row failed than may", async () => {
    const broken = () => Promise.reject(new Error("no answer"));
    const fallback = "fallback: {failureThreshold: 1, replicas: 4}";
    expect(await scaled("sluice.dev/objective: 30s", broken, fallback)).toContain(4);
    const never = "fallback: {failureThreshold: 9, replicas: 4}";
    expect(await scaled("sluice.dev/objective: 30s", broken, never)).toEqual([]);
  });

  test("scales nothing while its queue cannot be read, nor out while that is paused", async () => {
    const broken = () => Promise.reject(new Error("no answer"));
    expect(await scaled("sluice.dev/objective: 30s", broken)).toEqual([]);
    const paused = "sluice.dev/objective: 30s, autoscaling.keda.sh/paused-scale-out: 'true'";
    expect(await scaled(paused, async () => 200)).toEqual([]);
  });
});

describe("a trigger whose counts depend on what is resolved", () => {
  test.each([
    ["amqp://broker", 7],
    ["http://broker:15672", null],
  ])("is believed by the host: %s tells of %s that wait", async (host, ready) => {
    const clock = createVirtualClock();
    const decisions: Decision[] = [];
    const engine = createObjectiveEngine({
      ...{ name: "ScaledObject default/worker", clock, logger: silentLogger },
      object: objectOf(
        "sluice.dev/objective: 30s",
        "",
        "{type: rabbitmq, metadata: {queueName: q, hostFromEnv: HOST, mode: QueueLength, value: '5'}}",
      ),
      resolutions: [{ parameters: {}, podIdentity: null, env: { HOST: host } }],
      triggers: [
        {
          ...{ type: "rabbitmq", index: 0, name: "" },
          metricSpecs: async () => [],
          read: async () => [{ metricName: "s0-rabbitmq", value: 7, active: true }],
          close: async () => undefined,
        },
      ],
      target: {
        status: async () => toTargetStatus([]),
        scale: async () => undefined,
        close: async () => undefined,
      },
      onDecision: (decision) => decisions.push(decision),
    });
    engine.start();
    await expect.poll(() => decisions[0]?.seen.samples).toMatchObject([{ value: 7, ready }]);
    await engine.stop();
  });
});
