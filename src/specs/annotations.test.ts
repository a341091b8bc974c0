import { describe, expect, test } from "vitest";
import { problemsOf, read, scaledJob, scaledObject, texts } from "./fixtures/samples.ts";

const controls = (annotations: object) =>
  read(scaledObject({}, { annotations })).scaledObjects[0]?.controls;
const jobControls = (annotations: object) =>
  read(scaledJob({}, { annotations })).scaledJobs[0]?.controls;
const problems = (annotations: object) =>
  texts(problemsOf(scaledObject({}, { annotations }))).join("\n");
const jobProblems = (annotations: object) =>
  texts(problemsOf(scaledJob({}, { annotations }))).join("\n");
const warnings = (annotations: object) =>
  texts(read(scaledObject({}, { annotations })).warnings).join("\n");

test("without annotations nothing is asked for", () => {
  expect(controls({})).toEqual({
    paused: false,
    pausedReplicas: null,
    pausedScaleIn: false,
    pausedScaleOut: false,
    forceActivation: false,
    localCommand: null,
    objective: null,
    sharedCap: null,
    sequential: null,
  });
});

describe("KEDA's switches", () => {
  test.each(["1", "t", "T", "TRUE", "true", "True"])("%s is on", (value) => {
    expect(controls({ "autoscaling.keda.sh/paused": value })?.paused).toBe(true);
  });

  test.each(["0", "f", "F", "FALSE", "false", "False"])("%s is off", (value) => {
    expect(controls({ "autoscaling.keda.sh/paused": value })?.paused).toBe(false);
  });

  test.each(["", "no", "off", "tRUE"])("%j is on, and warned of", (value) => {
    const annotations = { "autoscaling.keda.sh/paused": value };
    expect(controls(annotations)?.paused).toBe(true);
    expect(warnings(annotations)).toContain("which KEDA takes for true");
  });

  test.each([
    ["autoscaling.keda.sh/paused-scale-in", "pausedScaleIn"],
    ["autoscaling.keda.sh/paused-scale-out", "pausedScaleOut"],
    ["autoscaling.keda.sh/force-activation", "forceActivation"],
  ])("%s is %s, and nothing on a ScaledJob", (key, control) => {
    expect(controls({ [key]: "true" })).toMatchObject({ [control]: true, paused: false });
    expect(jobControls({ [key]: "true" })).toMatchObject({ [control]: false });
  });

  test("paused holds for a ScaledJob too", () => {
    expect(jobControls({ "autoscaling.keda.sh/paused": "true" })?.paused).toBe(true);
  });
});

describe("paused-replicas", () => {
  const key = "autoscaling.keda.sh/paused-replicas";

  test("is a count, beside paused or without", () => {
    expect(controls({ [key]: "4" })).toMatchObject({ pausedReplicas: 4, paused: false });
    expect(controls({ [key]: "0", "autoscaling.keda.sh/paused": "true" })).toMatchObject({
      pausedReplicas: 0,
      paused: true,
    });
  });

  test.each(["", "four", "-1", "1.5", "99999999999"])("refuses %j", (value) => {
    expect(problems({ [key]: value })).toContain("must be a whole number from 0, in quotes");
  });

  test("refuses a number without quotes", () => {
    expect(problems({ [key]: 4 })).toContain('must be a text; got 4. Put it in quotes: "4"');
  });
});

describe("unknown annotations", () => {
  test("of KEDA and Sluice are warned of, with what was probably meant", () => {
    expect(warnings({ "autoscaling.keda.sh/pause": "true" })).toContain(
      'metadata.annotations["autoscaling.keda.sh/pause"] is unknown and has no effect. Did you mean autoscaling.keda.sh/paused?',
    );
    expect(warnings({ "sluice.dev/treshold": "5" })).toContain(
      "Did you mean sluice.dev/threshold?",
    );
  });

  test("of others are left alone", () => {
    expect(warnings({ "argocd.argoproj.io/sync-wave": "1" })).toBe("");
  });
});

