import { describe, expect, test } from "vitest";
import { parseSpecs } from "../../specs/index.ts";
import { constant } from "../distribution.ts";
import { createLoad, second, sliceLoad } from "../loads/load.ts";
import { generateLoad } from "../loads/workloads.ts";
import { attribute } from "./attribution.ts";
import { createEvaluator } from "./evaluate.ts";
import { tunedFields, withValues } from "./object-parameter.ts";
import {
  annotatedFields,
  annotatedTunable,
  annotatedWith,
  objectiveWith,
} from "./objective-tunable.ts";
import { scaledObjectParameters } from "./scaled-object-tunable.ts";
import { paretoFront, scoreOf, type Tried, thinned } from "./search.ts";
import { type TuneOptions, tune } from "./tune.ts";

const text = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker}
spec:
  scaleTargetRef: {name: worker}
  maxReplicaCount: 60
  triggers:
  - {type: redis, metadata: {listName: q, listLength: "5"}}
  - {type: rabbitmq, metadata: {host: "amqp://mq", queueName: q, mode: QueueLength, value: "7"}}
`;
const [object] = parseSpecs(text, "so.yaml").scaledObjects;
const jobText = `
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: {name: worker}
spec:
  jobTargetRef: {template: {spec: {containers: [{name: w, image: w}], restartPolicy: Never}}}
  maxReplicaCount: 40
  triggers: [{type: redis, metadata: {listName: q}}]
