import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { createLogger, type LogEntry } from "../../core/index.ts";
import type { JobTargetStatus } from "../../scaler/index.ts";
import {
  createProcessJobs,
  type JobPlan,
  type ProcessJobs,
  type ProcessJobsOptions,
} from "./process-jobs.ts";

const targets: ProcessJobs[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(targets.splice(0).map((target) => target.close()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

type PlanChange = Partial<Omit<JobPlan, "job" | "command">> & {
  readonly job?: Partial<JobPlan["job"]>;
  readonly graceMs?: number;
};

function plan(script: string, { job, graceMs = 3000, ...rest }: PlanChange = {}): JobPlan {
  return {
    generation: 1,
    command: { command: ["sh", "-c", script], env: process.env, graceMs },
    job: {
      backoffLimit: 6,
      activeDeadlineSeconds: null,
      parallelism: 1,
      completions: null,
      ...job,
    },
    successfulJobsHistoryLimit: 100,
    failedJobsHistoryLimit: 100,
    ...rest,
  };
}

function createRig(first: JobPlan, options: Partial<ProcessJobsOptions> = {}) {
  const lines: string[] = [];
  const entries: LogEntry[] = [];
  const target = createProcessJobs({
    name: "resize",
    plan: first,
    retryBackoffMs: { first: 1, most: 4 },
    logger: createLogger("debug", (entry) => entries.push(entry)),
    onOutput: (id, stream, line) => lines.push(`${id} ${stream} ${line}`),
    ...options,
  });
  targets.push(target);
  return { target, lines, entries };
}

function until(
  target: ProcessJobs,
  condition: (status: JobTargetStatus) => boolean,
): Promise<JobTargetStatus> {
  return vi.waitFor(
    async () => {
      const status = await target.status();
      expect(status).toSatisfy(condition);
      return status;
    },
    { timeout: 8000, interval: 5 },
  );
}

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-jobs-"));
  folders.push(folder);
  return join(folder, "file");
}

/** Whether a process runs; a zombie does not. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = `/proc/${pid}/stat`;
    return !(existsSync(stat) && readFileSync(stat, "utf8").includes(") Z "));
  } catch {
    return false;
  }
}

test("runs each job once, with an id of its own that the command finds in its environment", async () => {
  const { target, lines } = createRig(plan('echo "I am $SLUICE_WORKER_ID"'));
  await target.create(3);
  const { jobs, running } = await until(target, ({ succeeded }) => succeeded === 3);
  expect(running).toBe(0);
  expect(new Set(jobs.map(({ id }) => id)).size).toBe(3);
  for (const { id, endedAt } of jobs) {
    expect(id).toMatch(/^resize-[a-z0-9]{5}$/);
    expect(endedAt).not.toBeNull();
    expect(lines).toContain(`${id} stdout I am ${id}`);
  }
});

test("counts a job that runs as running and ready, and says how many more may come", async () => {
  const { target } = createRig(plan("exec sleep 60"), { maxProcesses: 3 });
  await target.create(2);
  const status = await target.status();
  expect(status).toMatchObject({ running: 2, pending: 0, succeeded: 0, failed: 0, room: 1 });
  expect(status.jobs.every(({ state, ready }) => state === "running" && ready)).toBe(true);
});

test("knows when a job that says so was ready, and what it said last, and counts all that ended", async () => {
  const say = (message: object): string => `process.send(${JSON.stringify(message)});`;
  const activity = { type: "activity", inFlight: 0, completed: 3, failed: 1, busyMs: 40 };
  const script = `${say({ type: "ready" })}${say(activity)}process.disconnect()`;
  const command = { command: [process.execPath, "-e", script], env: process.env, graceMs: 3000 };
  const { target } = createRig({ ...plan(""), command, successfulJobsHistoryLimit: 1 });
  await target.create(2);
  const { ended, jobs } = await until(target, ({ ended: all }) => all?.succeeded === 2);
  expect(ended).toEqual({ succeeded: 2, failed: 0 });
  expect(jobs).toHaveLength(1);
  const [{ createdAt = 0, startedAt, readyAt = 0, endedAt, work } = {}] = jobs;
  expect(work).toEqual({ inFlight: 0, completed: 3, failed: 1, busyMs: 40 });
  expect(startedAt).toBeGreaterThanOrEqual(createdAt);
  expect(readyAt).toBeGreaterThan(createdAt);
  expect(readyAt).toBeLessThanOrEqual(endedAt ?? 0);
});

test("tries a job that fails again until it succeeds", async () => {
  const file = newFile();
  const { target } = createRig(plan(`echo x >> ${file}; test $(wc -l < ${file}) -ge 3`));
  await target.create(1);
  const { jobs } = await until(target, ({ succeeded }) => succeeded === 1);
  expect(jobs[0]).toMatchObject({ state: "succeeded", failures: 2 });
  expect(jobs[0]).not.toHaveProperty("reason");
});

test("counts a job that waits to be tried again as pending", async () => {
  const backoff = { first: 60_000, most: 60_000 };
  const { target } = createRig(plan("exit 1"), { retryBackoffMs: backoff });
  await target.create(1);
  const { running, jobs } = await until(target, ({ pending }) => pending === 1);
  expect(running).toBe(1);
  expect(jobs[0]).toMatchObject({ state: "pending", ready: false, failures: 1 });
});

test("gives a job up after backoffLimit more tries", async () => {
  const { target, entries } = createRig(plan("exit 3", { job: { backoffLimit: 2 } }));
  await target.create(1);
  const { jobs } = await until(target, ({ failed }) => failed === 1);
  expect(jobs[0]).toMatchObject({ failures: 3, reason: "BackoffLimitExceeded" });
  expect(entries).toContainEqual({
    level: "warn",
    message: "job failed",
    fields: { job: jobs[0]?.id, reason: "BackoffLimitExceeded", failures: 3, exit: "code 3" },
  });
});

test("ends a job that overruns its deadline, and tries it no more", async () => {
  const { target } = createRig(plan("exec sleep 60", { job: { activeDeadlineSeconds: 0.05 } }));
  await target.create(1);
  const { jobs } = await until(target, ({ failed }) => failed === 1);
  expect(jobs[0]).toMatchObject({ reason: "DeadlineExceeded", failures: 1 });
});

test("remembers the last finished jobs only, those that succeeded and those that failed apart", async () => {
  const limits = { successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 2 };
  const { target } = createRig(plan("exit 0", limits));
  await target.create(3);
  await until(target, ({ running }) => running === 0);
  await target.update(plan("exit 1", { ...limits, job: { backoffLimit: 0 } }), "gradual");
  await target.create(4);
  const { succeeded, failed } = await until(target, ({ running }) => running === 0);
  expect({ succeeded, failed }).toEqual({ succeeded: 1, failed: 2 });
});

test("an immediate rollout stops and forgets the jobs of the spec before", async () => {
  const { target } = createRig(plan("exec sleep 60"));
  await target.create(2);
  const before = (await target.status()).jobs.map(({ pid }) => pid ?? 0);
  await target.update(plan("exit 0", { generation: 2 }), "immediate");
  expect((await target.status()).jobs).toEqual([]);
  await vi.waitFor(() => expect(before.some(isAlive)).toBe(false), { timeout: 8000, interval: 5 });
});

test("a gradual rollout lets them end, and makes new ones from the new spec", async () => {
  const file = newFile();
  const { target, lines } = createRig(
    plan(`while ! test -e ${file}; do sleep 0.01; done; echo old`),
  );
  await target.create(1);
  await target.update(plan(`echo new; echo > ${file}`, { generation: 2 }), "gradual");
  await target.create(1);
  const { jobs } = await until(target, ({ succeeded }) => succeeded === 2);
  expect(jobs.map(({ generation }) => generation)).toEqual([1, 2]);
  expect(lines.map((line) => line.split(" ").at(-1)).sort()).toEqual(["new", "old"]);
});

test("close asks running jobs to end and waits for them", async () => {
  const { target, lines } = createRig(
    plan("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done"),
  );
  await target.create(1);
  await vi.waitFor(() => expect(lines.some((line) => line.endsWith("up"))).toBe(true), 8000);
  const [{ pid = 0 } = {}] = (await target.status()).jobs;
  await Promise.all([target.close(), target.close()]);
  expect(lines.some((line) => line.endsWith("bye"))).toBe(true);
  expect(isAlive(pid)).toBe(false);
  await expect(target.create(1)).rejects.toMatchObject({ code: "CLOSED" });
});

test("close kills a job that overruns its grace, with the commands that it has started", async () => {
  const { target, lines } = createRig(
    plan("trap '' TERM; sleep 600 & echo $!; while :; do sleep 1; done", { graceMs: 50 }),
  );
  await target.create(1);
  await vi.waitFor(() => expect(lines).toHaveLength(1), 8000);
  const child = Number(lines[0]?.split(" ").at(-1));
  await target.close();
  await vi.waitFor(() => expect(isAlive(child)).toBe(false), 8000);
});

test("a command that cannot be started fails its job at once and refuses more until the spec changes", async () => {
  const missing = plan("");
  const { target } = createRig({
    ...missing,
    command: { ...missing.command, command: ["/nowhere/resize", "--password", "hush"] },
  });
  await target.create(1);
  const { jobs } = await until(target, ({ failed }) => failed === 1);
  expect(jobs[0]).toMatchObject({ reason: "StartError", failures: 1 });
  const refusal = await target.create(1).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: "COMMAND_NOT_FOUND" });
  expect(String(refusal)).not.toContain("hush");
  await target.update(plan("exit 0", { generation: 2 }), "immediate");
  await target.create(1);
  await until(target, ({ succeeded }) => succeeded === 1);
});

test("refuses several pods per job and counts that are none", async () => {
  expect(() => createRig(plan("exit 0", { job: { parallelism: 2 } }))).toThrow(
    expect.objectContaining({ code: "SPEC_UNSUPPORTED" }),
  );
  const { target } = createRig(plan("exit 0"));
  await expect(target.create(-1)).rejects.toMatchObject({ code: "OPTION_INVALID" });
  await expect(target.create(0.5)).rejects.toMatchObject({ code: "OPTION_INVALID" });
});