describe("Sluice's own", () => {
  test.each([
    ["node worker.js", ["node", "worker.js"]],
    [`sh -c 'exit 3'  "a b"`, ["sh", "-c", "exit 3", "a b"]],
    [`["node", "my worker.js"]`, ["node", "my worker.js"]],
  ])("local-command %s", (value, words) => {
    expect(controls({ "sluice.dev/local-command": value })?.localCommand).toEqual(words);
  });

  test.each(["", "  ", `node "worker`, "[1]", "[", "[]"])("local-command refuses %j", (value) => {
    expect(problems({ "sluice.dev/local-command": value })).toContain("must be a command");
  });

  test.each([
    ["30s", { maxWaitMs: 30_000, mode: "cost" }],
    ["maxWait=1m30s", { maxWaitMs: 90_000, mode: "cost" }],
    ["maxWait=5s, mode=latency", { maxWaitMs: 5000, mode: "latency" }],
    ["maxWait=5s,concurrency=8", { maxWaitMs: 5000, mode: "cost", concurrency: 8 }],
    [
      "maxWait=5s,theta=0.8,lateShare=0.01,adaptive=true,startCost=2s,startupDelay=1s",
      {
        ...{ maxWaitMs: 5000, mode: "cost", theta: 0.8, lateShare: 0.01, adaptive: true },
        ...{ startCostMs: 2000, startupDelayMs: 1000 },
      },
    ],
  ])("objective %s", (value, objective) => {
    expect(controls({ "sluice.dev/objective": value })?.objective).toEqual(objective);
  });

  test.each([
    ...["", "30", "0s", "soon", "mode=cost", "maxWait=5s,mode=fast", "maxWait=5s,x=1"],
    ...["maxWait=5s,theta=0", "maxWait=5s,theta=1.1", "maxWait=5s,lateShare=0.6"],
    ...["maxWait=5s,concurrency=0", "maxWait=5s,concurrency=1.5", "maxWait=5s,concurrency=8s"],
    ...["maxWait=5s,adaptive=yes", "maxWait=5s,startCost=2", "maxWait=5s,constructor=1"],
  ])("objective refuses %j", (value) => {
    expect(problems({ "sluice.dev/objective": value })).toContain("must be a wait to keep");
  });

  test("how many messages a ScaledJob's job takes, and that for a ScaledJob alone", () => {
    const annotation = (value: string) => ({ "sluice.dev/objective": value });
    expect(jobControls(annotation("30s"))?.objective).toEqual({ maxWaitMs: 30_000, mode: "cost" });
    expect(jobControls(annotation("maxWait=30s,messagesPerJob=1"))?.objective).toMatchObject({
      messagesPerJob: "one",
    });
    expect(jobControls(annotation("maxWait=30s,messagesPerJob=many"))?.objective).toMatchObject({
      messagesPerJob: "many",
    });
    const many = "maxWait=30s,messagesPerJob=many,concurrency=8";
    expect(jobControls(annotation(many))?.objective).toMatchObject({ concurrency: 8 });
    expect(jobProblems(annotation("maxWait=30s,concurrency=8"))).toContain(
      "more than 1 goes with messagesPerJob=many alone",
    );
    for (const wrong of ["0", "2", "few", ""])
      expect(jobProblems(annotation(`maxWait=30s,messagesPerJob=${wrong}`))).toContain(
        "messagesPerJob is 1 or many",
      );
    expect(problems(annotation("maxWait=30s,messagesPerJob=1"))).toContain("must be a wait");
  });

  test("an objective and the strategy sequential exclude each other", () => {
    const both = { "sluice.dev/strategy": "sequential", "sluice.dev/objective": "30s" };
    expect(jobProblems(both)).toContain("excludes sluice.dev/objective");
  });
});

describe("a ScaledJob's strategy", () => {
  test("strategy sequential, with a threshold and an age", () => {
    const strategy = { "sluice.dev/strategy": "sequential" };
    expect(jobControls(strategy)?.sequential).toEqual({ threshold: 0, maxAgeMs: null });
    const all = { ...strategy, "sluice.dev/threshold": "5", "sluice.dev/max-age": "30s" };
    expect(jobControls(all)?.sequential).toEqual({ threshold: 5, maxAgeMs: 30_000 });
  });

  test("strategy refuses other words, other objects and figures that are none", () => {
    const bad = {
      "sluice.dev/strategy": "parallel",
      "sluice.dev/threshold": "many",
      "sluice.dev/max-age": "30",
    };
    const said = problems(bad);
    expect(said).toContain('must be "sequential"; got "parallel"');
    expect(said).toContain("is for a ScaledJob alone");
    expect(said).toContain('must be a whole number from 0, in quotes; got "many"');
    expect(said).toContain('must be a duration such as "30s"; got "30"');
  });

  test("a threshold without a strategy is warned of", () => {
    expect(warnings({ "sluice.dev/threshold": "5" })).toContain("has no effect without");
  });
});
