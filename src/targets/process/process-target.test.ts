import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { type Clock, createLogger, type LogEntry, systemClock } from "../../core/index.ts";
import type { TargetStatus, WorkerStatus } from "../../scaler/index.ts";
import {
  createProcessTarget,
  type ProcessTarget,
  type ProcessTargetOptions,
} from "./process-target.ts";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

/** Everything that a test started, to be gone after it whatever happened. */
const targets: ProcessTarget[] = [];
const pids = new Set<number>();

afterEach(async () => {
  await Promise.all(targets.splice(0).map((target) => target.close()));
  const left = [...pids].filter(isAlive);
  pids.clear();
  for (const pid of left) process.kill(pid, "SIGKILL");
  expect(left).toEqual([]);
});

/** A process that has died but that nobody has asked about yet (a zombie) still takes signals; it counts as dead. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = `/proc/${pid}/stat`;
    return !(existsSync(stat) && readFileSync(stat, "utf8").includes(") Z "));
  } catch {
    return false;
  }
}

/** A target of fixture workers in `mode`, and what they wrote and were logged for. */
function createRig(mode = "ready", options: Partial<ProcessTargetOptions> = {}) {
  const lines: string[] = [];
  const entries: LogEntry[] = [];
  const target = createProcessTarget({
    command: [process.execPath, fixture("worker.mjs"), mode],
    graceMs: 3000,
    logger: createLogger("debug", (entry) => entries.push(entry)),
    onOutput: (id, stream, line) => lines.push(`${id} ${stream} ${line}`),
    ...options,
  });
  targets.push(target);
  return { target, lines, entries };
}

/** Waits until the status is as `condition` says. */
async function until(
  target: ProcessTarget,
  condition: (status: TargetStatus) => boolean,
): Promise<TargetStatus> {
  return vi.waitFor(
    async () => {
      const status = await target.status();
      for (const { pid } of status.workers) if (pid !== undefined) pids.add(pid);
      expect(status).toSatisfy(condition);
      return status;
    },
    { timeout: 8000, interval: 5 },
  );
}

const ready = (count: number) => (status: TargetStatus) => status.ready === count;
const gone = (status: TargetStatus): boolean => status.workers.length === 0;

function pidOf(worker: WorkerStatus | undefined): number {
  if (worker?.pid === undefined) throw new Error("the worker has no process");
  return worker.pid;
}

/** Makes a fixture worker begin its job, or end it. */
async function toggle(target: ProcessTarget, id: string, state: string): Promise<void> {
  const { workers } = await target.status();
  process.kill(pidOf(workers.find((worker) => worker.id === id)), "SIGUSR2");
  await until(target, ({ workers: now }) =>
    now.every((worker) => worker.id !== id || worker.state === state),
  );
}

/** Real time, `factor` times as fast, for waits of many seconds. */
const hurried = (factor: number): Clock => ({
  now: () => Date.now() * factor,
  after: (ms, callback) => systemClock.after(ms / factor, callback),
});

test("starts workers, tells each its id, and drains them to none", async () => {
  const { target, lines } = createRig();
  await target.scale(2);
  const starting = await target.status();
  expect(starting).toMatchObject({ replicas: 2, ready: 0, starting: 2 });
  const status = await until(target, ready(2));
  expect(status).toMatchObject({ replicas: 2, ready: 2, idle: 2, busy: 0, draining: 0 });
  await target.scale(0);
  expect(await target.status()).toMatchObject({ replicas: 0, draining: 2 });
  await until(target, gone);
  expect(lines).toContain("w1 stdout hello from w1");
  expect(lines).toContain("w2 stdout hello from w2");
  expect(lines).toContain("w2 stdout drain 3000");
  expect(status.workers.map(pidOf).some(isAlive)).toBe(false);
});

test("takes idle workers on scale-in and leaves the busy one its job", async () => {
  const { target } = createRig();
  await target.scale(3);
  await until(target, ready(3));
  await toggle(target, "w2", "busy");
  await target.scale(1);
  const status = await until(target, ({ workers }) => workers.length === 1);
  expect(status.workers[0]).toMatchObject({ id: "w2", state: "busy", inFlight: 1 });
  await toggle(target, "w2", "idle");
});

