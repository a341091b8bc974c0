import { describe, expect } from "vitest";
import { test } from "../support/cli.ts";

const scaler = `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: scaler
spec:
  scaleTargetRef:
    name: consumer
  minReplicaCount: 1
  cooldownPeriod: 30
  maxReplicaCount: 20
  triggers:
    - type: postgresql
      metadata:
        query: SELECT COUNT(*) FROM jobs
        targetQueryValue: "5"
      authenticationRef:
        name: login
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata:
  name: login
spec:
  secretTargetRef:
    - parameter: connection
      name: postgres
      key: connection
`;
const secret = `apiVersion: v1
kind: Secret
metadata:
  name: postgres
stringData:
  connection: postgresql://user:hunter2@host/db
`;

describe.concurrent("explain", () => {
  test("says what the files of a folder mean, and shows no secret", async ({ cli }) => {
    cli.write("scaler.yaml", scaler);
    cli.write("secret.yaml", secret);
    const { status, stdout, stderr } = await cli.run(["explain", "-f", "."]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(
      /^ScaledObject default\/scaler scaler\.yaml:1\n {2}scales {7}Deployment/,
    );
    expect(stdout).toContain("connection from Secret postgres, key connection");
    expect(stdout).toContain("spec.cooldownPeriod has no effect while minReplicaCount is above 0");
    expect(stdout).not.toContain("hunter2");
  });

  test("tells what standard input lacks, and of the rest all the same", async ({ cli }) => {
    const { status, stdout } = await cli.run(["explain", "-f", "-"], { input: scaler });
    expect(status).toBe(0);
    expect(stdout).toContain("✗ -:12 (ScaledObject default/scaler) trigger 0 (postgresql)");
    expect(stdout).toContain("Secret default/postgres was not read");
  });

  test("tells what is wrong with a trigger's metadata, without asking its server", async ({
    cli,
  }) => {
    const wrong = scaler.replace('targetQueryValue: "5"', 'targetQueryValu: "5"');
    cli.write("scaler.yaml", wrong);
    cli.write("secret.yaml", secret);
    const { status, stdout } = await cli.run(["explain", "-f", "."]);
    expect(status).toBe(0);
    expect(stdout).toContain("targetQueryValue is required");
    expect(stdout).toContain("trigger-invalid, line 12");
  });

  test("prints one JSON object with --json, from several files", async ({ cli }) => {
    cli.write("scaler.yaml", scaler);
    cli.write("secret.yaml", secret);
    const args = ["explain", "-f", "scaler.yaml", "-f", "secret.yaml", "--json"];
    const { stdout } = await cli.run(args);
    expect(JSON.parse(stdout)).toMatchObject({
      objects: [
        {
          kind: "ScaledObject",
          namespace: "default",
          name: "scaler",
          source: { file: "scaler.yaml", document: 1, line: 1 },
          meaning: [
            { topic: "scales" },
            { topic: "on" },
            { topic: "with" },
            {},
            {},
            {},
            {},
            {},
            {},
          ],
          remarks: [],
        },
      ],
      warnings: [{ path: "spec.cooldownPeriod", source: { line: 9 } }],
      notes: [],
    });
    expect(stdout).not.toContain("hunter2");
  });
});

describe.concurrent("explain of what is not right", () => {
  test("lists every problem of a file that is wrong, with status 65", async ({ cli }) => {
    const wrong = scaler.replace('"5"', "5").replace("maxReplicaCount: 20", "maxReplicaCount: 0");
    cli.write("wrong.yaml", wrong);
    const { status, stdout, stderr } = await cli.run(["explain", "-f", "wrong.yaml"]);
    expect({ status, stdout }).toEqual({ status: 65, stdout: "" });
    expect(stderr).toContain("the YAML has 2 problems:");
    expect(stderr).toContain(
      "wrong.yaml:10 (document 1, ScaledObject default/scaler) spec.maxReplicaCount",
    );
    expect(stderr).toContain('Put it in quotes: "5"');
  });

  test("says so when there is nothing to explain, or nothing to read", async ({ cli }) => {
    cli.write("secret.yaml", secret);
    const nothing = await cli.run(["explain", "-f", "secret.yaml"]);
    expect(nothing.status).toBe(65);
    expect(nothing.stderr).toContain("must hold a ScaledObject or a ScaledJob; there is none.");
    const missing = await cli.run(["explain", "-f", "gone.yaml"]);
    expect(missing.status).toBe(2);
    expect(missing.stderr).toContain("gone.yaml must be a file, a folder or -");
    expect((await cli.run(["explain"])).status).toBe(2);
  });
});

describe.concurrent("schema", () => {
  test("prints JSON Schema, of all kinds or of one", async ({ cli }) => {
    const all = await cli.run(["schema"]);
    expect(JSON.parse(all.stdout)).toMatchObject({ $schema: expect.stringContaining("draft-07") });
    const one = await cli.run(["schema", "scaledjob"]);
    expect(JSON.parse(one.stdout)).toMatchObject({ title: "ScaledJob", type: "object" });
    expect((await cli.run(["schema", "deployment"])).status).toBe(2);
  });
});

describe.concurrent("explain --value", () => {
  test("works both halves through, step by step", async ({ cli }) => {
    cli.write("a.yaml", scaler);
    const { status, stdout } = await cli.run([
      "explain",
      "-f",
      ".",
      "--value",
      "37",
      "--replicas",
      "4",
    ]);
    expect(status).toBe(0);
    expect(stdout).toContain("ScaledObject default/scaler with 4 replicas, 4 of them ready");
    expect(stdout).toContain("KEDA's half, row 3 of its table: stays at 4");
    expect(stdout).toMatch(
      /metric +8 {2}s0-postgresql: 37 \/ \(5 × 4\) = 1.85 is outside 0.9 to 1.1/,
    );
    expect(stdout).toMatch(/The autoscaler's half: 4 → 8/);
  });

  test("gives the same as JSON, with a failed reading of one trigger", async ({ cli }) => {
    cli.write("a.yaml", scaler);
    const values = ["--value", "postgresql=failed", "--replicas", "4"];
    const { stdout } = await cli.run(["explain", "-f", ".", ...values, "--json"]);
    const { objects } = JSON.parse(stdout);
    expect(objects[0].decisions.map((one: { replicas: number }) => one.replicas)).toEqual([4, 4]);
    expect(objects[0].decisions[0].kedaRule).toBe(5);
    expect(objects[0].decisions[1].reasons[0].code).toBe("FailedGetExternalMetric");
  });

  test("refuses a value of no trigger, and one that is no number", async ({ cli }) => {
    cli.write("a.yaml", scaler);
    const stranger = await cli.run(["explain", "-f", ".", "--value", "queue=3"]);
    expect([stranger.status, stranger.stderr]).toEqual([
      2,
      expect.stringContaining("name, type or index (postgresql); got queue"),
    ]);
    const negative = await cli.run(["explain", "-f", ".", "--value", "postgresql=-3"]);
    expect([negative.status, negative.stderr]).toEqual([
      2,
      expect.stringContaining("Expected a number from 0, or failed"),
    ]);
  });
});
