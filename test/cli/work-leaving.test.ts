import { describe, expect } from "vitest";
import { type Cli, test } from "../support/cli.ts";

/** Starts `work` on the queue `q`, and waits until its first job has begun. */
async function startWorking(cli: Cli, args: readonly string[]) {
  const worker = cli.start(["work", ...args]);
  await worker.waitFor("begun");
  return worker;
}

const exec = (command: string): readonly string[] => ["--queue", "q", "--exec", command];

/** What the next consumer gets at once, though no lease has run out. */
async function receiveNow(cli: Cli) {
  const sluice = await cli.open();
  return sluice.driver.receive("q", { max: 10, waitMs: 0, leaseMs: 30_000 });
}

/** A handler that sleeps for a minute and pays no attention to its signal. */
const stubborn = `
import { setTimeout as wait } from "node:timers/promises";
import { defineJob, defineWorker } from "sluice";
const job = defineJob("q").handle(async () => {
  console.log("begun");
  await wait(60_000);
});
export const worker = defineWorker({ handlers: [job], concurrency: 1, grace: "200ms" });
`;

describe.concurrent("work, at SIGTERM", () => {
  test("lets the running job end, takes no other, and leaves with status 0", async ({ cli }) => {
    const sluice = await cli.open();
    await sluice.publishMany("q", [1, 2]);
    const worker = await startWorking(cli, exec("echo begun; sleep 0.5; echo ended"));
    worker.kill("SIGTERM");
    const ended = await worker.ended();
    expect(ended).toMatchObject({ status: 0, stdout: "begun\nended\n" });
    expect(ended.stderr).toContain("left completed=1 failed=0");
    expect(await sluice.depth("q")).toMatchObject({ ready: 1, inFlight: 0 });
  });

  test("gives back at once what has not ended within the grace, its attempt not counted", async ({
    cli,
  }) => {
    await (await cli.open()).publish("q", 1);
    const worker = await startWorking(cli, [
      ...exec("echo begun; sleep 60 & sleep 60"),
      "--grace",
      "200ms",
    ]);
    worker.kill("SIGTERM");
    expect(await worker.ended(5000)).toMatchObject({ status: 0 });
    expect(await receiveNow(cli)).toMatchObject([{ attempt: 1 }]);
    await cli.expectNoProcesses(1000);
  });

  test("leaves at once at a second one", async ({ cli }) => {
    await (await cli.open()).publish("q", 1);
    const worker = await startWorking(cli, exec("echo begun; sleep 60"));
    worker.kill("SIGTERM");
    await worker.waitFor("leaving; running jobs may end");
    worker.kill("SIGTERM");
    const ended = await worker.ended(5000);
    expect(ended.status).toBe(0);
    expect(ended.stderr).toContain("leaving at once; running jobs are given back");
    expect(await receiveNow(cli)).toMatchObject([{ attempt: 1 }]);
  });

  test("kills a command that does not obey SIGTERM", async ({ cli }) => {
    await (await cli.open()).publish("q", 1);
    const worker = await startWorking(cli, [
      ...exec("trap '' TERM; echo begun; sleep 60"),
      "--grace",
      "0s",
    ]);
    worker.kill("SIGTERM");
    expect(await worker.ended(5000)).toMatchObject({ status: 0 });
    await cli.expectNoProcesses(1000);
    expect(await receiveNow(cli)).toMatchObject([{ attempt: 1 }]);
  });

  test("does not wait for a handler that ignores its signal", async ({ cli }) => {
    cli.installSluice();
    await (await cli.open()).publish("q", 1);
    const worker = await startWorking(cli, [cli.write("worker.mjs", stubborn)]);
    worker.kill("SIGTERM");
    const ended = await worker.ended(5000);
    expect(ended.status).toBe(0);
    expect(ended.stderr).toContain("a stopped handler goes on; not waiting for it any longer");
    expect(await receiveNow(cli)).toMatchObject([{ attempt: 1 }]);
  });

  test("leaves an idle worker without delay, at SIGINT too", async ({ cli }) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const worker = cli.start(["work", ...exec("true")]);
      await worker.waitFor("working");
      worker.kill(signal);
      expect(await worker.ended(5000)).toMatchObject({ status: 0 });
    }
  });
});

describe.concurrent("work --exit-when-idle", () => {
  test("leaves when nothing has come for that long", async ({ cli }) => {
    const began = Date.now();
    const ended = await cli.run(["work", ...exec("true"), "--exit-when-idle", "600ms"]);
    expect(ended).toMatchObject({ status: 0 });
    expect(Date.now() - began).toBeGreaterThanOrEqual(600);
  });

  test("stays while a job runs and while jobs keep coming", async ({ cli }) => {
    const sluice = await cli.open();
    await sluice.publish("q", 1);
    const worker = await startWorking(cli, [
      ...exec("echo begun; sleep 0.7"),
      "--exit-when-idle",
      "500ms",
    ]);
    await sluice.publish("q", 2);
    const ended = await worker.ended();
    expect(ended.stderr).toContain("left completed=2 failed=0");
  });

  test("leaves although the worker file keeps a timer of its own", async ({ cli }) => {
    cli.installSluice();
    const file = cli.write("worker.mjs", `${stubborn}\nsetInterval(() => undefined, 1000);\n`);
    expect(await cli.run(["work", file, "--exit-when-idle", "200ms"])).toMatchObject({ status: 0 });
  });
});