test("lets a busy worker finish its job before it leaves", async () => {
  const { target } = createRig();
  await target.scale(1);
  await until(target, ready(1));
  await toggle(target, "w1", "busy");
  await target.scale(0);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { workers } = await target.status();
  expect(workers[0]).toMatchObject({ state: "draining", inFlight: 1 });
  process.kill(pidOf(workers[0]), "SIGUSR2");
  await until(target, gone);
  expect(target.stats().crashes).toBe(0);
});

test("starts new workers while old ones still drain", async () => {
  const { target } = createRig();
  await target.scale(1);
  await until(target, ready(1));
  await toggle(target, "w1", "busy");
  await target.scale(0);
  await target.scale(1);
  const status = await until(target, ready(1));
  expect(status).toMatchObject({ replicas: 1, draining: 1 });
  expect(status.workers.map(({ id }) => id)).toEqual(["w1", "w2"]);
  process.kill(pidOf(status.workers[0]), "SIGUSR2");
  await until(target, ({ draining }) => draining === 0);
});

test("kills a worker that overruns its grace by five seconds, and not before", async () => {
  const { target, entries } = createRig("stubborn", { graceMs: 5000, clock: hurried(20) });
  await target.scale(1);
  await until(target, ready(1));
  await target.scale(0);
  const begin = Date.now();
  await until(target, gone);
  expect(Date.now() - begin).toBeGreaterThanOrEqual(10_000 / 20 - 10);
  expect(entries.map(({ message }) => message)).toContain("worker overran its grace and is killed");
});

test("starts a crashed worker again after a pause, in its own place", async () => {
  const { target, entries } = createRig();
  await target.scale(1);
  const [before] = (await until(target, ready(1))).workers;
  process.kill(pidOf(before), "SIGKILL");
  const crashed = await until(target, ({ workers }) => workers[0]?.state === "crashed");
  expect(crashed).toMatchObject({ replicas: 1, ready: 0 });
  const [after] = (await until(target, ready(1))).workers;
  expect(after?.id).toBe("w1");
  expect(pidOf(after)).not.toBe(pidOf(before));
  expect((after?.startedAt ?? 0) - (crashed.workers[0]?.since ?? 0)).toBeGreaterThanOrEqual(245);
  expect(target.stats()).toMatchObject({ started: 2, crashes: 1, peak: 1 });
  expect(entries[0]?.fields).toMatchObject({ worker: "w1", exit: "signal SIGKILL" });
});

test("doubles the pause with every crash in a row", async () => {
  const { target, entries } = createRig("crashes", {
    clock: hurried(4),
    maxRestartBackoffMs: 1500,
  });
  await target.scale(1);
  await vi.waitFor(() => expect(entries.length).toBeGreaterThanOrEqual(4), { timeout: 8000 });
  expect(entries.slice(0, 4).map(({ fields }) => fields.restartIn)).toEqual([
    "250ms",
    "500ms",
    "1.0s",
    "1.5s",
  ]);
});

test("drops a crashed worker on scale-in without starting it again", async () => {
  const { target } = createRig("crashes");
  await target.scale(1);
  await until(target, ({ workers }) => workers[0]?.state === "crashed");
  await target.scale(0);
  expect(await target.status()).toMatchObject({ replicas: 0, workers: [] });
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(target.stats().started).toBe(1);
});

test("does not start a worker again that left by itself with code 0", async () => {
  const { target } = createRig("leaves");
  await target.scale(1);
  await until(target, gone);
  expect(target.stats()).toMatchObject({ started: 1, crashes: 0 });
  await target.scale(1);
  expect(target.stats().started).toBe(2);
});

