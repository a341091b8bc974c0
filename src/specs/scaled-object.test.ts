import { describe, expect, test } from "vitest";
import { describeCases } from "./fixtures/cases.ts";
import {
  cpu,
  deployment,
  problemsOf,
  read,
  scaledObject,
  texts,
  trigger,
} from "./fixtures/samples.ts";

const long = (length: number): string => "a".repeat(length);
const advanced = (parts: object) => ({ advanced: parts });

test("what is not given has KEDA's defaults, and stays null where KEDA tells it from the default", () => {
  const [object] = read(scaledObject()).scaledObjects;
  expect(object?.spec).toEqual({
    scaleTargetRef: {
      name: "worker",
      apiVersion: "apps/v1",
      kind: "Deployment",
      envSourceContainerName: null,
    },
    pollingInterval: 30,
    cooldownPeriod: 300,
    initialCooldownPeriod: 0,
    idleReplicaCount: null,
    minReplicaCount: null,
    maxReplicaCount: null,
    triggers: [
      {
        type: "redis",
        name: "",
        metadata: { listName: "jobs" },
        useCachedMetrics: false,
        metricType: null,
        authenticationRef: null,
      },
    ],
    fallback: null,
    advanced: {
      restoreToOriginalReplicaCount: false,
      horizontalPodAutoscalerConfig: { name: null, behavior: null },
      scalingModifiers: null,
    },
  });
});

test("all that can be given is read as it is", () => {
  const scaleDown = {
    stabilizationWindowSeconds: 60,
    selectPolicy: "Min",
    policies: [{ type: "Percent", value: 10, periodSeconds: 15 }],
    tolerance: "50m",
  };
  const { scaledObjects, warnings } = read(
    scaledObject({
      minReplicaCount: 1,
      maxReplicaCount: 9,
      idleReplicaCount: 0,
      fallback: { failureThreshold: 3, replicas: 6, behavior: "currentReplicasIfHigher" },
      triggers: [
        trigger({
          name: "jobs",
          metricType: "Value",
          useCachedMetrics: true,
          authenticationRef: { name: "login", kind: "ClusterTriggerAuthentication" },
        }),
      ],
      advanced: {
        restoreToOriginalReplicaCount: true,
        horizontalPodAutoscalerConfig: { name: "mine", behavior: { scaleDown } },
        scalingModifiers: { formula: "jobs * 2", target: "5", activationTarget: "1.5" },
      },
    }),
  );
  expect(warnings).toEqual([]);
  expect(scaledObjects[0]?.spec).toMatchObject({
    minReplicaCount: 1,
    maxReplicaCount: 9,
    idleReplicaCount: 0,
    fallback: { failureThreshold: 3, replicas: 6, behavior: "currentReplicasIfHigher" },
    triggers: [{ authenticationRef: { name: "login", kind: "ClusterTriggerAuthentication" } }],
    advanced: {
      restoreToOriginalReplicaCount: true,
      horizontalPodAutoscalerConfig: {
        name: "mine",
        behavior: { scaleUp: null, scaleDown: { ...scaleDown, tolerance: 0.05 } },
      },
      scalingModifiers: {
        formula: "jobs * 2",
        target: 5,
        activationTarget: 1.5,
        metricType: "AverageValue",
      },
    },
  });
});

describe("a ScaledObject", () => {
  describeCases("scaled-object.yaml", scaledObject);
});

describe("names", () => {
  test("a name of 54 characters, and one of 63 with an autoscaler's name of its own", () => {
    const named = advanced({ horizontalPodAutoscalerConfig: { name: long(63) } });
    expect(problemsOf(scaledObject({}, { name: long(54) }))).toEqual([]);
    expect(problemsOf(scaledObject(named, { name: long(63) }))).toEqual([]);
  });

  test.each([
    [55, {}, "The autoscaler is named keda-hpa-… and takes 63"],
    [64, {}, "must have at most 54 characters; got 64. Shorten it."],
    [
      64,
      advanced({ horizontalPodAutoscalerConfig: { name: "x" } }),
      "must have at most 63 characters; got 64",
    ],
  ])("of %i characters are too long", (length, spec, problem) => {
    expect(texts(problemsOf(scaledObject(spec, { name: long(length) }))).join()).toContain(problem);
  });

  test.each(["Worker", "-a", "a_b", "a..b", "x".repeat(254)])("like %s are none", (name) => {
    expect(texts(problemsOf(scaledObject({}, { name }))).join()).toContain(
      "metadata.name must have",
    );
  });
});

describe("together", () => {
  const named = (name: string, target: string, autoscaler?: string) =>
    scaledObject(
      {
        scaleTargetRef: { name: target },
        ...(autoscaler ? advanced({ horizontalPodAutoscalerConfig: { name: autoscaler } }) : {}),
      },
      { name },
    );

  test("two objects of one kind and name are one too many, in one namespace", () => {
    expect(texts(problemsOf(scaledObject(), scaledObject()))).toEqual([
      "metadata.name is the name of another ScaledObject already, in test.yaml:1. Rename or remove one of them.",
    ]);
    expect(problemsOf(scaledObject(), scaledObject({}, { namespace: "other" }))).toEqual([]);
  });

  test("a target has one ScaledObject, and an autoscaler one name", () => {
    expect(texts(problemsOf(named("a", "x"), named("b", "x"))).join()).toContain(
      "spec.scaleTargetRef.name is scaled by ScaledObject default/a already, in test.yaml:1",
    );
    expect(texts(problemsOf(named("a", "x"), named("b", "y", "keda-hpa-a"))).join()).toContain(
      "leads to the autoscaler keda-hpa-a, which ScaledObject default/a has already",
    );
  });

  test("cpu needs a request or limit on every container, or on the one that it names", () => {
    const spec = (metadata: object) => ({
      minReplicaCount: 1,
      triggers: [cpu({ metadata: { value: "60", ...metadata } })],
    });
    const bare = deployment();
    const limited = deployment({ resources: { limits: { cpu: "1" } } });
    expect(texts(problemsOf(scaledObject(spec({})), bare)).join()).toContain(
      "spec.triggers[0] needs a request or limit of cpu on every container; Deployment default/worker has none on main",
    );
    expect(problemsOf(scaledObject(spec({})), limited)).toEqual([]);
    expect(
      texts(problemsOf(scaledObject(spec({ containerName: "side" })), limited)).join(),
    ).toContain('must be a container of Deployment default/worker; got "side". There is main.');
  });
});
