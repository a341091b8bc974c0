import { afterAll, beforeAll, expect, test } from "vitest";
import { startBlackHoleProxy } from "../support/black-hole-proxy.ts";
import { sharedServer, whyNoServer } from "../support/servers.ts";
import { createTriggerBed } from "./trigger-bed.ts";

const missing = whyNoServer("mariadb");
const it = test.skipIf(missing !== null);
const bed = createTriggerBed();

let url: URL;
beforeAll(async () => {
  if (missing !== null) return console.log(`skipped: ${missing}`);
  url = new URL((await sharedServer("mariadb")).url);
}, 120_000);
afterAll(() => bed.close());

const dsn = (host: string) => `${url.username}:${url.password}@tcp(${host})/stats_db`;
const read = (query: string, more: Record<string, string> = {}) =>
  bed.read(
    "mysql",
    { query, queryValue: "5", ...more },
    { parameters: { connectionString: dsn(url.host) } },
  );

it.each([
  ["SELECT 7", 7],
  ["SELECT 12.3456", 12.346],
  ["SELECT '12'", 12],
  ["SELECT 9007199254740991", 9_007_199_254_740_991],
  ["SELECT COUNT(*) FROM (SELECT 1 UNION SELECT 2) AS t", 2],
  ["SELECT 0", 0],
])("%s gives %d", async (query, value) => {
  expect(await read(query)).toEqual({ metricName: "s0-mysql-stats_db", value, active: value > 0 });
});

it.each([
  ["SELECT NULL", "is NULL"],
  ["SELECT 'many'", 'is "many"'],
  ["SELECT 1 FROM DUAL WHERE 1 = 0", "gave no row"],
  ["SELECT 1, 2", "gave 2 columns"],
  ["SELECT -1", "is -1"],
  ["SET @a = 1", "gave no row"],
  ["SELECT 1; SELECT 2", "SQL syntax"],
  ["SELECT nothing", "Unknown column"],
])("%s is an error, not a zero", async (query, problem) => {
  await expect(read(query)).rejects.toMatchObject({
    code: "TRIGGER_FAILED",
    message: expect.stringContaining(problem),
  });
});

it("takes the parts of a connection, and is not active at the activation value", async () => {
  const metadata = {
    query: "SELECT 4",
    queryValue: "2",
    activationQueryValue: "4",
    host: url.hostname,
    port: url.port,
    username: url.username,
    passwordFromEnv: "PW",
    dbName: "stats_db",
  };
  const reading = await bed.read("mysql", metadata, { env: { PW: url.password } });
  expect(reading).toEqual({ metricName: "s0-mysql-stats_db", value: 4, active: false });
});

it("shares four connections at most", async () => {
  await Promise.all(Array.from({ length: 40 }, () => read("SELECT SLEEP(0.01)")));
  const query = "SELECT COUNT(*) FROM information_schema.processlist WHERE USER = 'sluice'";
  const { value } = await read(query);
  expect(value).toBeLessThanOrEqual(4 + 1); // one is that of the separate parts above
});

it("gives up in time when the server does not answer, and heals", async () => {
  const proxy = await startBlackHoleProxy(url.href);
  const connectionString = dsn(new URL(proxy.url).host);
  const trigger = await bed.create(
    "mysql",
    { query: "SELECT 6", queryValue: "1" },
    { parameters: { connectionString }, timeoutMs: 1000 },
  );
  expect(await trigger.read()).toMatchObject([{ value: 6 }]);
  proxy.cut();
  expect(await trigger.read()).toMatchObject([{ value: 6 }]);
  proxy.swallow();
  await expect(trigger.read()).rejects.toMatchObject({ code: "TRIGGER_FAILED" });
  proxy.heal();
  expect(await trigger.read()).toMatchObject([{ value: 6 }]);
  await trigger.close();
  await proxy.close();
});

it("says that a server cannot be reached or refuses the password, without showing it", async () => {
  for (const connectionString of [
    "u:topsecret@tcp(127.0.0.1:1)/db",
    `sluice:topsecret@tcp(${url.host})/stats_db`,
  ]) {
    const metadata = { query: "SELECT 6", queryValue: "1" };
    const error = await bed
      .read("mysql", metadata, { parameters: { connectionString } })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "TRIGGER_FAILED" });
    expect(String(error)).toMatch(/ECONNREFUSED|Access denied/);
    expect(String(error)).not.toContain("topsecret");
  }
});

test.each([
  [{ queryValue: "1" }, {}, "query is required"],
  [{ query: "q" }, {}, "queryValue is required"],
  [{ query: "q", queryValue: "1" }, {}, "host is required"],
  [{ query: "q", queryValue: "aa" }, {}, "queryValue must be a number"],
  [{ query: "q", queryValue: "1" }, { connectionString: "mysql://secret" }, "user:password@tcp"],
])("refuses %j with %j", async (metadata, parameters, problem) => {
  await expect(bed.create("mysql", metadata, { parameters })).rejects.toThrow(problem);
});