test.each([2, 78])(
  "reports exit code %i at the start as a mistake, with what it wrote",
  async (code) => {
    const onFatal = vi.fn();
    const { target } = createRig(`exit:${code}`, { onFatal });
    await target.scale(2);
    await until(target, gone);
    expect(onFatal).toHaveBeenCalledTimes(1);
    expect(onFatal.mock.calls[0]?.[0]).toMatchObject({
      code: "WORKER_FILE_INVALID",
      message: expect.stringContaining("the worker file has no worker"),
    });
    await expect(target.scale(1)).rejects.toMatchObject({ code: "WORKER_FILE_INVALID" });
    expect(target.stats()).toMatchObject({ started: 2, crashes: 0 });
  },
);

test("reports an executable that is not there", async () => {
  const onFatal = vi.fn();
  const { target } = createRig("", { onFatal, command: ["/no/such/program", "--token=secret"] });
  await target.scale(1);
  await until(target, gone);
  expect(onFatal.mock.calls[0]?.[0]).toMatchObject({ code: "COMMAND_NOT_FOUND" });
  expect(String(onFatal.mock.calls[0]?.[0])).not.toContain("secret");
});

test("kills the commands of a worker that was killed", async () => {
  const { target, lines } = createRig("with-command");
  await target.scale(1);
  const [worker] = (await until(target, ready(1))).workers;
  const line = await vi.waitFor(() => {
    const found = lines.find((one) => one.includes("command "));
    expect(found).toBeDefined();
    return found ?? "";
  });
  const command = Number(line.split(" ").at(-1));
  pids.add(command);
  expect(isAlive(command)).toBe(true);
  process.kill(pidOf(worker), "SIGKILL");
  await vi.waitFor(() => expect(isAlive(command)).toBe(false), { timeout: 3000 });
});

test("kills the commands that a drained worker left behind", async () => {
  const { target, lines } = createRig("with-command");
  await target.scale(1);
  await until(target, ready(1));
  await target.close();
  const line = lines.find((one) => one.includes("command ")) ?? "";
  const command = Number(line.split(" ").at(-1));
  expect(command).toBeGreaterThan(0);
  await vi.waitFor(() => expect(isAlive(command)).toBe(false), { timeout: 3000 });
});

test("close leaves no process, whatever state its workers are in, and may be called again", async () => {
  const { target } = createRig();
  await target.scale(2);
  const { workers } = await until(target, ready(2));
  await toggle(target, "w1", "busy");
  await target.scale(3);
  const closed = target.close();
  process.kill(pidOf(workers[0]), "SIGUSR2");
  await Promise.all([closed, target.close()]);
  expect([...pids].filter(isAlive)).toEqual([]);
  expect(await target.status()).toMatchObject({ replicas: 0, workers: [] });
  await expect(target.scale(1)).rejects.toMatchObject({ code: "CLOSED" });
});

test("passes over messages of a worker that it does not understand", async () => {
  const { target } = createRig("chatter");
  await target.scale(1);
  expect(await until(target, ready(1))).toMatchObject({ idle: 1 });
});

test("refuses a count that is none and a command that is empty", async () => {
  const { target } = createRig();
  await expect(target.scale(-1)).rejects.toMatchObject({ code: "OPTION_INVALID" });
  await expect(target.scale(1.5)).rejects.toMatchObject({ code: "OPTION_INVALID" });
  expect(() => createRig("", { command: [] })).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID" }),
  );
});

test("workers drain and stop within seconds when the program that owns them is killed", async () => {
  const parent = spawn(process.execPath, ["--import", "tsx", fixture("parent.mjs")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const workers = await firstLine(parent);
  const ids: readonly number[] = JSON.parse(workers);
  for (const pid of ids) pids.add(pid);
  expect(ids.filter(isAlive)).toHaveLength(2);
  parent.kill("SIGKILL");
  const begin = Date.now();
  await vi.waitFor(() => expect(ids.filter(isAlive)).toEqual([]), { timeout: 5000 });
  // The workers' output broke, and still they used their two seconds of grace.
  expect(Date.now() - begin).toBeGreaterThanOrEqual(1800);
}, 20_000);

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once("exit", () => reject(new Error("the program ended early")));
    child.stdout?.once("data", (data: Buffer) => resolve(data.toString()));
  });
}
