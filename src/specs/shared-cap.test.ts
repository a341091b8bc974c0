import { expect, test } from "vitest";
import { problemsOf, read, scaledJob, scaledObject, texts } from "./fixtures/samples.ts";
import { sharedCapsOf } from "./shared-cap.ts";

const problems = (annotations: object) =>
  texts(problemsOf(scaledObject({}, { annotations }))).join("\n");
const capOf = (annotations: object) =>
  read(scaledObject({}, { annotations })).scaledObjects[0]?.controls.sharedCap;
const objective = { "sluice.dev/objective": "30s" };

test.each([
  ["gpu=10", { name: "gpu", maxReplicas: 10, yields: "idle" }],
  ["a.b_c-1=01, yield=idle", { name: "a.b_c-1", maxReplicas: 1, yields: "idle" }],
  ["gpu=10,yield=busy", { name: "gpu", maxReplicas: 10, yields: "busy" }],
])("shared-cap %s", (value, sharedCap) => {
  expect(capOf({ ...objective, "sluice.dev/shared-cap": value })).toEqual(sharedCap);
});

test.each([
  "",
  "gpu",
  "10",
  "gpu=",
  "gpu=0",
  "gpu=-1",
  "gpu=1.5",
  "gpu=10,x=1",
  "gpu=1,yield=all",
  "yield=busy",
  "=3",
  "-=3",
])("shared-cap refuses %j", (value) => {
  const said = problems({ ...objective, "sluice.dev/shared-cap": value });
  expect(said).toContain("must be a name and the most replicas of all that name it");
});

test("shared-cap needs an objective, and yields only where workers can be asked to leave", () => {
  const cap = { "sluice.dev/shared-cap": "gpu=10" };
  expect(problems(cap)).toContain("this object has none. Add sluice.dev/objective");
  const job = (text: string) =>
    scaledJob({}, { name: "job", annotations: { ...objective, "sluice.dev/shared-cap": text } });
  expect(texts(problemsOf(job("gpu=10,yield=busy"))).join()).toContain("jobs leave when they end");
  const [problem] = problemsOf(
    scaledObject({}, { annotations: { ...objective, ...cap } }),
    job("gpu=9"),
  );
  expect(problem).toMatchObject({ object: "ScaledJob default/job" });
});

test("shared-cap is of one size for all that name it", () => {
  const member = (name: string, cap: string) =>
    scaledObject(
      { scaleTargetRef: { name } },
      { name, annotations: { ...objective, "sluice.dev/shared-cap": cap } },
    );
  expect(problemsOf(member("a", "gpu=3"), member("b", "cpu=4"), member("c", "gpu=3"))).toEqual([]);
  const [problem, ...rest] = problemsOf(member("a", "gpu=3"), member("b", "gpu=4"));
  expect(rest).toEqual([]);
  expect(problem).toMatchObject({ source: { document: 2 }, object: "ScaledObject default/b" });
  expect(problem?.message).toBe(
    "must be the same on all that share it: ScaledObject default/a (test.yaml:1) says gpu=3; got gpu=4.",
  );
});

test("the minimums of a cap's members are added up, those of paused ones as they are paused", () => {
  const member = (name: string, minReplicaCount: number, rest: object = {}) =>
    scaledObject(
      { scaleTargetRef: { name }, minReplicaCount },
      { name, annotations: { ...objective, "sluice.dev/shared-cap": "gpu=3", ...rest } },
    );
  const paused = { "autoscaling.keda.sh/paused-replicas": "4" };
  const [cap, ...rest] = sharedCapsOf(read(member("a", 1), member("b", 2, paused)));
  expect(rest).toEqual([]);
  expect(cap).toMatchObject({ name: "gpu", maxReplicas: 3, minimums: 5 });
  expect(cap?.members.map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
});
