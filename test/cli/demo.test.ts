import { mkdirSync, readdirSync } from "node:fs";
import { describe, expect } from "vitest";
import { type Cli, test } from "../support/cli.ts";

const keys = [
  "published",
  "completed",
  "lost",
  "duplicates",
  "deadLettered",
  "peakWorkers",
  "finalWorkers",
  "zeroToFirstJobMs",
  "p50WaitMs",
  "p95WaitMs",
  "workerSeconds",
  "seconds",
];

/** Where the demo makes its own temporary folder. */
function temporary(cli: Cli): { readonly folder: string; readonly env: NodeJS.ProcessEnv } {
  const folder = cli.path("tmp");
  mkdirSync(folder);
  return { folder, env: { TMPDIR: folder } };
}

describe("demo", () => {
  test("does all 200 jobs from zero workers and back, and sums up as JSON", async ({ cli }) => {
    const { folder, env } = temporary(cli);
    const ended = await cli.run(["demo", "--json"], { env, withinMs: 45_000 });
    expect(ended).toMatchObject({ status: 0, stderr: "" });
    const summary: Record<string, number> = JSON.parse(ended.stdout);
    console.log("demo", ended.stdout.trim());
    expect(Object.keys(summary)).toEqual(keys);
    expect(summary).toMatchObject({
      published: 200,
      completed: 200,
      lost: 0,
      duplicates: 0,
      deadLettered: 0,
      peakWorkers: 8,
      finalWorkers: 0,
    });
    expect(summary.seconds).toBeLessThan(45);
    expect(summary.zeroToFirstJobMs).toBeGreaterThan(0);
    expect(summary.zeroToFirstJobMs).toBeLessThan(3000);
    expect(readdirSync(folder)).toEqual([]);
    await cli.expectNoProcesses(1000);
  }, 60_000);

  test("says in words how it goes and how it went, on standard error only", async ({ cli }) => {
    const { env } = temporary(cli);
    const ended = await cli.run(["demo", "--jobs", "20", "--max", "2"], { env });
    expect(ended).toMatchObject({ status: 0, stdout: "" });
    expect(ended.stderr).toMatch(/^20 jobs published to sqlite:.*; no worker runs yet\.\n/);
    expect(ended.stderr).toMatch(/\n +\ds +backlog \d+ +workers [012] \(\d busy\) +done \d+\/20 /);
    expect(ended.stderr).toMatch(/20 of 20 jobs done in .*; 0 lost, 0 run twice, 0 dead/);
    expect(ended.stderr).toMatch(/workers: 0 → 2 → 0, /);
  });

  test("leaves no worker behind when it is killed", async ({ cli }) => {
    const { env } = temporary(cli);
    const demo = cli.start(["demo", "--jobs", "200"], { env });
    await demo.waitFor(/workers [2-8] \([1-8] busy\)/);
    expect(cli.processes().length).toBeGreaterThan(2);
    demo.kill("SIGKILL");
    await cli.expectNoProcesses(6000);
  });

  test("leaves no worker and no folder behind when it is interrupted", async ({ cli }) => {
    const { folder, env } = temporary(cli);
    const demo = cli.start(["demo", "--jobs", "200"], { env });
    await demo.waitFor(/workers [2-8] \([1-8] busy\)/);
    demo.kill("SIGINT");
    await demo.ended(10_000);
    expect(readdirSync(folder)).toEqual([]);
    await cli.expectNoProcesses(1000);
  });
});
