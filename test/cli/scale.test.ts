import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { type Cli, test } from "../support/cli.ts";
import type { Program } from "../support/program.ts";
import { until } from "../support/until.ts";

/** A source of numbers: `/<name>` answers with the value that the test has set, or fails where there is none. */
const values = new Map<string, number>();
let server: Server;
let url = "";

beforeAll(async () => {
  server = createServer((request, response) => {
    const value = values.get(request.url ?? "");
    response.writeHead(value === undefined ? 500 : 200).end(JSON.stringify({ value }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

interface Given {
  readonly name?: string;
  readonly max?: number;
  readonly command?: string;
  readonly type?: string;
}

const object = ({
  name = "worker",
  max = 3,
  command = "sleep 100",
  type = "metrics-api",
}: Given) => `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: ${name}
spec:
  scaleTargetRef: { name: ${name} }
  pollingInterval: 1
  cooldownPeriod: 1
  maxReplicaCount: ${max}
  triggers:
    - type: ${type}
      metadata: { url: "${url}/${name}", valueLocation: value, targetValue: "5" }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers: [{ name: main, image: none, command: [sh, -c, "exec ${command}"] }]
`;

const cpuObject = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: { name: b, annotations: { sluice.dev/local-command: sleep 100 } }
spec:
  scaleTargetRef: { name: b }
  minReplicaCount: 1
  triggers:
    - { type: cpu, metricType: Utilization, metadata: { value: "50" } }
`;

const workersOf = (cli: Cli, scale: Program, command = "sleep 100"): number =>
  cli.processes().filter((one) => one.parent === scale.pid && one.command.includes(command)).length;

const untilWorkers = (
  cli: Cli,
  scale: Program,
  count: number,
  command?: string,
): Promise<unknown> =>
  until(() => workersOf(cli, scale, command) === count, {
    withinMs: 15_000,
    what: `${count} workers`,
  });

describe.concurrent("scale", { timeout: 60_000 }, () => {
  test("brings a Deployment's command from zero to many and back to zero", async ({ cli }) => {
    cli.write("all.yaml", object({ name: "tide" }));
    values.set("/tide", 0);
    const scale = cli.start(["scale", "-f", "all.yaml", "--sync-period", "1s"]);
    await scale.waitFor("scaling objects=1");
    values.set("/tide", 100);
    await untilWorkers(cli, scale, 3);
    values.set("/tide", 0);
    await untilWorkers(cli, scale, 0);
    scale.kill("SIGINT");
    const { status, stderr } = await scale.ended();
    expect(status).toBe(0);
    expect(stderr).toMatch(/scaled object="ScaledObject default\/tide" from=0 to=1 by=keda/);
    expect(stderr).toMatch(/from=1 to=3 by=hpa reason="TooManyReplicas: 20 wanted, 3 at most/);
    expect(stderr).toMatch(/from=3 to=0 by=keda reason="KEDAScaleTargetDeactivated: from 3 to 0/);
  });

  test("holds the count while the source fails, and tells of it once", async ({ cli }) => {
    cli.write("all.yaml", object({ name: "outage" }));
    values.set("/outage", 1);
    const scale = cli.start(["scale", "-f", "all.yaml"]);
    await untilWorkers(cli, scale, 1);
    values.delete("/outage");
    await scale.waitFor("reading trigger 0 (metrics-api) failed");
    const before = scale.stderr.length;
    values.set("/outage", 1);
    await scale.waitFor("reading trigger 0 (metrics-api) works again");
    expect(scale.stderr.slice(before)).not.toContain("scaled");
    expect(workersOf(cli, scale)).toBe(1);
    scale.kill("SIGTERM");
    expect((await scale.ended()).status).toBe(0);
  });

  test("prints every decision as JSON and starts nothing in a dry run", async ({ cli }) => {
    cli.write("all.yaml", object({ name: "dry" }));
    values.set("/dry", 100);
    const scale = cli.start(["scale", "-f", "all.yaml", "--dry-run", "--json"]);
    await scale.waitFor("to=3");
    expect(workersOf(cli, scale)).toBe(0);
    scale.kill("SIGINT");
    const { stdout } = await scale.ended();
    const [first, second] = stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
    expect(first).toMatchObject({
      ...{ object: "ScaledObject default/dry", controller: "keda", kedaRule: 1 },
      ...{ current: 0, replicas: 1 },
    });
    expect(second).toMatchObject({ controller: "hpa", current: 1, replicas: 3, rule: "bounds" });
    expect(second.metrics[0]).toMatchObject({ metricName: "s0-metric-api-value", value: 100 });
  });
});

describe.concurrent("scale, while it runs,", { timeout: 60_000 }, () => {
  test("follows changed, new and missing objects at SIGHUP, and no file with mistakes", async ({
    cli,
  }) => {
    cli.write("one.yaml", object({ name: "first", max: 2 }));
    values.set("/first", 100);
    values.set("/second", 1);
    const scale = cli.start(["scale", "-f", cli.folder, "--sync-period", "1s"]);
    await untilWorkers(cli, scale, 2);
    cli.write("one.yaml", object({ name: "first", max: 4 }));
    cli.write("two.yaml", object({ name: "second", command: "sleep 200" }));
    scale.kill("SIGHUP");
    await scale.waitFor("files read again objects=2");
    await untilWorkers(cli, scale, 4);
    await untilWorkers(cli, scale, 1, "sleep 200");
    cli.write("one.yaml", object({ name: "first", max: 0 }));
    scale.kill("SIGHUP");
    await scale.waitFor("the files are not followed");
    expect(workersOf(cli, scale)).toBe(4);
    cli.write("one.yaml", object({ name: "second", command: "sleep 200" }));
    cli.write("two.yaml", "");
    scale.kill("SIGHUP");
    await scale.waitFor('removed object="ScaledObject default/first"');
    await untilWorkers(cli, scale, 0);
    expect(workersOf(cli, scale, "sleep 200")).toBe(1);
    scale.kill("SIGINT");
    expect((await scale.ended()).status).toBe(0);
  });

  test("serves Prometheus metrics under KEDA's names", async ({ cli }) => {
    cli.write("all.yaml", object({ name: "metered" }));
    values.set("/metered", 7);
    const scale = cli.start(["scale", "-f", "all.yaml", "--dry-run", "--metrics", "0"]);
    const [, metrics = ""] = await scale.waitFor(/metrics url=(\S+)/);
    await scale.waitFor("to=2");
    const text = await (await fetch(metrics)).text();
    const own = 'namespace="default",scaledObject="metered",type="scaledobject"';
    const metric = 'metric="s0-metric-api-value",scaler="metrics-api",triggerIndex="0"';
    expect(text).toContain(`keda_scaler_metrics_value{${own},${metric}} 7\n`);
    expect(text).toContain(`keda_scaler_active{${own},${metric}} 1\n`);
    expect(text).toContain('keda_trigger_registered_total{type="metrics-api"} 1\n');
    expect(text).toMatch(/^# TYPE keda_scaler_detail_errors_total counter$/m);
    expect((await fetch(metrics.replace("/metrics", "/"))).status).toBe(404);
    scale.kill("SIGINT");
    await scale.ended();
  });
});

describe.concurrent("scale, before it runs,", { timeout: 60_000 }, () => {
  test("says all that is wrong before it starts anything", async ({ cli }) => {
    cli.write("a.yaml", object({ name: "a", type: "metrics-apo" }));
    cli.write("b.yaml", cpuObject);
    const { status, stderr } = await cli.run(["scale", "-f", "."]);
    expect(status).toBe(2);
    expect(stderr).toContain("Did you mean metrics-api?");
    expect(stderr).toMatch(/b.yaml:\d+ \(ScaledObject default\/b\) trigger 0 \(cpu\) needs pods/);
    expect(stderr).not.toContain("scaled object");
  });

  test("needs something to scale", async ({ cli }) => {
    cli.write("none.yaml", "");
    const { status, stderr } = await cli.run(["scale", "-f", "none.yaml"]);
    expect(status).toBe(65);
    expect(stderr).toContain("must hold a ScaledObject or a ScaledJob; there is none");
  });
});
