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

const cpu = "cpu, metricType: Utilization, metadata: {value: '50'}";

describe("simulate", () => {
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
    const { version, reports, bound } = JSON.parse(first.stdout);
    expect(version).toBe(1);
    expect(reports).toHaveLength(1);
    expect(reports[0].jobs).toMatchObject({ arrived: 3, done: 3 });
    expect(reports[0].workerSeconds.total).toBeGreaterThan(bound.workerSeconds);
    expect((await cli.run(command)).stdout).toBe(first.stdout);
  });
});

describe("simulate, with YAML of its own,", () => {
  test("creates a ScaledJob's jobs by its objective, and beside it by another", async ({ cli }) => {
    cli.write(
      "job.yaml",
      `apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: {name: shared, annotations: {sluice.dev/objective: "maxWait=30s,messagesPerJob=many"}}
spec:
  jobTargetRef: {template: {spec: {containers: [{name: w, image: w}], restartPolicy: Never}}}
  triggers: [{type: redis, metadata: {listName: q, listLength: "1"}}]
`,
    );
    const rows = Array.from({ length: 40 }, (_, index) => `${index},1`);
    cli.write("load.csv", ["time,duration", ...rows, ""].join("\n"));
    const command = ["-f", "job.yaml", "--load", "load.csv"];
    const against = ["--against", "objective:latency", "--json"];
    const ended = await cli.run(["simulate", ...command, ...against]);
    expect(ended.status).toBe(0);
    const [shared, latency] = JSON.parse(ended.stdout).reports;
    expect(shared).toMatchObject({ policy: "shared", jobs: { late: 0, done: 40 } });
    expect(shared.workers.starts).toBeLessThan(8);
    expect(latency).toMatchObject({ policy: "objective:latency", jobs: { late: 0, done: 40 } });
    expect(latency.waitMs.p50).toBeLessThan(shared.waitMs.p50);
  });

  test("names file and line of what is wrong, and what there is to choose from", async ({
    cli,
  }) => {
    cli.write("bad.csv", "time,duration\n5,1\n4,1\n");
    const bad = await cli.run(["simulate", "--load", "bad.csv", "--against", "backlog"]);
    expect(bad).toMatchObject({ status: 65, stdout: "" });
    expect(bad.stderr).toMatch(/bad\.csv:3: .*LOAD_INVALID/s);
    const onCpu = scaledObject.replace("redis, metadata: {listName: resize}", cpu);
    cli.write("cpu.yaml", onCpu.replace("cooldownPeriod: 60", "minReplicaCount: 1"));
    const cpuAlone = await cli.run(["simulate", "-f", "cpu.yaml", "--load", "spike"]);
    expect(cpuAlone.stderr).toMatch(/cpu\.yaml:1: .*got cpu.*OPTION_UNSUPPORTED/s);
    const none = await cli.run(["simulate", "--load", "spike"]);
    expect(none).toMatchObject({ status: 2, stderr: expect.stringContaining("OPTION_INVALID") });
    const live = await cli.run(["simulate", "--load", "spike", "--against", "recorded"]);
    expect(live).toMatchObject({ status: 2, stderr: expect.stringContaining("sluice demo") });
    const odd = await cli.run(["simulate", "--load", "spike", "--against", "fixed:0"]);
    expect(odd).toMatchObject({ status: 2, stderr: expect.stringContaining("fixed:COUNT") });
  });
});

describe("simulate an objective of YAML", () => {
  test("has the workers of a ScaledObject's objective ready when its cron window opens", async ({
    cli,
  }) => {
    const objectWith = (cron: string): string => `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: opening, annotations: {sluice.dev/objective: 5s}}
spec:
  scaleTargetRef: {name: resize}
  triggers: [{type: sluice, metadata: {url: "sqlite:jobs.db", queueName: q}}${cron}]
`;
    const cron =
      ", {type: cron, metadata: {timezone: UTC, start: 0 8 * * *, end: 30 8 * * *, desiredReplicas: '20'}}";
    const rows = Array.from({ length: 60 }, () => "2026-03-05T08:00:00Z,1");
    cli.write("load.csv", ["time,duration", "2026-03-05T07:00:00Z,1", ...rows, ""].join("\n"));
    const latePercent = async (yaml: string): Promise<number> => {
      cli.write("so.yaml", yaml);
      const command = ["simulate", "-f", "so.yaml", "--load", "load.csv", "--max-wait", "5s"];
      const ended = await cli.run([...command, "--json"]);
      expect(ended.stderr).toMatch(/^warning opening: a wait of 5\.0s cannot be kept[^\n]*\n$/);
      return JSON.parse(ended.stdout).reports[0].jobs.latePercent;
    };
    expect(await latePercent(objectWith(""))).toBe(100);
    expect(await latePercent(objectWith(cron))).toBeLessThan(2);
    cli.write("so.yaml", objectWith("").replace(": 5s", ': "maxWait=5s,concurrency=4"'));
    const many = await cli.run(["simulate", "-f", "so.yaml", "--load", "load.csv"]);
    expect(many).toMatchObject({ status: 0, stderr: expect.stringMatching(/reckons with 4 jobs/) });
  });
});

