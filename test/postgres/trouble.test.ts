import { inspect } from "node:util";
import { expect, test } from "vitest";
import { Sluice, silentLogger, systemClock } from "../../src/core/index.ts";
import { openPostgres } from "../../src/drivers/postgres/index.ts";
import { pretending } from "../support/rewriting-proxy.ts";
import { whyNoOwnServer } from "../support/servers.ts";
import { postgresBeds } from "./bed.ts";

const context = { clock: systemClock, logger: silentLogger };

/** The URL with other parts. */
function altered(
  url: string,
  change: Partial<Pick<URL, "password" | "pathname" | "port" | "search">>,
): string {
  return Object.assign(new URL(url), change).href;
}

const newBed = postgresBeds();
/** Connections are ended and rights changed. */
const missing = whyNoOwnServer("postgres");
/** Skipped where there is no PostgreSQL of ours. */
const onServer = test.skipIf(missing !== null);
/** For those that mostly wait. */
const besides = missing === null ? test.concurrent : test.skip;

besides(
  "tells of a pool that is too small for what waits for it",
  async ({ onTestFinished }) => {
    const { schema, open, client } = newBed(onTestFinished);
    const driver = await open({ pool: 1 });
    const other = await client();
    await other.query(`BEGIN; LOCK TABLE ${schema}.queue IN ACCESS EXCLUSIVE MODE`);
    const calls = [driver.depth("a"), driver.depth("b"), driver.depth("c")];
    const codes = await Promise.all(
      calls.map((call) => call.then(String, (error: unknown) => String(Object(error).message))),
    );
    await other.query("ROLLBACK");
    expect(codes[0]).toMatch(/took too long|let another/);
    expect(codes[2]).toMatch(/connections of the pool were in use.*pool=/);
    expect((await driver.depth("a")).ready).toBe(0);
  },
  30_000,
);

besides(
  "gives up a publish whose chosen id another transaction holds for too long, and stores nothing",
  async ({ onTestFinished }) => {
    const { schema, open, client } = newBed(onTestFinished);
    const sluice = new Sluice(await open());
    await sluice.publish("mail", 0);
    const other = await client();
    await other.query("BEGIN");
    await other.query(`SELECT ${schema}.publish('mail', '1', id => 'same')`);
    const expected = { code: "STORE_BUSY", retryable: true };
    await expect(sluice.publish("mail", 2, { id: "same" })).rejects.toMatchObject(expected);
    await other.query("ROLLBACK");
    expect((await sluice.depth("mail")).ready).toBe(1);
  },
  40_000,
);

onServer("hears of new messages again after its listening connection was killed", async () => {
  const { schema, open, sql } = newBed();
  const [publisher, consumer] = [new Sluice(await open()), await open()];
  const calls: number[] = [];
  consumer.watch?.("mail", () => calls.push(Date.now()));
  const listening = async (): Promise<readonly unknown[]> => {
    const text = "SELECT pid FROM pg_stat_activity WHERE query LIKE $1 AND pid <> pg_backend_pid()";
    return (await sql(text, [`%"${schema}".prospect%`])).map(({ pid }) => pid);
  };
  await expect.poll(listening, { timeout: 5000 }).toHaveLength(1);
  const [pid] = await listening();
  await sql("SELECT pg_terminate_backend($1)", [pid]);
  await expect
    .poll(listening, { timeout: 8000 })
    .toEqual([expect.not.toSatisfy((now) => now === pid)]);
  calls.length = 0;
  await publisher.publish("mail", 1);
  await expect.poll(() => calls.length, { timeout: 1000 }).toBeGreaterThan(0);
});

onServer(
  "works on after the server ended a connection, once the call in question was refused",
  async () => {
    const { open, sql } = newBed();
    const sluice = new Sluice(await open());
    await sluice.publish("mail", 1);
    await sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sluice'",
    );
    const outcome = await sluice.publish("mail", 2).catch((error: unknown) => error);
    if (typeof outcome !== "string") {
      expect(outcome).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
      await sluice.publish("mail", 2);
    }
    expect((await sluice.depth("mail")).ready).toBe(2);
  },
);

