import { setTimeout as wait } from "node:timers/promises";
import { describe, expect } from "vitest";
import { type Cli, test } from "../support/cli.ts";
import type { Program } from "../support/program.ts";
import { until } from "../support/until.ts";

/** Small constants, so that workers come and go within a second. */
const quick = ["--cooldown", "300ms", "--stabilization", "300ms", "--polling", "100ms"];
const exec = (command: string): readonly string[] => ["--queue", "q", "--exec", command];
const untilIdle = ["--exit-when-idle", "300ms"];

/** The worker processes that run. What they run is theirs, also in the moment before it gets its own command line. */
const workersOf = (cli: Cli, up: Program) =>
  cli.processes().filter(({ parent, command }) => parent === up.pid && command.includes(" work "));

/** Looks at the processes until the program ends; yields the highest number of workers seen. */
async function mostWorkers(cli: Cli, up: Program): Promise<number> {
  let most = 0;
  while (up.isRunning) {
    most = Math.max(most, workersOf(cli, up).length);
    await wait(20);
  }
  return most;
}

/** Waits until there are so many worker processes. */
async function untilWorkers(cli: Cli, up: Program, count: number): Promise<void> {
  const what = `${count} workers`;
  await until(() => workersOf(cli, up).length === count, { withinMs: 8000, what });
}

describe("up", () => {
  test("goes from no worker to --max and back to none as the backlog comes and goes", async ({
    cli,
  }) => {
    const sluice = await cli.open();
    await sluice.publishMany("q", [...Array(12).keys()]);
    const limits = ["--max", "3", "--per-worker", "2"];
    const up = cli.start(["up", ...exec("sleep 0.3"), ...limits, ...quick, ...untilIdle]);
    expect(await mostWorkers(cli, up)).toBe(3);
    const ended = await up.ended();
    expect(ended.status).toBe(0);
    const scaled = [...ended.stderr.matchAll(/scaled from=(\d) to=(\d)/g)];
    expect(scaled.at(0)?.slice(1)).toEqual(["0", "3"]);
    expect(scaled.at(-1)?.[2]).toBe("0");
    expect(ended.stderr).toMatch(/KEDAScaleTargetActivated.*\n[\s\S]*KEDAScaleTargetDeactivated/);
    const depth = await sluice.depth("q");
    expect(depth).toMatchObject({ ready: 0, delayed: 0, inFlight: 0, dead: 0 });
    await cli.expectNoProcesses(1000);
  });

  test("starts a worker for a job that comes while none runs, and shows what it writes", async ({
    cli,
  }) => {
    const up = cli.start(["up", ...exec('echo "job $SLUICE_ID"'), ...quick]);
    await up.waitFor(" up ");
    await wait(500);
    expect(workersOf(cli, up)).toEqual([]);
    const began = Date.now();
    await (await cli.open()).publish("q", 1, { id: "first" });
    await up.waitFor("[w1] job first");
    expect(Date.now() - began).toBeLessThan(3000);
    up.kill("SIGTERM");
    expect(await up.ended()).toMatchObject({ status: 0, stdout: "" });
  });

  test("keeps --min workers without any job, and replaces one that dies", async ({ cli }) => {
    const up = cli.start(["up", ...exec("true"), "--min", "2", ...quick]);
    await untilWorkers(cli, up, 2);
    const [victim] = workersOf(cli, up);
    if (victim) process.kill(victim.pid, "SIGKILL");
    await up.waitFor(/worker crashed worker=w\d exit="signal SIGKILL"/);
    await untilWorkers(cli, up, 2);
    up.kill("SIGTERM");
    expect((await up.ended()).status).toBe(0);
    await cli.expectNoProcesses(1000);
  });

  test("leaves with status 0 when there is nothing to do with --exit-when-idle", async ({
    cli,
  }) => {
    const ended = await cli.run(["up", ...exec("true"), ...untilIdle]);
    expect(ended.status).toBe(0);
  });
});

describe("up, with --exit-when-idle", () => {
  test("stays for jobs that wait for their next try", async ({ cli }) => {
    const sluice = await cli.open();
    await sluice.publish("q", 1);
    const command = exec('[ "$SLUICE_ATTEMPT" = 2 ] || exit 75');
    const ended = await cli.run(["up", ...command, ...quick, ...untilIdle]);
    expect(ended.status).toBe(0);
    expect(await sluice.depth("q")).toMatchObject({ ready: 0, delayed: 0, dead: 0 });
  });
});

describe.concurrent("up, told to stop", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`lets running jobs end at ${signal}`, async ({ cli }) => {
      const sluice = await cli.open();
      await sluice.publishMany("q", [1, 2, 3]);
      const up = cli.start(["up", ...exec("echo begun; sleep 1; echo ended"), "--max", "1"]);
      await up.waitFor("begun");
      up.kill(signal);
      const ended = await up.ended();
      expect(ended.status).toBe(0);
      expect(ended.stderr.match(/\[w1\] ended/g)).toHaveLength(1);
      expect(await sluice.depth("q")).toMatchObject({ ready: 2, inFlight: 0 });
      await cli.expectNoProcesses(1000);
    });
  }

  test("gives back what has not ended within --grace", async ({ cli }) => {
    const sluice = await cli.open();
    await sluice.publish("q", 1);
    const up = cli.start(["up", ...exec("echo begun; sleep 60"), "--grace", "200ms"]);
    await up.waitFor("begun");
    up.kill("SIGTERM");
    expect((await up.ended(6000)).status).toBe(0);
    const again = await sluice.driver.receive("q", { max: 1, waitMs: 0, leaseMs: 1000 });
    expect(again).toMatchObject([{ attempt: 1 }]);
    await cli.expectNoProcesses(1000);
  });

  test("hurries at a second signal, and no worker outlives it for long", async ({ cli }) => {
    await (await cli.open()).publish("q", 1);
    const up = cli.start(["up", ...exec("echo begun; sleep 60")]);
    await up.waitFor("begun");
    up.kill("SIGINT");
    await up.waitFor("stopping; running jobs may end");
    up.kill("SIGINT");
    expect((await up.ended(2000)).status).toBe(130);
    await cli.expectNoProcesses(5000);
  });
});
