import { describe, expect, test } from "vitest";
import { parseSpecs, type SpecSet } from "../../specs/index.ts";
import { podCommand } from "./pod-command.ts";

const scaled = (annotations = "{}", container = "") => `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: scaler, annotations: ${annotations}}
spec:
  scaleTargetRef: {name: worker${container === "" ? "" : `, envSourceContainerName: ${container}`}}
  triggers: [{type: redis, metadata: {listName: jobs}}]
`;
const deployment = (containers: string, pod = "") => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker}
spec: {template: {spec: {${pod} containers: ${containers}}}}
`;
const job = (annotations: string, containers: string) => `
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: {name: scaler, annotations: ${annotations}}
spec:
  jobTargetRef: {template: {spec: {terminationGracePeriodSeconds: 5, containers: ${containers}}}}
  triggers: [{type: redis, metadata: {listName: jobs}}]
`;
const secret = "{kind: Secret, apiVersion: v1, metadata: {name: s}, stringData: {password: hush}}";
const local = '{sluice.dev/local-command: node "my worker.js"}';

const read = (...documents: readonly string[]): SpecSet =>
  parseSpecs(documents.join("\n---\n"), "a.yaml");

function commandOf(set: SpecSet) {
  const owner = set.scaledObjects[0] ?? set.scaledJobs[0];
  if (owner === undefined) throw new Error("nothing scales");
  return podCommand(set, owner, { PATH: "/bin", MODE: "outer" });
}

describe("a replica on this machine runs", () => {
  test("the container's command, arguments, environment and directory, with the pod's grace", () => {
    const container = `[{name: main, image: x, command: [node], args: [worker.js, --queue=$(QUEUE)], workingDir: /app,
      env: [{name: QUEUE, value: jobs}, {name: MODE, value: inner}, {name: PASSWORD, valueFrom: {secretKeyRef: {name: s, key: password}}}]}]`;
    const set = read(scaled(), deployment(container, "terminationGracePeriodSeconds: 7,"), secret);
    expect(commandOf(set)).toEqual({
      command: ["node", "worker.js", "--queue=jobs"],
      env: { PATH: "/bin", MODE: "inner", QUEUE: "jobs", PASSWORD: "hush" },
      cwd: "/app",
      graceMs: 7000,
    });
  });

  test("the annotation's command in the container's environment, but not in its directory", () => {
    const container =
      "[{name: main, image: x, workingDir: /app, args: [a], env: [{name: QUEUE, value: jobs}]}]";
    expect(commandOf(read(scaled(local), deployment(container)))).toEqual({
      command: ["node", "my worker.js"],
      env: { PATH: "/bin", MODE: "outer", QUEUE: "jobs" },
      graceMs: 30_000,
    });
  });

  test("the annotation's command where no workload was read", () => {
    expect(commandOf(read(scaled(local)))).toEqual({
      command: ["node", "my worker.js"],
      env: { PATH: "/bin", MODE: "outer" },
      graceMs: 30_000,
    });
  });

  test("a ScaledJob's own pod", () => {
    expect(commandOf(read(job("{}", "[{name: main, command: [sh, -c, exit 0]}]")))).toEqual({
      command: ["sh", "-c", "exit 0"],
      env: { PATH: "/bin", MODE: "outer" },
      graceMs: 5000,
    });
  });

  test("the container that is named, of several", () => {
    const two = "[{name: proxy, command: [envoy]}, {name: main, command: [node]}]";
    expect(commandOf(read(scaled("{}", "main"), deployment(two))).command).toEqual(["node"]);
  });
});

describe("it is refused, with what to write,", () => {
  const only = "[{name: main, image: 'worker:1'}]";
  const two = "[{name: proxy, command: [envoy]}, {name: main, command: [node]}]";
  const needy = "[{name: main, command: [node], envFrom: [{secretRef: {name: gone}}]}]";

  test.each([
    [
      "an image alone",
      read(scaled(), deployment(only)),
      "SPEC_UNSUPPORTED",
      "has only the image worker:1. Add the annotation sluice.dev/local-command",
    ],
    [
      "an image alone for jobs",
      read(job("{}", only)),
      "SPEC_UNSUPPORTED",
      "to the ScaledJob, or command to the container",
    ],
    [
      "several containers",
      read(scaled(), deployment(two)),
      "SPEC_UNSUPPORTED",
      "its pods have proxy, main. Name one of them",
    ],
    [
      "a container that is not there",
      read(scaled("{}", "side"), deployment(two)),
      "SPEC_UNSUPPORTED",
      "its pods have proxy, main",
    ],
    [
      "no workload",
      read(scaled()),
      "SPEC_REFERENCE_MISSING",
      "needs its target Deployment default/worker, which was not read",
    ],
    [
      "a Secret that is not there",
      read(scaled(), deployment(needy)),
      "SPEC_REFERENCE_MISSING",
      "Secret default/gone was not read",
    ],
  ])("where there is %s", (_, set, code, message) => {
    expect(() => commandOf(set)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});
