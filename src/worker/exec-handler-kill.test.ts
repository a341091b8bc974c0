import { spawn } from "node:child_process";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { recordingLogger } from "../../test/support/recording-logger.ts";
import { delivery, stubDriver } from "../../test/support/stub-driver.ts";
import { type Folder, isAlive, temporaryFolder } from "../../test/support/temporary-folder.ts";
import { Sluice, systemClock } from "../core/index.ts";
import { type ExecOptions, execHandler } from "./exec-handler.ts";
import { type Attempt, startAttempt } from "./run-attempt.ts";

let folder: Folder;
beforeEach(() => {
  folder = temporaryFolder();
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  folder.remove();
});

function start(command: string, options: ExecOptions = {}): Attempt {
  const handler = execHandler("mail", command, { cwd: folder.path, ...options });
  const logger = recordingLogger();
  const sluice = new Sluice(stubDriver(), { logger });
  const context = { sluice, clock: systemClock, logger, middleware: [] };
  return startAttempt(delivery(), handler, context);
}

/** The process that has written its id into a file, once it has. */
function writtenPid(name: string): Promise<number> {
  return vi.waitFor(
    () => {
      const pid = folder.pid(name);
      if (pid === null) throw new Error(`no process id in ${name}`);
      return pid;
    },
    { timeout: 10_000, interval: 20 },
  );
}

async function gone(pid: number): Promise<void> {
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 5000, interval: 20 });
}

const timedOut = { end: "failed", error: { code: "HANDLER_TIMEOUT" } };
const onUnix = describe.skipIf(process.platform === "win32");

onUnix("a time-out", () => {
  test("kills the command and everything it has started", async () => {
    const command = "sleep 61 & echo $! > child; sh -c 'echo $$ > deep; sleep 62; :' | cat";
    const { ended } = start(command, { timeout: 1500 });
    const pids = await Promise.all([writtenPid("child"), writtenPid("deep")]);
    expect(pids.map(isAlive)).toEqual([true, true]);
    expect(await ended).toMatchObject(timedOut);
    await Promise.all(pids.map(gone));
  });

  test.each([
    ["", "that ignores SIGTERM"],
    [" 2>/dev/null", "that ignores SIGTERM and has closed standard error"],
  ])("kills a command%s %s, within a second", async (redirection, _what) => {
    const stubborn = `trap "" TERM; echo $$ > pid; while :; do sleep 0.1; done`;
    const { ended } = start(`sh -c '${stubborn}'${redirection}`, { timeout: 1500 });
    const pid = await writtenPid("pid");
    expect(await ended).toMatchObject(timedOut);
    await gone(pid);
  });

  test("lets a command finish, whose success then counts when no shell is around it", async () => {
    const tidy = `trap "echo done > tidied; exit 0" TERM; while :; do sleep 0.05; done`;
    const { ended } = start(`exec sh -c '${tidy}'`, { timeout: 1500 });
    expect(await ended).toEqual({ end: "returned", value: undefined });
    expect(folder.read("tidied")).toBe("done\n");
  });

  test("never lets the rest of a list of commands pass for a success", async () => {
    const { ended } = start("sleep 60; echo $$ > next; exit 0", { timeout: 300 });
    expect(await ended).toMatchObject(timedOut);
    expect(folder.read("next")).toBe("");
  });
});

onUnix("the end of a command", () => {
  test("is the end of what it has left in the background, which does not hold up the job", async () => {
    const { ended } = start("sleep 63 & echo $! > left; exit 0");
    const begun = Date.now();
    expect(await ended).toEqual({ end: "returned", value: undefined });
    expect(Date.now() - begun).toBeLessThan(5000);
    await gone(await writtenPid("left"));
  });

  test("is not held up by a process that got away with standard error", async () => {
    const { ended } = start("setsid sh -c 'echo $$ > away; exec sleep 30' & sleep 0.2; exit 0");
    const begun = Date.now();
    expect(await ended).toEqual({ end: "returned", value: undefined });
    expect(Date.now() - begun).toBeLessThan(10_000);
    process.kill(await writtenPid("away"), "SIGKILL");
  });
});

onUnix("a worker that leaves", () => {
  test("stops the command, and the job is given back", async () => {
    const attempt = start("echo $$ > shell; sh -c 'echo $$ > pid; exec sleep 64'");
    const pid = await writtenPid("pid");
    attempt.stop("leaving");
    expect(await attempt.ended).toEqual({ end: "left" });
    await gone(pid);
  });

  test("before the command has begun does not begin it", async () => {
    const attempt = start("echo x > begun");
    attempt.stop("leaving");
    expect(await attempt.ended).toEqual({ end: "left" });
    expect(folder.read("begun")).toBe("");
  });
});

onUnix("kill -9 of the worker", () => {
  const room = (path: string) => JSON.stringify(pathToFileURL(`src/${path}`).href);
  /** A worker process that runs `command` once. */
  const program = (command: string) => `
    import { defineWorker, execHandler, startWorker } from ${room("worker/index.ts")};
    import { Sluice } from ${room("core/index.ts")};
    import { memoryDriver } from ${room("drivers/memory/index.ts")};
    const sluice = new Sluice(memoryDriver());
    await sluice.publish("mail", 1);
    const handler = execHandler("mail", ${JSON.stringify(command)}, { cwd: ${JSON.stringify(folder.path)} });
    startWorker(defineWorker({ handlers: [handler] }), sluice);`;

  test.each([
    ["an ordinary one", "sh -c 'echo $$ > pid; exec sleep 65'"],
    ["one that ignores SIGTERM", `sh -c 'trap "" TERM; echo $$ > pid; exec sleep 66'`],
    ["one that replaces its shell", "echo $$ > shell; exec sh -c 'echo $$ > pid; exec sleep 67'"],
  ])("kills the command that it runs: %s", async (_what, command) => {
    const flags = ["--import", "tsx", "--conditions=source", "--input-type=module"];
    const worker = spawn(process.execPath, [...flags, "--eval", program(command)], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    const pid = await writtenPid("pid");
    expect(isAlive(pid)).toBe(true);
    worker.kill("SIGKILL");
    await gone(pid);
  });
});
