/**
 * 2,000 ScaledObjects at KEDA's default of one poll in 30 s, all with replicas, so that the autoscaler's half looks every 15 s
 * too: a third each on PostgreSQL, on Redis and on cron. It is what `sluice scale --dry-run` runs, in one process. Run with
 * `npm run bench -- scaler`, which starts servers of its own.
 */
import { setTimeout as wait } from "node:timers/promises";
import { Redis } from "ioredis";
import pg from "pg";
import { type ScaledUnits, startUnits } from "../src/cli/scale/scaled-units.ts";
import { createLogger, systemClock } from "../src/core/index.ts";
import { autoscalerDefaults, type Connections, createConnections } from "../src/scaler/index.ts";
import { parseSpecs } from "../src/specs/index.ts";
import { createTriggers } from "../src/triggers/index.ts";
import { startPostgres, startRedis } from "../test/support/servers.ts";
import { percentile } from "./measure.ts";

const objects = Number(process.env.SLUICE_BENCH_OBJECTS ?? 2000);
const seconds = Number(process.env.SLUICE_BENCH_SECONDS ?? 60);
const waiting = 20;

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

interface Watch {
  readonly lags: number[];
  decisions: number;
  failures: number;
  isOn: boolean;
}

/** The YAML is read in here and not held on to, as in the command. */
async function start(places: Places, connections: Connections, watch: Watch): Promise<ScaledUnits> {
  return startUnits(parseSpecs(specsOf(places), "bench"), {
    createTrigger: createTriggers(),
    logger: createLogger("warn", ({ message, fields }) => console.error(message, fields)),
    ...{ connections, clock: systemClock, isDryRun: true, flags: autoscalerDefaults },
    onDecision: (_owner, { metrics }) => {
      if (!watch.isOn) return;
      watch.decisions += 1;
      if (metrics?.some(({ failure }) => failure !== null)) watch.failures += 1;
    },
    onTurn: (_owner, { lateMs, tookMs }) => {
      if (watch.isOn) watch.lags.push(lateMs + tookMs);
    },
  });
}

async function measure(places: Places): Promise<void> {
  const watch: Watch = { lags: [], decisions: 0, failures: 0, isOn: false };
  const connections = createConnections();
  const begun = performance.now();
  const units = await start(places, connections, watch);
  const openedIn = performance.now() - begun;
  await wait(objects * 10 + 35_000); // until every object has begun and has been polled again
  watch.isOn = true;
  const before = process.cpuUsage();
  let memory = 0;
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    await wait(250);
    memory = Math.max(memory, process.memoryUsage.rss());
  }
  watch.isOn = false;
  const { user, system } = process.cpuUsage(before);
  const cpu = (user + system) / 1e6 / seconds;
  const { rows } = await database.query(
    "SELECT COUNT(*)::int AS count FROM pg_stat_activity WHERE backend_type = 'client backend'",
  );
  const clients = (await store.client("LIST")) as string;
  const lags = watch.lags.sort((a, b) => a - b);
  await units.close();
  await connections.close();
  const figures = {
    objects,
    "read and opened in": `${(openedIn / 1000).toFixed(1)} s`,
    "decisions per second": (watch.decisions / seconds).toFixed(1),
    "decisions with a failed reading": watch.failures,
    "CPU of one core": `${(100 * cpu).toFixed(1)} %`,
    "highest memory": `${(memory / 1e6).toFixed(0)} MB`,
    "lag of a decision, p50": `${percentile(lags, 0.5)} ms`,
    "lag of a decision, p99": `${percentile(lags, 0.99)} ms`,
    "lag of a decision, max": `${percentile(lags, 1)} ms`,
    // One each is the bench's own.
    "connections to PostgreSQL": rows[0].count - 1,
    "connections to Redis": clients.trim().split("\n").length - 1,
  };
  for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(34)} ${value}`);
}
