/**
 * SQLite, beside raw SQLite doing the least work of the same durability. Run with `npm run bench`; the machine should
 * be otherwise idle. Quote ratios: absolute figures are the machine's.
 */

import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { connect, defineJob, defineWorker, noTelemetry, type Sluice, startWorker } from "sluice";
import { type Contender, interleave, percentile, rate, report, summary } from "./measure.ts";
import { openRaw, type RawQueue } from "./raw-sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
const rounds = 5;
const inFlight = 64;
const body = { text: "x".repeat(118) };

const newUrl = (): string => `sqlite:${join(folder, `${randomUUID()}.db`)}`;
/** As for a user who has not installed OpenTelemetry; in this checkout it is. */
const open = (url: string): Promise<Sluice> => connect(url, { telemetry: noTelemetry });

/** `count` calls of `send`, always 64 of them awaited. */
async function sendAll(count: number, send: () => Promise<unknown>): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await send();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

async function sends(): Promise<void> {
  const count = 40_000;
  const sluice = await open(newUrl());
  const raw = await openRaw(join(folder, "raw.db"));
  const contenders: readonly Contender[] = [
    {
      name: "sluice",
      run: () => rate(count, () => sendAll(count, () => sluice.publish("bench", body))),
    },
    { name: "raw", run: () => rate(count, async () => insertAll(raw, count)) },
  ];
  await sendAll(20_000, () => sluice.publish("warm", body));
  const [ours, theirs] = await interleave(contenders, rounds);
  await sluice.close();
  raw.close();
  if (!ours || !theirs) return;
  report("awaited sends/s, 64 in flight", ours, "");
  report("  raw inserts/s, 64 per transaction", theirs, "");
  const ratio = ours.median / theirs.median;
  report(
    "  ratio to raw",
    { name: "ratio", median: ratio, min: ours.min / theirs.max, max: ours.max / theirs.min },
    "≥ 0.5",
  );
}

function insertAll(raw: RawQueue, count: number): void {
  for (let done = 0; done < count; done += inFlight) {
    raw.insert(Array.from({ length: inFlight }, () => Buffer.from(JSON.stringify(body))));
  }
}

async function drains(): Promise<void> {
  const count = 40_000;
  const drain = async (): Promise<number> => {
    const sluice = await open(newUrl());
    await sluice.publishMany(
      "bench",
      Array.from({ length: count }, () => body),
    );
    const perSecond = await rate(count, async () => {
      const worker = startWorker(
        defineWorker({ handlers: [defineJob("bench").handle(() => undefined)], concurrency: 100 }),
        sluice,
      );
      await new Promise<void>((resolve) =>
        worker.onActivity(() => worker.completed === count && resolve()),
      );
      await worker.drain();
    });
    await sluice.close();
    return perSecond;
  };
  await drain();
  const [ours] = await interleave([{ name: "drain", run: drain }], rounds);
  if (ours) report("drain of no-op jobs/s, one process, concurrency 100", ours, "≥ 20,000");
}

async function latencyInProcess(): Promise<void> {
  const sluice = await open(newUrl());
  const waits: number[] = [];
  const job = defineJob<number>("bench");
  const worker = startWorker(
    defineWorker({ handlers: [job.handle((at) => waits.push(now() - at))] }),
    sluice,
  );
  for (let i = 0; i < 500; i += 1) {
    await sluice.publish(job, now());
    await wait(4);
  }
  await worker.drain();
  await sluice.close();
  reportLatency("publish → handler start, one process, ms", waits.slice(100), "p50 ≤ 2");
}

async function latencyAcross(): Promise<void> {
  const url = newUrl();
  const sluice = await open(url);
  const child = await startChild(url);
  const waits: number[] = [];
  child.on("message", (ms: number) => waits.push(ms));
  for (let i = 0; i < 300; i += 1) {
    await sluice.publish("bench", now());
    await wait(15);
  }
  await stopChild(child);
  await sluice.close();
  reportLatency("publish → handler start, two processes, ms", waits.slice(50), "p50 ≤ 15");
}

async function idleWorker(): Promise<void> {
  const child = await startChild(newUrl());
  await wait(2000);
  const before = cpuMs(child);
  await wait(10_000);
  const share = (cpuMs(child) - before) / 10_000;
  const rss =
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) / 1024;
  await stopChild(child);
  report("idle worker, % of a core", summary("cpu", [share * 100]), "≤ 1");
  report("idle worker, memory MB", summary("rss", [rss]), "≤ 80");
}

async function backlog(): Promise<void> {
  const fetches = async (waiting: number): Promise<number> => {
    const sluice = await open(newUrl());
    const chunk = Array.from({ length: 50_000 }, () => body);
    for (let stored = 0; stored < waiting; stored += chunk.length)
      await sluice.publishMany("bench", chunk);
    await sluice.publishMany("bench", chunk.slice(0, 5000));
    const times: number[] = [];
    for (let i = 0; i < 300; i += 1) {
      const startedAt = performance.now();
      const deliveries = await sluice.driver.receive("bench", {
        max: 10,
        waitMs: 0,
        leaseMs: 60_000,
      });
      times.push(performance.now() - startedAt);
      await sluice.driver.settle(
        "bench",
        deliveries.map(({ receipt }) => ({ receipt, outcome: "ack" })),
      );
    }
    await sluice.close();
    return percentile(
      times.sort((a, b) => a - b),
      0.5,
    );
  };
  const [small, large] = await interleave(
    [
      { name: "few", run: () => fetches(0) },
      { name: "many", run: () => fetches(1_000_000) },
    ],
    3,
  );
  if (!small || !large) return;
  report("fetch of 10, 5,000 waiting, ms", small, "");
  report(
    "fetch of 10, 1,005,000 waiting, ms",
    large,
    `${(large.median / small.median).toFixed(2)}× (< 2×)`,
  );
}

function reportLatency(what: string, waits: readonly number[], goal: string): void {
  const sorted = [...waits].sort((a, b) => a - b);
  const figures = {
    name: what,
    median: percentile(sorted, 0.5),
    min: percentile(sorted, 0),
    max: percentile(sorted, 0.99),
  };
  report(`${what} [min–p99]`, figures, goal);
}

/** A clock that two processes share. */
const now = (): number => performance.timeOrigin + performance.now();

function startChild(url: string): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, "idle-worker.js"), [url], { execArgv: [] });
  return new Promise((resolve) => child.once("message", () => resolve(child)));
}

async function stopChild(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await exited;
}

/** User and system time of a process from /proc, in milliseconds. */
function cpuMs(child: ChildProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

try {
  console.log(
    `node ${process.version}, ${process.platform} ${process.arch}; medians of interleaved rounds [min–max]\n`,
  );
  await sends();
  await drains();
  await latencyInProcess();
  await latencyAcross();
  if (process.platform === "linux") await idleWorker();
  await backlog();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
