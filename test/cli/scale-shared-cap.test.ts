import { describe, expect } from "vitest";
import type { Sluice } from "../../src/index.ts";
import { type Cli, test } from "../support/cli.ts";
import type { Program } from "../support/program.ts";
import { until } from "../support/until.ts";

interface Given {
  readonly name: string;
  readonly maxWait?: string;
  readonly cap?: string;
  readonly annotations?: readonly string[];
  readonly spec?: string;
}

/** A ScaledObject whose workers take jobs of the queue of its name. */
const object = (cli: Cli, given: Given): string => {
  const { name, maxWait = "4s", cap = "box=3", annotations = [], spec = "" } = given;
  const command = [process.execPath, cli.main, "work", "--queue", name, "--concurrency", "1"];
  const local = JSON.stringify([...command, "--exec", "sleep 0.2"]);
  return `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: ${name}
  annotations:
    sluice.dev/objective: ${maxWait}
    sluice.dev/shared-cap: ${cap}
    sluice.dev/local-command: '${local}'
${annotations.map((line) => `    ${line}`).join("\n")}
spec:
  scaleTargetRef: { name: ${name} }
  maxReplicaCount: 5
  ${spec}
  triggers: [{ type: sluice, metadata: { url: "sqlite:sluice.db", queueName: ${name} } }]
`;
};

const workersOf = (cli: Cli, scale: Program, queue = ""): number =>
  cli
    .processes()
    .filter((one) => one.parent === scale.pid && one.command.includes(`work --queue ${queue}`))
    .length;

/** Publishes 1, 2, … as jobs of a queue. */
const publish = (sluice: Sluice, queue: string, count: number): Promise<unknown> =>
  sluice.publishMany(
    queue,
    Array.from({ length: count }, (_, index) => index + 1),
  );

const depthOf = async (sluice: Sluice, queue: string) => {
  const { ready, inFlight } = await sluice.driver.depth(queue);
  return (ready ?? 0) + (inFlight ?? 0);
};

describe.concurrent("scale, under a shared cap,", { timeout: 60_000 }, () => {
  test("has no more processes than it for all queues, and gets all jobs of all done", async ({
    cli,
  }) => {
    cli.write("mail.yaml", object(cli, { name: "mail", maxWait: "9s" }));
    cli.write("report.yaml", object(cli, { name: "report" }));
    const sluice = await cli.open();
    await Promise.all([publish(sluice, "mail", 30), publish(sluice, "report", 15)]);
    const scale = cli.start(["scale", "-f", ".", "--json"]);
    let most = 0;
    await until(
      async () => {
        most = Math.max(most, workersOf(cli, scale));
        return (await depthOf(sluice, "mail")) + (await depthOf(sluice, "report")) === 0;
      },
      { withinMs: 45_000, what: "both queues empty" },
    );
    scale.kill("SIGINT");
    const { status, stdout, stderr } = await scale.ended();
    expect(status).toBe(0);
    expect(most).toBe(3);
    expect(stderr).toMatch(/kept back by a shared cap.*box allows 3/);
    const decisions = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const capped = decisions.filter(({ rule }) => rule === "shared-cap");
    expect(capped[0].reasons[0]).toMatchObject({ code: "SharedCap", figures: { sharedCap: 3 } });
    expect(new Set(decisions.map((one) => one.object)).size).toBe(2);
  });

  test("decides within it in a dry run, jobs of a ScaledJob too, and warns of minimums that it has no room for", async ({
    cli,
  }) => {
    cli.write("mail.yaml", object(cli, { name: "mail", spec: "minReplicaCount: 2" }));
    const report = object(cli, { name: "report", spec: "minReplicaCount: 2" });
    const job = report
      .replace("kind: ScaledObject", "kind: ScaledJob")
      .replace(
        "scaleTargetRef: { name: report }",
        "jobTargetRef: { template: { spec: { containers: [{ name: w, image: w }] } } }",
      );
    cli.write("report.yaml", job);
    const sluice = await cli.open();
    await publish(sluice, "mail", 500);
    await publish(sluice, "report", 500);
    const scale = cli.start(["scale", "-f", ".", "--dry-run", "--json"]);
    await scale.waitFor(/minimums leave no room in a shared cap cap="?box"? minimums=4/);
    await scale.waitFor(/kept back by a shared cap object="ScaledObject default\/mail"/);
    await scale.waitFor(/created jobs object="ScaledJob default\/report" create=2/);
    expect(workersOf(cli, scale)).toBe(0);
    scale.kill("SIGINT");
    const { stdout } = await scale.ended();
    const decisions = stdout.trim().split("\n");
    const replicas = decisions.map((line): number => JSON.parse(line).replicas);
    // Two each by their minimums, which is one more than the cap allows, and nothing beyond.
    expect(Math.max(...replicas)).toBe(2);
  });
});

describe.concurrent("scale, while a shared cap changes,", { timeout: 60_000 }, () => {
  test("follows another size, a member that goes and one that is paused, at SIGHUP", async ({
    cli,
  }) => {
    const min = (name: string, cap: string, count: number, annotations: readonly string[] = []) =>
      cli.write(
        `${name}.yaml`,
        object(cli, { name, cap, annotations, spec: `minReplicaCount: ${count}` }),
      );
    const reload = async (scale: Program, what: string | RegExp): Promise<void> => {
      scale.kill("SIGHUP");
      await scale.waitFor(what);
    };
    min("mail", "box=2", 1);
    min("report", "box=2", 1);
    const scale = cli.start(["scale", "-f", "."]);
    const has = (queue: string, count: number) =>
      until(() => workersOf(cli, scale, queue) === count, {
        ...{ withinMs: 15_000, what: `${count} workers of ${queue}` },
      });
    await has("mail", 1);
    await has("report", 1);
    // A paused count is a minimum: of the three, none is left for the other's three jobs at once.
    min("mail", "box=3", 1, ['autoscaling.keda.sh/paused-replicas: "2"']);
    min("report", "box=3", 1);
    await reload(scale, /changed object="ScaledObject default\/report"/);
    await has("mail", 2);
    const sluice = await cli.open();
    await publish(sluice, "report", 60);
    await scale.waitFor(/kept back by a shared cap.*default\/report.*mail has 2/);
    expect(workersOf(cli, scale, "report")).toBe(1);
    // Disagreement changes nothing.
    min("mail", "box=4", 1);
    await reload(scale, /the files are not followed.*must be the same on all that share it/s);
    cli.write("mail.yaml", "");
    await reload(scale, /removed object="ScaledObject default\/mail"/);
    await has("report", 3);
    scale.kill("SIGINT");
    expect((await scale.ended()).status).toBe(0);
  });
});
