/** Workers that are any command, which says nothing of what it does. */
import { afterEach, expect, test, vi } from "vitest";
import { createLogger, type LogEntry } from "../../core/index.ts";
import type { TargetStatus } from "../../scaler/index.ts";
import { createProcessTarget, type ProcessTarget } from "./process-target.ts";

const targets: ProcessTarget[] = [];

afterEach(async () => {
  await Promise.all(targets.splice(0).map((target) => target.close()));
});

function createRig(script: string, graceMs = 3000) {
  const lines: string[] = [];
  const entries: LogEntry[] = [];
  const target = createProcessTarget({
    command: ["sh", "-c", script],
    protocol: "optional",
    graceMs,
    logger: createLogger("debug", (entry) => entries.push(entry)),
    onOutput: (id, _stream, line) => lines.push(`${id} ${line}`),
  });
  targets.push(target);
  return { target, lines, entries };
}

function until(
  target: ProcessTarget,
  condition: (status: TargetStatus) => boolean,
): Promise<TargetStatus> {
  return vi.waitFor(
    async () => {
      const status = await target.status();
      expect(status).toSatisfy(condition);
      return status;
    },
    { timeout: 8000, interval: 5 },
  );
}

test("count as ready and busy as soon as they run, with nothing known of their jobs", async () => {
  const { target } = createRig("exec sleep 60");
  await target.scale(2);
  const status = await target.status();
  expect(status).toMatchObject({ replicas: 2, ready: 2, busy: 2, idle: 0, starting: 0 });
  for (const worker of status.workers) expect(worker).not.toHaveProperty("inFlight");
});

test("are asked to leave with SIGTERM, the newest first", async () => {
  const { target, lines } = createRig(
    "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done",
  );
  await target.scale(1);
  await vi.waitFor(() => expect(lines).toContain("w1 up"), 8000);
  await target.scale(2);
  await vi.waitFor(() => expect(lines).toContain("w2 up"), 8000);
  await target.scale(1);
  const { workers } = await until(target, (status) => status.workers.length === 1);
  expect(workers[0]?.id).toBe("w1");
  expect(lines).toContain("w2 bye");
});

test("are killed when they are still there after their grace", async () => {
  const { target, lines, entries } = createRig(
    "trap '' TERM; echo up; while :; do sleep 1; done",
    50,
  );
  await target.scale(1);
  await vi.waitFor(() => expect(lines).toContain("w1 up"), 8000);
  await target.scale(0);
  await until(target, (status) => status.workers.length === 0);
  expect(entries.map(({ message }) => message)).toContain("worker overran its grace and is killed");
});

test("are started again whatever their exit code, as the pods of a Deployment are", async () => {
  for (const code of [0, 2, 127]) {
    const { target, lines } = createRig(`echo run; exit ${code}`);
    await target.scale(1);
    await vi.waitFor(() => expect(lines.length).toBeGreaterThan(1), 8000);
    expect(await target.status()).toMatchObject({ replicas: 1 });
    await target.close();
  }
});

test("that speak the protocol after all are followed in what they say", async () => {
  const fixture = new URL("fixtures/worker.mjs", import.meta.url).pathname;
  const { target, lines } = createRig(`exec "${process.execPath}" "${fixture}" ready`);
  await target.scale(1);
  const { workers } = await until(target, ({ idle }) => idle === 1);
  expect(workers[0]).toMatchObject({ inFlight: 0, completed: 0 });
  await target.scale(0);
  await until(target, (status) => status.workers.length === 0);
  expect(lines.some((line) => line.startsWith("w1 drain"))).toBe(true);
});
