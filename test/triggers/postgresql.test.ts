import { afterAll, beforeAll, expect, test } from "vitest";
import { startBlackHoleProxy } from "../support/black-hole-proxy.ts";
import { sharedServer, whyNoServer } from "../support/servers.ts";
import { createTriggerBed, type TriggerBed } from "./trigger-bed.ts";

const missing = whyNoServer("postgres");
const it = test.skipIf(missing !== null);

let url: URL;
let bed: TriggerBed;
beforeAll(async () => {
  if (missing !== null) return console.log(`skipped: ${missing}`);
  url = new URL((await sharedServer("postgres")).url);
  bed = createTriggerBed();
}, 60_000);
afterAll(() => bed?.close());

const read = (query: string, more: Record<string, string> = {}) =>
  bed.read(
    "postgresql",
    { query, targetQueryValue: "5", ...more },
    { parameters: { connection: url.href } },
  );

it.each([
  ["SELECT 7", 7],
  ["SELECT 7::bigint", 7],
  ["SELECT 2.0005::numeric", 2.001],
  ["SELECT 1.5::float8", 1.5],
  ["SELECT '12'::text", 12],
  ["SELECT 0", 0],
])("%s gives %d", async (query, value) => {
  expect(await read(query)).toEqual({
    metricName: "s0-postgresql",
    value,
    active: value > 0,
  });
});

it("is active above the activation value, not at it", async () => {
  expect(await read("SELECT 3", { activationTargetQueryValue: "3" })).toMatchObject({
    active: false,
  });
  expect(await read("SELECT 3.1", { activationTargetQueryValue: "3" })).toMatchObject({
    active: true,
  });
});

it.each([
  ["SELECT NULL", "is NULL"],
  ["SELECT 'many'", 'is "many"'],
  ["SELECT true", 'is "t"'],
  ["SELECT 1 WHERE false", "gave no row"],
  ["SELECT 1, 2", "gave 2 columns"],
  ["SELECT 1; SELECT 2", "more than one statement"],
  ["SELECT 'NaN'::float8", "is NaN"],
  ["SELECT 'Infinity'::float8", "is Infinity"],
  ["SELECT -1", "is -1"],
  ["SELECT nothing", 'column "nothing" does not exist'],
])("%s is an error, not a zero", async (query, problem) => {
  await expect(read(query)).rejects.toMatchObject({
    code: "TRIGGER_FAILED",
    message: expect.stringMatching(/^trigger 0 \(postgresql\) of ScaledObject shop\/mailer: ./s),
  });
  await expect(read(query)).rejects.toThrow(problem);
});

it("takes host, port, user, database and sslmode apart from the password", async () => {
  const { hostname, port, username, password, pathname } = url;
  const metadata = {
    query: "SELECT 4",
    targetQueryValue: "2",
    host: hostname,
    port,
    userName: username,
    dbName: pathname.slice(1),
    sslmode: "prefer",
    passwordFromEnv: "PGPW",
  };
  const env = { PGPW: password };
  expect(await bed.read("postgresql", metadata, { env })).toMatchObject({ value: 4 });
});

it("takes libpq's pairs, and says what sslmode=require lacks", async () => {
  const { hostname, port, username, password } = url;
  const pairs = (sslmode: string) =>
    `host=${hostname} port=${port} user=${username} password='${password}' dbname=postgres sslmode=${sslmode}`;
  const metadata = { query: "SELECT 4", targetQueryValue: "2" };
  const withTls = (sslmode: string) =>
    bed.read("postgresql", metadata, { parameters: { connection: pairs(sslmode) } });
  expect(await withTls("disable")).toMatchObject({ value: 4 });
  await expect(withTls("require")).rejects.toThrow("does not support SSL");
});

it("shares at most four connections between all triggers of one server and credential", async () => {
  const metadata = {
    query: "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sluice-scaler'",
    targetQueryValue: "1",
  };
  const changes = { parameters: { connection: url.href } };
  const triggers = await Promise.all(
    Array.from({ length: 40 }, () => bed.create("postgresql", metadata, changes)),
  );
  await Promise.all(triggers.map((trigger) => trigger.read()));
  const [reading] = (await triggers[0]?.read()) ?? [];
  expect(reading?.value).toBeLessThanOrEqual(4 + 2); // two are those of the other spellings above
});

it("opens a new connection within the same reading when the old one was cut", async () => {
  const parameters = { connection: url.href };
  const metadata = { query: "SELECT 6", targetQueryValue: "1" };
  const trigger = await bed.create("postgresql", metadata, { parameters });
  await trigger.read();
  const cut =
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'sluice-scaler' AND pid <> pg_backend_pid()";
  await bed.read("postgresql", { query: cut, targetQueryValue: "1" }, { parameters });
  expect(await trigger.read()).toMatchObject([{ value: 6 }]);
});

it("gives up in time when the server does not answer", async () => {
  const proxy = await startBlackHoleProxy(url.href);
  const metadata = { query: "SELECT 6", targetQueryValue: "1" };
  const trigger = await bed.create("postgresql", metadata, {
    parameters: { connection: proxy.url },
    timeoutMs: 1000,
  });
  expect(await trigger.read()).toMatchObject([{ value: 6 }]);
  proxy.swallow();
  await expect(trigger.read()).rejects.toMatchObject({ code: "TRIGGER_FAILED" });
  proxy.heal();
  expect(await trigger.read()).toMatchObject([{ value: 6 }]);
  await proxy.close();
});

it("says that a server cannot be reached, without the password", async () => {
  const connection = "postgres://u:topsecret@127.0.0.1:1/db";
  const metadata = { query: "SELECT 6", targetQueryValue: "1" };
  const error = await bed
    .read("postgresql", metadata, { parameters: { connection } })
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "TRIGGER_FAILED", retryable: true });
  expect(String(error)).toContain("ECONNREFUSED");
  expect(String(error)).not.toContain("topsecret");
});

it("has the server cancel a query that is too slow", async () => {
  const own = createTriggerBed();
  const changes = { parameters: { connection: url.href }, timeoutMs: 3000 };
  const slow = { query: "SELECT pg_sleep(20)", targetQueryValue: "1" };
  await expect(own.read("postgresql", slow, changes)).rejects.toThrow("statement timeout");
  const query =
    "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(20)' AND state = 'active'";
  const running = await own.read("postgresql", { query, targetQueryValue: "1" }, changes);
  expect(running).toMatchObject({ value: 0 });
  await own.close();
});
