import { describe, expect } from "vitest";
import type { Decision } from "../../src/scaler/index.ts";
import { test } from "../support/cli.ts";
import { until } from "../support/until.ts";

const job = (main: string): string => `
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata:
  name: worker
  annotations:
    sluice.dev/objective: maxWait=6s,messagesPerJob=many
    sluice.dev/local-command: '${JSON.stringify([
      ...[process.execPath, main, "work", "--queue", "q"],
      ...["--exec", "sleep 0.05", "--exit-when-idle", "300ms", "--concurrency", "1"],
    ])}'
spec:
  maxReplicaCount: 10
  pollingInterval: 1
  jobTargetRef: { template: { spec: { restartPolicy: Never, containers: [{ name: main, image: none }] } } }
  triggers: [{ type: sluice, metadata: { url: "sqlite:sluice.db", queueName: q, messageCount: "1" } }]
`;

const decisionsOf = (stdout: string): readonly Decision[] =>
  stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

const createdBy = (stdout: string): number =>
  decisionsOf(stdout).reduce((sum, { current, replicas }) => sum + replicas - current, 0);

describe("scale, with an objective on a ScaledJob,", { timeout: 60_000 }, () => {
  test("creates few jobs that share the messages, no sooner than the wait asks for, and all are done", async ({
    cli,
  }) => {
    cli.write("job.yaml", job(cli.main));
    const sluice = await cli.open();
    const untilDone = (): Promise<unknown> =>
      until(
        async () => {
          const { ready, inFlight } = await sluice.driver.depth("q");
          const last = decisionsOf(scale.stdout).at(-1);
          return ready === 0 && inFlight === 0 && last?.replicas === 0;
        },
        { withinMs: 20_000, what: "all messages done and all jobs ended" },
      );
    const scale = cli.start(["scale", "-f", "job.yaml", "--json"]);
    await scale.waitFor("scaling objects=1");
    await sluice.publishMany("q", [1, 2]);
    const publishedAt = Date.now();
    await scale.waitFor("created jobs");
    // 5.4 s are aimed at. A start is taken to last a second, and the next look is another second away.
    expect(Date.now() - publishedAt).toBeGreaterThan(2000);
    await untilDone();
    expect(createdBy(scale.stdout)).toBe(1);
    await sluice.publishMany("q", [...Array(40).keys()]);
    await until(() => createdBy(scale.stdout) > 1, {
      withinMs: 20_000,
      what: "jobs for the many messages",
    });
    await untilDone();
    expect(createdBy(scale.stdout)).toBeLessThanOrEqual(12);
    expect((await sluice.driver.depth("q")).dead).toBe(0);
    scale.kill("SIGINT");
    const { status, stderr } = await scale.ended();
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /created jobs.*create=1 running=0 reason="KEDAJobsCreated.*DeadlineAtRisk/,
    );
  });
});
