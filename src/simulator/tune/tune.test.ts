import { describe, expect, test } from "vitest";
import { parseSpecs } from "../../specs/index.ts";
import { constant } from "../distribution.ts";
import { createLoad, second } from "../loads/load.ts";
import { generateLoad } from "../loads/workloads.ts";
import { attribute } from "./attribution.ts";
import { objectiveWith } from "./objective-tunable.ts";
import { tunedFields, withValues } from "./scaled-object-tunable.ts";
import { paretoFront, type Tried } from "./search.ts";
import { type TuneOptions, tune } from "./tune.ts";

const [object] = parseSpecs(
  `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker}
spec:
  scaleTargetRef: {name: worker}
  maxReplicaCount: 60
  triggers:
  - {type: redis, metadata: {listName: q, listLength: "5"}}
  - {type: rabbitmq, metadata: {host: "amqp://mq", queueName: q, mode: QueueLength, value: "7"}}
`,
  "so.yaml",
).scaledObjects;
if (object === undefined) throw new Error("no ScaledObject");
const subject = { kind: "scaled-object", object } as const;
const load = generateLoad("step", { seed: 2 });
const options: TuneOptions = { subject, load, maxWaitMs: 30_000, candidates: 24, folds: 2 };

describe("tuning", () => {
  const found = tune(options);

  test("finds what keeps the objective in training and says how it does where it was not chosen", async () => {
    const { best, current, pareto, heldOutFromUs } = await found;
    expect(current.training.excess).toBeGreaterThan(0);
    expect(best.training.excess).toBe(0);
    expect(best.heldOut?.jobs).toBeGreaterThan(0);
    expect(best.training.jobs + (best.heldOut?.jobs ?? 0)).toBe(load.arrivalUs.length);
    expect(heldOutFromUs).toBe(1800 * second);
    expect(pareto.length).toBeGreaterThan(0);
  });

  test("finds the same again", async () => {
    expect(await tune(options)).toEqual(await found);
  });

  test("writes values as fields of which the same policy is read", async () => {
    const { best } = await found;
    const tuned = withValues(object, best.values).spec;
    const fields = Object.fromEntries(
      tunedFields(object, best.values).map(({ path, value }) => [path.join("."), value]),
    );
    expect(fields).toMatchObject({
      pollingInterval: tuned.pollingInterval,
      cooldownPeriod: tuned.cooldownPeriod,
      minReplicaCount: tuned.minReplicaCount,
      "triggers.0.metadata.listLength": tuned.triggers[0]?.metadata.listLength,
    });
    expect(tuned.triggers[1]).toEqual(object.spec.triggers[1]);
    expect(tuned.maxReplicaCount).toBe(60);
  });

  test("searches the margins of the wait objective too", async () => {
    const objective = {
      kind: "objective",
      options: { objective: { maxWait: "30s" }, scale: { maxReplicaCount: 60 } },
    } as const;
    const { best, current, parameters } = await tune({ ...options, subject: objective });
    expect(parameters.map(({ name }) => name)).toContain("theta");
    expect(best.training.excess).toBe(0);
    expect(best.training.workerSeconds).toBeLessThanOrEqual(current.training.workerSeconds);
    expect(objectiveWith(objective.options, best.values).objective.theta).toBe(best.values[0]);
  });

  test("refuses folds without jobs", async () => {
    const sparse = createLoad({
      name: "sparse",
      arrivalUs: Float64Array.of(0, 1),
      serviceUs: Float64Array.of(1, 1),
      spanUs: 1000 * second,
    });
    await expect(tune({ ...options, load: sparse })).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringContaining("folds"),
    });
  });
});

test("the Pareto front has what nothing beats in both cost and late jobs", () => {
  const setting = (workerSeconds: number, late: number): Tried => ({
    values: [workerSeconds],
    results: [],
    score: { workerSeconds, late, excess: 0, jobs: 100, starts: 0, kills: 0 },
  });
  const tried = [setting(30, 1), setting(10, 9), setting(20, 9), setting(20, 5), setting(40, 1)];
  expect(paretoFront(tried).map(({ values }) => values[0])).toEqual([10, 20, 30]);
});

test("attribution finds what makes jobs late and what costs", () => {
  const causes = attribute({
    ...{ subject, load, maxWaitMs: 30_000, seed: 1 },
    ...{ workers: { startup: constant(25_000) }, broker: { metricLagMs: 20_000 } },
  });
  const of = (name: string) => causes.find(({ cause }) => cause === name);
  expect(causes.map(({ cause }) => cause)).toEqual([
    ...["polling", "rate limits", "cool-down", "maximum", "start-up", "stale figures"],
  ]);
  expect(of("start-up")?.latePoints).toBeGreaterThan(5);
  expect(of("cool-down")?.costShare).toBeGreaterThan(0.1);
});