`;
const [job] = parseSpecs(jobText, "sj.yaml").scaledJobs;
if (object === undefined || job === undefined) throw new Error("no object");
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

  test("searches the target of each trigger, and writes as fields what is not as it was", async () => {
    const { best, parameters } = await found;
    const own = scaledObjectParameters(object);
    expect(parameters.slice(0, 2).map(({ name, current }) => [name, current])).toEqual([
      ["triggers.0.metadata.listLength", 5],
      ["triggers.1.metadata.value", 7],
    ]);
    const values = own.map(({ values: all, current }) => all.find((one) => one !== current) ?? 0);
    const { spec } = withValues(object, own, values);
    const fields = Object.fromEntries(
      tunedFields(own, values).map(({ path, value }) => [path.join("."), value]),
    );
    const behavior = spec.advanced.horizontalPodAutoscalerConfig.behavior;
    const prefix = "spec.advanced.horizontalPodAutoscalerConfig.behavior";
    expect(fields).toEqual({
      "spec.triggers.0.metadata.listLength": spec.triggers[0]?.metadata.listLength,
      "spec.triggers.1.metadata.value": spec.triggers[1]?.metadata.value,
      "spec.pollingInterval": spec.pollingInterval,
      "spec.cooldownPeriod": spec.cooldownPeriod,
      "spec.minReplicaCount": spec.minReplicaCount,
      [`${prefix}.scaleUp.stabilizationWindowSeconds`]:
        behavior?.scaleUp?.stabilizationWindowSeconds,
      [`${prefix}.scaleUp.policies`]: behavior?.scaleUp?.policies,
      [`${prefix}.scaleDown.stabilizationWindowSeconds`]:
        behavior?.scaleDown?.stabilizationWindowSeconds,
      [`${prefix}.scaleDown.policies`]: behavior?.scaleDown?.policies,
    });
    expect(Object.values(fields)).not.toContain(undefined);
    expect(withValues(object, own, best.values).spec.maxReplicaCount).toBe(60);
    expect(
      tunedFields(
        own,
        own.map(({ current }) => current),
      ),
    ).toEqual([]);
  });

  test("changes nothing that has no good effect", async () => {
    const { best, parameters, heldOutFromUs } = await found;
    const models = { workers: {}, broker: {}, foldEdgesUs: [0, heldOutFromUs ?? 0] };
    const evaluate = createEvaluator({ subject, load, maxWaitMs: 30_000, seed: 1, ...models });
    const changed = parameters.flatMap(({ current }, place) =>
      best.values[place] === current ? [] : [best.values.with(place, current)],
    );
    expect(changed.length).toBeGreaterThan(0);
    for (const values of changed) {
      const { excess, workerSeconds, starts } = scoreOf([evaluate({ values, fold: 0 })], 0.05);
      const costs = workerSeconds + starts / 2;
      const least = best.training.workerSeconds + best.training.starts / 2;
      expect(excess > best.training.excess || costs > least).toBe(true);
    }
  });
});

describe("folds of a load", () => {
  test("are held out as many as it is told, and one is left to train on", async () => {
    const split = { ...options, candidates: 2, folds: 3, heldOut: 2 };
    const { best } = await tune(split);
    expect(best.heldOut?.jobs).toBeGreaterThan(best.training.jobs);
    await expect(tune({ ...split, heldOut: 3 })).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });

  test("must each have jobs", async () => {
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

describe("tuning something else", () => {
  test("searches a ScaledJob's strategy, and never raises its maximum", async () => {
    const jobs = sliceLoad(generateLoad("long", { seed: 1 }), 0, 4 * 3600 * second);
    const asked = { load: jobs, maxWaitMs: 60_000, candidates: 8, folds: 2 };
    const { best, current, parameters } = await tune({
      ...asked,
      subject: { kind: "scaled-job", job },
    });
    expect(parameters.map(({ name }) => name)).toEqual([
      ...["triggers.0.metadata.listLength", "scalingStrategy.strategy", "pollingInterval"],
      ...["minReplicaCount", "maxReplicaCount"],
    ]);
    expect(Math.max(...(parameters[4]?.values ?? []).map(Number))).toBe(40);
    expect(best.training.excess).toBeLessThan(current.training.excess);
    const causes = attribute({
      ...{ subject: { kind: "scaled-job", job }, load: jobs, maxWaitMs: 60_000, seed: 1 },
      ...{ workers: {}, broker: {} },
    });
    expect(causes.map(({ cause }) => cause)).toEqual([
      ...["polling", "strategy", "maximum", "start-up"],
    ]);
  });

  test("searches the margins of the wait objective too", async () => {
    const objective = {
      kind: "objective",
      options: { objective: { maxWait: "30s", mode: "balanced" }, scale: { maxReplicaCount: 60 } },
    } as const;
    const { best, current, parameters } = await tune({
      ...options,
      subject: objective,
      candidates: 8,
    });
    expect(parameters.map(({ name }) => name)).toEqual([
      ...["theta", "mode", "adaptive", "startCost", "pollingInterval", "minReplicaCount"],
    ]);
    expect(parameters[0]?.current).toBe(0.6);
    expect(best.training.excess).toBe(0);
    expect(best.training.workerSeconds).toBeLessThanOrEqual(current.training.workerSeconds);
    expect(objectiveWith(objective.options, best.values).objective.theta).toBe(best.values[0]);
  });
});

describe("tuning an annotated objective", () => {
  test("writes an objective's margins as an annotation of which the same policy is read", () => {
    const [annotated] = parseSpecs(
      text.replace("{name: worker}", '{name: w, annotations: {sluice.dev/objective: "30s"}}'),
      "so.yaml",
    ).scaledObjects;
    if (annotated === undefined) throw new Error("no ScaledObject");
    const values = [0.75, "latency", "true", 5, 2, 3];
    const [annotation, ...fields] = annotatedFields(annotated, values);
    expect(annotation?.value).toBe(
      "maxWait=30s,mode=latency,theta=0.75,adaptive=true,startCost=5s",
    );
    expect(fields.map(({ path, value }) => [path.join("."), value])).toEqual([
      ["spec.pollingInterval", 2],
      ["spec.minReplicaCount", 3],
    ]);
    const [read] = parseSpecs(
      text.replace(
        "{name: worker}",
        `{name: w, annotations: {sluice.dev/objective: "${annotation?.value}"}}`,
      ),
      "so.yaml",
    ).scaledObjects;
    expect(annotatedWith(annotated, values).controls.objective).toEqual(read?.controls.objective);
    const present = annotatedTunable(annotated).parameters.map(({ current }) => current);
    expect(annotatedFields(annotated, present)).toEqual([]);
  });

  test("searches the margins of a ScaledJob's objective, and keeps what else its annotation says", async () => {
    const [annotated] = parseSpecs(
      jobText.replace(
        "{name: worker}",
        '{name: w, annotations: {sluice.dev/objective: "maxWait=60s,messagesPerJob=many"}}',
      ),
      "sj.yaml",
    ).scaledJobs;
    if (annotated === undefined) throw new Error("no ScaledJob");
    const { best } = await tune({
      ...{ subject: { kind: "annotated", object: annotated }, maxWaitMs: 60_000 },
      load: sliceLoad(generateLoad("sporadic", { seed: 1 }), 0, 3600 * second),
      ...{ candidates: 4, folds: 1 },
    });
    expect(best.training.excess).toBe(0);
    const [annotation] = annotatedFields(annotated, [0.5, "cost", "false", 0, 5, 0]);
    expect(annotation?.value).toBe("maxWait=60s,mode=cost,theta=0.5,messagesPerJob=many");
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

test("of a long front both ends are shown", () => {
  const front = Array.from({ length: 31 }, (_, place) => place);
  expect(thinned(front, 12)).toHaveLength(12);
  expect(thinned(front, 12).at(0)).toBe(0);
  expect(thinned(front, 12).at(-1)).toBe(30);
  expect(thinned(front.slice(0, 5), 12)).toHaveLength(5);
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
  expect(of("start-up")?.lateShare).toBeGreaterThan(0.1);
  expect(of("cool-down")?.costShare).toBeGreaterThan(0.1);
});