onServer.each([
  ["a wrong password", { password: "hunter2%23" }, "ACCESS_DENIED", false, /user and password/],
  ["no password", { password: "" }, "ACCESS_DENIED", false, /user and password/],
  ["no such database", { pathname: "/nowhere" }, "STORE_MISCONFIGURED", false, /createdb/],
  ["a name with quotes", { pathname: "/a%22b'%0A{}" }, "STORE_MISCONFIGURED", false, /createdb/],
  [
    "a server without TLS",
    { search: "?sslmode=require" },
    "STORE_MISCONFIGURED",
    false,
    /ssl = on/,
  ],
  [
    "a certificate that is not there",
    { search: "?sslmode=verify-full&sslrootcert=/no/such/file" },
    "STORE_MISCONFIGURED",
    false,
    /Correct sslrootcert/,
  ],
  ["a server that is not there", { port: "1" }, "STORE_UNAVAILABLE", true, /host and port/],
] as const)("tells of %s and shows no password", async (_what, change, code, retryable, cure) => {
  const { url } = newBed();
  const bad = altered(url, change);
  const error: unknown = await openPostgres(bad, context).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: "SluiceError", code, retryable });
  const password = new URL(bad).password || new URL(url).password;
  for (const text of [inspect(error, { depth: 9 }), JSON.stringify(error)]) {
    expect(text).not.toContain(password);
    expect(text).not.toContain(decodeURIComponent(password));
  }
  expect(String(error)).toMatch(cure);
});

onServer("refuses a server that is too old", async () => {
  const { url, sql } = newBed();
  const [row] = await sql("SELECT current_setting('server_version_num') AS number");
  const old = await pretending(url, String(row?.number), "120022");
  await expect(openPostgres(old, context)).rejects.toMatchObject({
    code: "STORE_MISCONFIGURED",
    retryable: false,
    message: expect.stringMatching(/needs PostgreSQL 13 or newer; .* Update the server/),
  });
});

onServer("tells of missing rights, and has then changed nothing", async () => {
  const { url, schema, open, sql } = newBed();
  const role = `stranger_${schema}`;
  await sql(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  const own = Object.assign(new URL(url), { username: role, password: "secret" });
  const expected = { code: "ACCESS_DENIED", retryable: false };
  await expect(open({ url: own.href })).rejects.toMatchObject(expected);
  expect(await sql("SELECT to_regnamespace($1) AS found", [schema])).toEqual([{ found: null }]);
});

onServer("tells of a schema that was dropped while in use", async () => {
  const { schema, open, sql } = newBed();
  const driver = await open();
  await sql(`DROP SCHEMA ${schema} CASCADE`);
  const expected = { code: "STORE_MISCONFIGURED", retryable: false };
  await expect(driver.depth("q")).rejects.toMatchObject(expected);
});

onServer(
  "asks the server at most once a second while it waits for work",
  async () => {
    const { schema, open, sql } = newBed();
    const driver = await open();
    const calls = async (): Promise<number> => {
      const [row] = await sql(
        `SELECT xact_commit::int AS n FROM pg_stat_database WHERE datname = current_database()`,
      );
      return Number(row?.n);
    };
    const queues = Array.from({ length: 20 }, (_, index) => `${schema}.${index}`);
    for (const queue of queues) driver.watch?.(queue, () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await sql("SELECT pg_stat_clear_snapshot()");
    const before = await calls();
    await new Promise((resolve) => setTimeout(resolve, 6000));
    // The statistics of a connection are told at most once a second, and the questions of this test are counted too.
    expect((await calls()) - before).toBeLessThanOrEqual(8);
  },
  20_000,
);
