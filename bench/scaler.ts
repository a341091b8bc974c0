/**
 * 2,000 ScaledObjects at KEDA's default of one poll in 30 s, all with replicas, so that the autoscaler's half looks every 15 s
 * too: a third each on PostgreSQL, on Redis and on cron. Measured is the process
 * of `sluice scale --dry-run`, from outside (Linux). Run with
 * `npm run bench -- scaler`, which starts servers of its own.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { Redis } from "ioredis";
import pg from "pg";
import { startPostgres, startRedis } from "../test/support/servers.ts";
import { percentile } from "./measure.ts";

const objects = Number(process.env.SLUICE_BENCH_OBJECTS ?? 2000);
const seconds = Number(process.env.SLUICE_BENCH_SECONDS ?? 60);
const waiting = 20;
/** Every 15 s, as often as an object looks, so that each look is seen once. */
const scrapeMs = 15_000;

interface Places {
  readonly postgres: string;
  readonly redis: string;
}

function triggerOf(index: number, { redis }: Places): object {
  if (index % 3 === 0) {
    const query = `SELECT COUNT(*) FROM jobs WHERE queue = ${index % 100}`;
    const metadata = { query, targetQueryValue: "5" };
    return { type: "postgresql", metadata, authenticationRef: { name: "database" } };
  }
  if (index % 3 === 1) {
    const { host, password } = new URL(redis);
    const metadata = { address: host, listName: `list-${index % 100}`, listLength: "5" };
    return {
      type: "redis",
      metadata,
      ...(password !== "" && { authenticationRef: { name: "redis" } }),
    };
  }
  const hours = { timezone: "UTC", start: "0 0 1 1 *", end: "59 23 31 12 *" };
  return { type: "cron", metadata: { ...hours, desiredReplicas: "4" } };
}

function specsOf(places: Places): string {
  const documents: object[] = Array.from({ length: objects }, (_, index) => ({
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { name: `object-${index}`, annotations: { "sluice.dev/local-command": "true" } },
    spec: { scaleTargetRef: { name: `app-${index}` }, triggers: [triggerOf(index, places)] },
  }));
  const secret = { connection: places.postgres, password: new URL(places.redis).password };
  documents.push({
    ...{ apiVersion: "v1", kind: "Secret", metadata: { name: "secret" }, stringData: secret },
  });
  for (const [name, parameter] of [
    ["database", "connection"],
    ["redis", "password"],
  ])
    documents.push({
      ...{ apiVersion: "keda.sh/v1alpha1", kind: "TriggerAuthentication", metadata: { name } },
      spec: { secretTargetRef: [{ parameter, name: "secret", key: parameter }] },
    });
  return documents.map((document) => JSON.stringify(document)).join("\n---\n");
}

const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
const database = new pg.Client({ connectionString: postgres.url });
const store = new Redis(redis.url);
try {
  await database.connect();
  await database.query("CREATE TABLE jobs (id serial PRIMARY KEY, queue int)");
  await database.query("INSERT INTO jobs (queue) SELECT n % 100 FROM generate_series(1, 2000) n");
  for (let list = 0; list < 100; list += 1)
    await store.rpush(`list-${list}`, ...Array.from({ length: waiting }, String));
  await measure({ postgres: postgres.url, redis: redis.url });
} finally {
  await database.end();
  store.disconnect();
  await Promise.all([postgres.close(), redis.close()]);
}

async function measure(places: Places): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  const file = join(folder, "objects.yaml");
  writeFileSync(file, specsOf(places));
  const main = join(import.meta.dirname, "../dist/cli/main.js");
  const given = ["scale", "-f", file, "--dry-run", "--metrics", "0"];
  const child = spawn(process.execPath, [main, ...given], { stdio: ["ignore", "inherit", "pipe"] });
  try {
    const url = await metricsUrl(child);
    await wait(objects * 10 + 35_000); // until every object has begun and has been polled again
    await watch(child.pid ?? 0, url);
  } finally {
    child.kill("SIGINT");
    await once(child, "exit");
    rmSync(folder, { recursive: true });
  }
}

/** Waits for the line that names it, and lets the rest of the log go by. */
async function metricsUrl(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stderr ?? process.stdin });
  return new Promise((resolve) => {
    lines.on("line", (line) => {
      const [, url] = /metrics url=(\S+)/.exec(line) ?? [];
      if (url !== undefined) resolve(url);
      if (/ (warn|error) /.test(line)) console.error(line);
    });
  });
}

async function watch(pid: number, url: string): Promise<void> {
  const lags: number[] = [];
  let [memory, text] = [0, ""];
  const before = { cpu: cpuSeconds(pid), text: await (await fetch(url)).text() };
  for (let left = seconds * 1000; left > 0; left -= scrapeMs) {
    await wait(scrapeMs);
    memory = Math.max(memory, highestMemory(pid));
    text = await (await fetch(url)).text();
    lags.push(...valuesOf(text, "sluice_decision_lag_seconds"));
  }
  lags.sort((a, b) => a - b);
  const sum = (of: string, name: string): number =>
    valuesOf(of, name).reduce((total, value) => total + value, 0);
  const since = (name: string): number => sum(text, name) - sum(before.text, name);
  const cpu = (cpuSeconds(pid) - before.cpu) / seconds;
  const query =
    "SELECT COUNT(*)::int AS count FROM pg_stat_activity WHERE backend_type = 'client backend'";
  const { rows } = await database.query(query);
  const clients = (await store.client("LIST")) as string;
  const ms = (share: number): string => `${Math.round(1000 * percentile(lags, share))} ms`;
  const figures = {
    objects,
    "decisions per second": (since("sluice_decisions_total") / seconds).toFixed(1),
    "readings that failed": since("keda_scaler_detail_errors_total"),
    "CPU of one core": `${(100 * cpu).toFixed(1)} %`,
    "highest memory since the start": `${(memory / 1e6).toFixed(0)} MB`,
    "lag of a decision, p50": ms(0.5),
    "lag of a decision, p99": ms(0.99),
    "lag of a decision, max": ms(1),
    // One each is the bench's own.
    "connections to PostgreSQL": rows[0].count - 1,
    "connections to Redis": clients.trim().split("\n").length - 1,
  };
  for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(34)} ${value}`);
}

function valuesOf(text: string, name: string): readonly number[] {
  const lines = text.matchAll(new RegExp(`^${name}\\{.*\\} (\\S+)$`, "gm"));
  return [...lines].map(([, value]) => Number(value));
}

/** Processor time so far, by Linux' count of hundredths. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function highestMemory(pid: number): number {
  const [, kilobytes] =
    /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return 1024 * Number(kilobytes);
}