describe("simulate with other workers and another broker", () => {
  test("shows what is not as usual on the page, and warns of a wait out of reach", async ({
    cli,
  }) => {
    const workers = ["--victims", "replicaset", "--billing", "ready", "--downstream", "9"];
    const nodes = ["--node-slots", "4", "--node-boot", "20s", "--node-keep", "1m"];
    const broker = ["--counts-only", "--outage", "1m,30s", "--max-deliveries", "2"];
    const asked = ["--load", "poison", "--until", "5m", "--against", "objective"];
    const { status, stdout, stderr } = await cli.run([
      ...["simulate", ...asked, ...workers, ...nodes, ...broker, "--backoff", "100ms,1s"],
      ...["--max-wait", "5s", "--report", "page.html", "--json"],
    ]);
    expect(status).toBe(0);
    expect(stderr).toMatch(/warning objective: a wait of 5\.0s cannot be kept/);
    const [{ jobs, decisions }] = JSON.parse(stdout).reports;
    expect(jobs.dead).toBeGreaterThan(0);
    expect(decisions.byRule.hold).toBeGreaterThan(5);
    const page = readFileSync(cli.path("page.html"), "utf8");
    expect(page).toContain("replicaset leave, paid for when ready, what they call takes 9 jobs");
    expect(page).toContain("Broker: counts alone, outages at 1m,30s");
  });

  test("refuses pairs that are none", async ({ cli }) => {
    const asked = ["simulate", "--load", "poison", "--against", "backlog"];
    const outage = await cli.run([...asked, "--outage", "2m"]);
    expect(outage.stderr).toContain("such as 20m,90s");
    const backoff = await cli.run([...asked, "--backoff", "5s,1s"]);
    expect(backoff).toMatchObject({ status: 2, stderr: expect.stringContaining("no longer") });
  });
});

describe("tune", () => {
  test("prints the tuned YAML, the same on any number of threads", async ({ cli }) => {
    cli.write("so.yaml", `# by hand\n${scaledObject}`);
    const burst = Array.from({ length: 60 }, (_, job) => `${job * 2},${job % 7}`);
    cli.write("load.csv", `time,duration\n${burst.join("\n")}\n`);
    const command = [
      "tune",
      "-f",
      "so.yaml",
      "--load",
      "load.csv",
      "--candidates",
      "6",
      "--folds",
      "1",
    ];
    const [one, two] = await Promise.all([
      cli.run([...command, "--threads", "1"]),
      cli.run([...command, "--threads", "2"]),
    ]);
    expect(one.status).toBe(0);
    expect(one.stderr).toMatch(/as it is .*tuned .*start-up/s);
    expect(one.stdout).toMatch(/^# by hand\napiVersion: keda.sh/);
    expect(one.stdout).not.toBe(`# by hand\n${scaledObject}`);
    expect(two.stdout).toBe(one.stdout);
    expect(two.stderr).toContain("2 threads");
  });

  test("prints YAML that is simulated and explained as it comes", async ({ cli }) => {
    const where = 'listName: resize, address: "redis:6379"';
    const trigger = `- {type: redis, metadata: {${where}}, authenticationRef: {name: q}}`;
    const spec = scaledObject.replace(/ {2}triggers:.*/, `  triggers:\n  ${trigger}`);
    cli.write(
      "load.csv",
      `time,duration\n${[0, 1, 2, 60, 61].map((at) => `${at},5`).join("\n")}\n`,
    );
    const asked = ["--load", "load.csv", "--candidates", "6", "--folds", "1", "--max-wait", "40s"];
    const tuned = await cli.run(["tune", "-f", "-", ...asked], { input: spec });
    expect(tuned.status).toBe(0);
    const again = await cli.run(
      ["simulate", "-f", "-", "--load", "load.csv", "--max-wait", "40s", "--json"],
      { input: tuned.stdout },
    );
    expect(JSON.parse(again.stdout).reports[0]).toMatchObject({ policy: "resize-scaler" });
    const explained = await cli.run(["explain", "-f", "-"], { input: tuned.stdout });
    expect(explained.stdout).toContain("ScaledObject default/resize-scaler -:1");
  });

  test("wants one ScaledObject", async ({ cli }) => {
    cli.write("so.yaml", scaledObject);
    const ended = await cli.run(["tune", "-f", "so.yaml", "--load", "spike", "--name", "other"]);
    expect(ended).toMatchObject({ status: 2, stderr: expect.stringContaining("resize-scaler") });
  });
});
