import { readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { test } from "../support/cli.ts";

const scaledObject = `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: resize-scaler}
spec:
  scaleTargetRef: {name: resize}
  cooldownPeriod: 60
  triggers: [{type: redis, metadata: {listName: resize}}]
`;

describe.concurrent("simulate", () => {
  test("shows a ScaledObject beside another policy and the bound", async ({ cli }) => {
    cli.write("so.yaml", scaledObject);
    const { status, stdout } = await cli.run([
      "simulate",
      "-f",
      "so.yaml",
      "--load",
      "sporadic",
      "--against",
      "fixed:2",
      "--csv",
      "out.csv",
    ]);
    expect(status).toBe(0);
    const rows = stdout.split("\n").map((row) => row.split(/ {2,}/));
    expect(rows.map(([name]) => name)).toEqual(
      expect.arrayContaining(["resize-scaler", "fixed 2", "lower bound"]),
    );
    const lines = readFileSync(cli.path("out.csv"), "utf8").split("\n");
    expect(lines[0]).toMatch(/^policy,seconds,starting/);
    expect(lines.filter((line) => line.startsWith("resize-scaler,")).length).toBeGreaterThan(400);
  });

  test("prints the same JSON for the same seed", async ({ cli }) => {
    cli.write("load.csv", "time,duration\n0,1\n2,1\n3,4\n");
    const command = ["simulate", "--load", "load.csv", "--against", "backlog:1", "--json"];
    const first = await cli.run(command);
    const { reports, bound } = JSON.parse(first.stdout);
    expect(reports).toHaveLength(1);
    expect(reports[0].jobs).toMatchObject({ arrived: 3, done: 3 });
    expect(reports[0].workerSeconds.total).toBeGreaterThan(bound.workerSeconds);
    expect((await cli.run(command)).stdout).toBe(first.stdout);
  });

  test("names file and line of what is wrong, and what there is to choose from", async ({
    cli,
  }) => {
    cli.write("bad.csv", "time,duration\n5,1\n4,1\n");
    const bad = await cli.run(["simulate", "--load", "bad.csv", "--against", "backlog"]);
    expect(bad).toMatchObject({ status: 65, stdout: "" });
    expect(bad.stderr).toMatch(/bad\.csv:3: .*LOAD_INVALID/s);
    const none = await cli.run(["simulate", "--load", "spike"]);
    expect(none).toMatchObject({ status: 2, stderr: expect.stringContaining("OPTION_INVALID") });
    const odd = await cli.run(["simulate", "--load", "spike", "--against", "fixed:0"]);
    expect(odd).toMatchObject({ status: 2, stderr: expect.stringContaining("fixed:COUNT") });
  });
});
