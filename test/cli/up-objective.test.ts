import { readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { openLoad } from "../../src/simulator/index.ts";
import { test } from "../support/cli.ts";

describe("up --max-wait", () => {
  test("brings workers for a wait, lets them go, and records what the simulator replays", async ({
    cli,
  }) => {
    const sluice = await cli.open();
    await sluice.publishMany("q", [...Array(6).keys()]);
    const args = ["--queue", "q", "--exec", "sleep 0.1", "--max-wait", "5s", "--polling", "100ms"];
    const ended = await cli.run(
      ["up", ...args, "--max", "2", "--record", "run.jsonl", "--exit-when-idle", "300ms"],
      { withinMs: 30_000 },
    );
    expect(ended.status).toBe(0);
    expect(ended.stderr).toMatch(/scaled from=0 to=[12] reason="Deadline/);
    expect(ended.stderr).toMatch(/to=0 reason="IdleReleased/);

    const lines = readFileSync(cli.path("run.jsonl"), "utf8").trim().split("\n");
    const types = lines.map((line): string => JSON.parse(line).type);
    expect(types.at(0)).toBe("recording");
    expect(types.at(-1)).toBe("end");
    const { load, recording } = await openLoad(cli.path("run.jsonl"));
    expect(load.arrivalUs).toHaveLength(6);
    expect(Math.min(...load.serviceUs)).toBeGreaterThanOrEqual(100_000);
    expect(recording?.header).toMatchObject({ queues: ["q"], maxWaitMs: 5000 });
    expect(recording?.startup).not.toBeNull();
    expect(recording?.observed.workerSeconds).toBeGreaterThan(0);
    expect(recording?.header).toMatchObject({ pushes: true, scale: { maxReplicaCount: 2 } });

    const replayed = await cli.run([
      ...["simulate", "--load", "run.jsonl", "--against", "recorded", "--max-wait", "5s", "--json"],
    ]);
    const { observed, reports } = JSON.parse(replayed.stdout);
    expect(observed.jobs).toBe(6);
    expect(reports[0]).toMatchObject({ policy: "recorded", jobs: { done: 6 } });
    expect(reports[0].workers.peak).toBeLessThanOrEqual(2);
  });

  test("starts workers before delayed jobs are due, when they could not start in time after it", async ({
    cli,
  }) => {
    const sluice = await cli.open();
    const publishedAt = Date.now();
    await sluice.publishMany("q", [...Array(8).keys()], { delay: "4s" });
    const args = ["--queue", "q", "--exec", "true", "--max-wait", "400ms", "--polling", "100ms"];
    const ended = await cli.run(["up", ...args, "--max", "4", "--exit-when-idle", "300ms"], {
      withinMs: 30_000,
    });
    expect(ended.status).toBe(0);
    expect(ended.stderr).toMatch(/scaled from=0 to=\d reason="DelayedJobsDue/);
    expect(Date.now() - publishedAt).toBeGreaterThan(4000);
    expect(await sluice.driver.depth("q")).toMatchObject({ ready: 0, delayed: 0 });
  });

  test("has workers ready in the windows of the worker file, without any job", async ({ cli }) => {
    // Closes within a minute and opens at New Year: by KEDA's rule it is open until then.
    const window = `{ timezone: "UTC", start: "0 0 1 1 *", end: "* * * * *", desiredReplicas: 2 }`;
    const worker = (prewarm: string): string => `import { defineJob, defineWorker } from "sluice";
      export default defineWorker({
        handlers: [defineJob("q").handle(() => undefined)],
        scale: { objective: { maxWait: "5s", prewarm: [${prewarm}] } },
      });`;
    cli.installSluice();
    cli.write("worker.mjs", worker(window));
    const up = cli.start(["up", "worker.mjs"]);
    await up.waitFor(/scaled from=0 to=2 reason="PrewarmKept: 2 asked for by a window of time/);
    up.kill("SIGTERM");
    expect((await up.ended()).status).toBe(0);
    cli.write("worker.mjs", worker(window.replace("UTC", "Mars")));
    const lost = await cli.run(["up", "worker.mjs"]);
    expect(lost.status).not.toBe(0);
    expect(lost.stderr).toMatch(/timezone must be an IANA name.*OPTION_INVALID/s);
  });
});

describe("up --max-wait that cannot be followed", () => {
  test("warns of a wait that cannot be kept, and names the error of a mode without a wait", async ({
    cli,
  }) => {
    const args = ["up", "--queue", "q", "--exec", "true"];
    const short = await cli.run([...args, "--max-wait", "200ms", "--exit-when-idle", "100ms"]);
    expect(short.status).toBe(0);
    expect(short.stderr).toMatch(/the objective is out of reach.*Raise maxWait above 1\.5s/);
    const odd = await cli.run([...args, "--objective-mode", "latency"]);
    expect(odd.status).not.toBe(0);
    expect(odd.stderr).toMatch(/--max-wait 5s.*OPTION_INVALID/s);
    const unwritable = await cli.run([...args, "--record", "no/such/folder/run.jsonl"]);
    expect(unwritable.stderr).toMatch(
      /--record must be a file that can be written.*OPTION_INVALID/s,
    );
  });
});
