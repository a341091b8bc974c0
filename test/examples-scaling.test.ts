/**
 * The examples that are scaled by KEDA's YAML, on real servers: the shipped files with nothing changed but time constants, and
 * a Secret that says where the server of the test is.
 */
import { copyFileSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { connect as connectAmqp } from "amqplib";
import pg from "pg";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { type Cli, repository, test } from "./support/cli.ts";
import type { Program } from "./support/program.ts";
import { startPostgres, startRabbitmq, type TestServer, whyNoServer } from "./support/servers.ts";
import { until } from "./support/until.ts";

const fileOf = (example: string, file: string): string =>
  readFileSync(join(repository, "examples", example, file), "utf8");

/** Copies programs of an example into the test's folder, where they find their packages. */
function install(cli: Cli, example: string, programs: readonly string[]): void {
  symlinkSync(join(repository, "node_modules"), cli.path("node_modules"));
  cli.write("package.json", '{"type":"module"}');
  for (const program of programs)
    copyFileSync(join(repository, "examples", example, program), cli.path(program));
}

/** Writes one of the example's YAML files with other time constants; every one of them must be there. */
function shorten(cli: Cli, example: string, file: string, times: Record<string, number>): void {
  let text = fileOf(example, file);
  for (const [key, seconds] of Object.entries(times)) {
    expect(text).toMatch(new RegExp(`${key}: \\d+`));
    text = text.replace(new RegExp(`${key}: \\d+`), `${key}: ${seconds}`);
  }
  cli.write(file, text);
}

const secret = (name: string, key: string, url: string): string =>
  `apiVersion: v1\nkind: Secret\nmetadata: { name: ${name} }\nstringData: { ${key}: "${url}" }\n`;

const processesOf = (cli: Cli, scale: Program, program: string) =>
  cli
    .processes()
    .filter(({ parent, command }) => parent === scale.pid && command.includes(program));

function killOne(cli: Cli, scale: Program, program: string): void {
  const [victim] = processesOf(cli, scale, program);
  if (victim === undefined) throw new Error(`no ${program} runs`);
  process.kill(victim.pid, "SIGKILL");
}

const noPostgres = whyNoServer("postgres");

describe.skipIf(noPostgres !== null).concurrent("jobs-on-postgres", { timeout: 120_000 }, () => {
  let server: TestServer;
  let database: pg.Client;
  beforeAll(async () => {
    server = await startPostgres();
    database = new pg.Client({ connectionString: server.url });
    await database.connect();
    await database.query(fileOf("jobs-on-postgres", "init.sql"));
  }, 60_000);
  afterAll(async () => {
    await database?.end();
    await server?.close();
  });

  const numberOf = async (query: string): Promise<number> =>
    Number((await database.query(query)).rows[0].count);
  const count = (table: "jobs" | "done_jobs") => numberOf(`SELECT COUNT(*) FROM ${table}`);
  const pushing = () =>
    numberOf("SELECT COUNT(*) FROM pg_stat_activity WHERE query ILIKE 'INSERT INTO jobs%'");
  /** In one statement, as a job may go from one table to the other meanwhile. */
  const total = () =>
    numberOf("SELECT (SELECT COUNT(*) FROM jobs) + (SELECT COUNT(*) FROM done_jobs) AS count");

  test("scales 1 → N → 1, and a consumer that is killed loses no job", async ({ cli }) => {
    install(cli, "jobs-on-postgres", ["consumer.ts", "pusher.ts", "settings.ts"]);
    shorten(cli, "jobs-on-postgres", "scaled-object.yaml", {
      pollingInterval: 1,
      cooldownPeriod: 2,
    });
    cli.write("job-consumer.yaml", fileOf("jobs-on-postgres", "job-consumer.yaml"));
    cli.write("secret.yaml", secret("postgres-secret", "connection", server.url));
    const scale = cli.start(
      ["scale", "-f", ".", "--json", "--sync-period", "1s", "--downscale-stabilization", "2s"],
      { env: { WORK_SECONDS: "0.3-0.6" } },
    );
    const consumers = () => processesOf(cli, scale, "consumer.ts").length;
    await until(() => consumers() === 1, { withinMs: 20_000, what: "the first consumer" });

    const pusher = cli.spawn([process.execPath, "--import", "tsx", "pusher.ts"], {
      env: { DATABASE_URL: server.url, PAUSE_SECONDS: "0-0.01" },
    });
    await pusher.waitFor("pushed job 40\n", 30_000);
    pusher.kill("SIGKILL");
    await pusher.ended();
    // The server may still be at the last job that the pusher sent.
    await until(async () => (await pushing()) === 0, { withinMs: 10_000, what: "the last push" });
    const pushed = await total();

    await until(() => consumers() >= 4, { withinMs: 20_000, what: "four consumers" });
    killOne(cli, scale, "consumer.ts");
    await until(async () => (await count("jobs")) === 0, { withinMs: 60_000, what: "all jobs" });
    await until(() => consumers() === 1, { withinMs: 30_000, what: "one consumer again" });
    scale.kill("SIGTERM");
    expect((await scale.ended(30_000)).status).toBe(0);

    expect(await count("done_jobs")).toBe(pushed);
    const decisions = decisionsOf(scale);
    const counts = decisions.map(({ replicas }) => replicas);
    expect([Math.min(...counts), counts.at(-1)]).toEqual([1, 1]);
    expect(Math.max(...counts)).toBeGreaterThanOrEqual(4);
    expect(Math.max(...counts)).toBeLessThanOrEqual(20);
    // KEDA's half lifts from nothing to the minimum; all else is the autoscaler's, as with any minReplicaCount over 0.
    const changes = decisions.filter(({ current, replicas }) => current !== replicas);
    expect(changes[0]).toMatchObject({ controller: "keda", current: 0, replicas: 1 });
    expect(changes.slice(1).every(({ controller }) => controller === "hpa")).toBe(true);
  });
});

const noRabbitmq = whyNoServer("rabbitmq");

describe
  .skipIf(noRabbitmq !== null)
  .concurrent("worker-scaler-rabbitmq", { timeout: 120_000 }, () => {
    let server: TestServer;
    /** The queue of the example, made if need be, and how many items wait on it. */
    async function waiting(): Promise<number> {
      const connection = await connectAmqp(server.url);
      const channel = await connection.createChannel();
      const { messageCount } = await channel.assertQueue("work", { durable: true });
      await connection.close();
      return messageCount;
    }
    beforeAll(async () => {
      server = await startRabbitmq();
      await waiting();
    }, 90_000);
    afterAll(() => server?.close());

    test("works 200 messages with one worker after another, loses none, and goes back to zero", async ({
      cli,
    }) => {
      install(cli, "worker-scaler-rabbitmq", ["publisher.ts", "worker.ts", "settings.ts"]);
      shorten(cli, "worker-scaler-rabbitmq", "scaled-job.yaml", { pollingInterval: 1 });
      cli.write("secret.yaml", secret("rabbitmq-secret", "url", server.url));
      const env = { AMQP_URL: server.url, WORK_SECONDS: "0.05", IDLE_SECONDS: "1.5" };
      const publisher = cli.spawn([process.execPath, "--import", "tsx", "publisher.ts", "200"], {
        env,
      });
      expect((await publisher.ended(20_000)).stdout).toContain("published 200 items");

      const scale = cli.start(["scale", "-f", ".", "--json"], { env });
      const workers = () => processesOf(cli, scale, "worker.ts").length;
      const done = () =>
        new Set([...scale.stderr.matchAll(/done item (\d+)/g)].map(([, item]) => item));
      await until(() => done().size >= 20, { withinMs: 30_000, what: "20 items" });
      killOne(cli, scale, "worker.ts");
      await until(() => done().size === 200, { withinMs: 60_000, what: "all 200 items" });
      await until(() => workers() === 0, { withinMs: 20_000, what: "no worker" });
      const isAtZero = () => decisionsOf(scale).at(-1)?.replicas === 0;
      await until(isAtZero, { withinMs: 20_000, what: "a decision that sees no worker" });
      scale.kill("SIGTERM");
      expect((await scale.ended()).status).toBe(0);

      expect(await waiting()).toBe(0);
      const decisions = decisionsOf(scale);
      const created = decisions.filter(({ current, replicas }) => replicas > current);
      expect(created.every(({ current, replicas }) => replicas === current + 1)).toBe(true);
      expect(created[0]?.reasons.map(({ code }) => code)).toContain("ThresholdExceeded");
      expect(Math.max(...decisions.map(({ replicas }) => replicas))).toBeLessThanOrEqual(5);
      expect(decisions.at(-1)).toMatchObject({ current: 0, replicas: 0 });
      expect(scale.stderr).toMatch(/job failed job=worker-\w+ reason=BackoffLimitExceeded/);
    });
  });

interface ToldDecision {
  readonly controller: string;
  readonly current: number;
  readonly replicas: number;
  readonly reasons: readonly { readonly code: string }[];
}

function decisionsOf(scale: Program): readonly ToldDecision[] {
  return scale.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line): ToldDecision => JSON.parse(line));
}
