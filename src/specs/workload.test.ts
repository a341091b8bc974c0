import { expect, test } from "vitest";
import { data, deployment, problemsOf, read, texts } from "./fixtures/samples.ts";

test("a Deployment or StatefulSet is read for what a replica runs", () => {
  const container = {
    command: ["node"],
    args: ["worker.js", "$(QUEUE)"],
    workingDir: "/app",
    env: [
      { name: "QUEUE", value: "jobs" },
      { name: "EMPTY" },
      { name: "PASSWORD", valueFrom: { secretKeyRef: { name: "login", key: "password" } } },
      { name: "MODE", valueFrom: { configMapKeyRef: { name: "c", key: "m", optional: true } } },
      { name: "NS", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
    ],
    envFrom: [
      { prefix: "C_", configMapRef: { name: "c" } },
      { secretRef: { name: "s", optional: true } },
    ],
    resources: { requests: { cpu: "1" }, limits: { memory: "1Gi" } },
    livenessProbe: { anything: true },
  };
  for (const kind of ["Deployment", "StatefulSet"]) {
    const [workload] = read(deployment(container, kind)).workloads;
    expect(workload).toMatchObject({
      kind,
      replicas: 2,
      template: { restartPolicy: "Always", terminationGracePeriodSeconds: 30 },
    });
    expect(workload?.template.containers).toEqual([
      {
        name: "main",
        image: "worker:1",
        command: ["node"],
        args: ["worker.js", "$(QUEUE)"],
        workingDir: "/app",
        env: [
          { name: "QUEUE", value: "jobs" },
          { name: "EMPTY", value: "" },
          {
            name: "PASSWORD",
            from: { kind: "Secret", name: "login", key: "password", optional: false },
          },
          { name: "MODE", from: { kind: "ConfigMap", name: "c", key: "m", optional: true } },
          { name: "NS", fieldPath: "metadata.namespace" },
        ],
        envFrom: [
          { kind: "ConfigMap", prefix: "C_", name: "c", optional: false },
          { kind: "Secret", prefix: "", name: "s", optional: true },
        ],
        resources: { requests: ["cpu"], limits: ["memory"] },
      },
    ]);
  }
});

test("a Job is read with Kubernetes' defaults", () => {
  const template = { spec: { containers: [{ name: "main" }], restartPolicy: "Never" } };
  const job = { apiVersion: "batch/v1", kind: "Job", metadata: { name: "once" } };
  expect(read({ ...job, spec: { template } }).jobs[0]?.spec).toMatchObject({
    parallelism: 1,
    completions: null,
    backoffLimit: 6,
    activeDeadlineSeconds: null,
    template: { restartPolicy: "Never" },
  });
});

test("Secrets are decoded, with plain text over it", () => {
  const secret = {
    ...data("Secret", "login", { user: "me", password: "plain" }),
    data: { password: "aHVz\naA==", port: "NTQzMg==" },
  };
  expect(read(secret, data("ConfigMap", "c", { a: "1", empty: null })).data).toMatchObject([
    { kind: "Secret", data: { user: "me", password: "plain", port: "5432" } },
    { kind: "ConfigMap", data: { a: "1", empty: "" } },
  ]);
});

test.each([
  [{ command: "node worker.js" }, 'command must be a list; got "node worker.js"'],
  [{ args: [1] }, 'args[0] must be a text; got 1. Put it in quotes: "1"'],
  [
    { env: [{ name: "PORT", value: 80 }] },
    "env[0].value must be a text; got a number. Put it in quotes;",
  ],
  [{ env: [{ value: "a" }] }, "env[0].name is missing"],
  [{ env: [{ name: "a", value: "b", valueFrom: {} }] }, "env[0] has both value and valueFrom"],
  [
    { env: [{ name: "a", valueFrom: { secretKeyRef: { name: "s" } } }] },
    "env[0].valueFrom.secretKeyRef.key is missing",
  ],
  [{ envFrom: [{}] }, "envFrom[0] must have secretRef or configMapRef"],
  [{ resources: { limits: [] } }, "resources.limits must be a mapping of quantities"],
])("a container of %j is refused", (container, problem) => {
  expect(texts(problemsOf(deployment(container))).join()).toContain(
    `spec.template.spec.containers[0].${problem}`,
  );
});
