/** What the Redis driver leaves in the server, and what others see of it. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Driver, Sluice, silentLogger } from "../../src/core/index.ts";
import { startRedis, type TestServer, whyNoOwnServer } from "../support/servers.ts";
import { allKeys, clientAt, drain, message, messages, openAt } from "./redis-bed.ts";

const missing = whyNoOwnServer("redis");

/** KEDA's redis trigger, word for word: one number by the type of the key. */
const kedaScript = `
  local listName = KEYS[1]
  local listType = redis.call('type', listName).ok
  local cmd = { zset = 'zcard', set = 'scard', list = 'llen', hash = 'hlen', none = 'llen' }
  return redis.call(cmd[listType], listName)`;

let server: TestServer;
let driver: Driver;
let client: ReturnType<typeof clientAt>;
const keda = (key: string) => client.eval(kedaScript, 1, key);

const it = test.skipIf(missing !== null);

beforeAll(async () => {
  if (missing !== null) return;
  server = await startRedis();
  client = clientAt(server.url);
  driver = await openAt(server.url);
});
afterAll(async () => {
  await driver?.close();
  client?.disconnect();
  await server?.close();
});
beforeEach(async () => {
  await client?.flushall();
});

it("keeps the order of what is published at once, though two calls are under way", async () => {
  const sluice = new Sluice(driver, { logger: silentLogger });
  const numbers = Array.from({ length: 500 }, (_, index) => index);
  const ids = await Promise.all(numbers.map((number) => sluice.publish("ordered", number)));
  expect(await drain(driver, "ordered")).toEqual(ids);
});

it("keeps the same few keys after ten thousand jobs as after one", async () => {
  await driver.publish("counted", [message("first")]);
  expect(await drain(driver, "counted")).toHaveLength(1);
  const before = await allKeys(client);
  for (let round = 0; round < 10; round += 1) await driver.publish("counted", messages(1000));
  expect(await drain(driver, "counted")).toHaveLength(10_000);
  expect(await allKeys(client)).toEqual(before);
  expect(before).toEqual(["sluice:queues", "sluice:{counted}:sequence", "sluice:{counted}:wake"]);
  expect(await client.xlen("sluice:{counted}:wake")).toBe(1);
});

it("keeps nothing of retried, released, dead and purged messages once they are gone", async () => {
  const chosen = { deduplicate: true };
  await driver.publish("jobs", messages(6, chosen));
  const failure = { attempt: 1, at: 1, error: "it broke" };
  const settle = async (outcome: object) => {
    const got = await driver.receive("jobs", { max: 6, waitMs: 0, leaseMs: 1000 });
    await driver.settle(
      "jobs",
      got.map(({ receipt }) => ({ receipt, ...outcome }) as never),
    );
  };
  await settle({ outcome: "retry", delayMs: 0, failure });
  await settle({ outcome: "release" });
  await settle({ outcome: "dead-letter", reason: "enough", failure });
  expect(await driver.redrive?.("jobs", { ids: ["m0", "m1"] })).toBe(2);
  expect(await driver.purgeDeadLetters?.("jobs", {})).toBe(4);
  await drain(driver, "jobs");
  await driver.publish("jobs", [message("delayed", { delayMs: 60_000, deduplicate: true })]);
  expect(await driver.purge?.("jobs")).toBe(1);
  const keys = await allKeys(client);
  expect(keys.filter((key) => key !== "sluice:queues")).toEqual([
    "sluice:{jobs}:ids",
    "sluice:{jobs}:sequence",
    "sluice:{jobs}:wake",
  ]);
  expect(await client.pttl("sluice:{jobs}:ids")).toBeGreaterThan(590_000);
});

it("forgets chosen ids after their window, and the last ones with their key", async () => {
  const own = await openAt(`${server.url}?dedup=300ms`);
  await own.publish("jobs", [message("a", { deduplicate: true })]);
  expect(await drain(own, "jobs", 0)).toEqual(["a"]);
  await own.publish("jobs", [message("a", { deduplicate: true })]);
  expect(await drain(own, "jobs", 0)).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(await client.exists("sluice:{jobs}:ids")).toBe(0);
  await own.publish("jobs", [message("a", { deduplicate: true })]);
  expect(await drain(own, "jobs", 0)).toEqual(["a"]);
  await own.close();
});

it("shows KEDA's redis trigger exactly the ready messages, and all that is unfinished", async () => {
  await driver.publish("jobs", messages(7));
  await driver.publish("jobs", [message("later", { delayMs: 60_000 })]);
  await driver.publish("jobs", [message("dead", { priority: 9 })]);
  const [dead] = await driver.receive("jobs", { max: 1, waitMs: 0, leaseMs: 60_000 });
  const receipt = dead?.receipt ?? "";
  await driver.settle("jobs", [{ receipt, outcome: "dead-letter", reason: "enough" }]);
  await driver.receive("jobs", { max: 2, waitMs: 0, leaseMs: 60_000 });
  const depth = await driver.depth("jobs");
  expect(depth).toMatchObject({ ready: 5, delayed: 1, inFlight: 2, dead: 1 });
  expect(await keda("sluice:{jobs}:ready")).toBe(depth.ready);
  expect(await keda("sluice:{jobs}:delayed")).toBe(depth.delayed);
  expect(await keda("sluice:{jobs}:leased")).toBe(depth.inFlight);
  expect(await keda("sluice:{jobs}:dead")).toBe(depth.dead);
  expect(await keda("sluice:{jobs}:messages")).toBe(8);
  expect(await keda("sluice:{nobody}:ready")).toBe(0);
});

it("shows anybody id, headers and body of a message", async () => {
  await driver.publish("jobs", [
    message("one", { body: Buffer.from('{"a":1}'), headers: { x: "y" } }),
  ]);
  const [record] = await client.hvals("sluice:{jobs}:messages");
  expect(record?.split("\n").slice(1)).toEqual(["one", '{"x":"y"}', '{"a":1}']);
});

it("keeps all keys of a queue in one slot and queues apart", async () => {
  const chosen = { deduplicate: true };
  await driver.publish("a/b:c", messages(3, chosen));
  await driver.publish("a/b:c", [message("later", { delayMs: 60_000 })]);
  const [one, two] = await driver.receive("a/b:c", { max: 2, waitMs: 0, leaseMs: 60_000 });
  const failure = { attempt: 1, at: 1, error: "it broke" };
  await driver.settle("a/b:c", [
    { receipt: one?.receipt ?? "", outcome: "dead-letter", reason: "enough", failure },
    { receipt: two?.receipt ?? "", outcome: "retry", delayMs: 0 },
  ]);
  await driver.receive("a/b:c", { max: 1, waitMs: 0, leaseMs: 60_000 });
  const keys = (await allKeys(client)).filter((key) => key !== "sluice:queues");
  expect(keys).toHaveLength(13);
  expect(keys.every((key) => /^sluice:\{a\/b:c\}:[a-z]+$/.test(key))).toBe(true);
});

it("keeps prefixes apart", async () => {
  const other = await openAt(`${server.url}?prefix=other:`);
  await other.publish("jobs", [message("theirs")]);
  expect(await drain(driver, "jobs", 0)).toEqual([]);
  expect(await driver.queues?.()).toEqual([]);
  expect(await other.queues?.()).toEqual(["jobs"]);
  await other.close();
});

it("works priorities from 9 to 0, and equal ones in their order", async () => {
  const given = [0, 9, 5, 9, 0, 5].map((priority, index) =>
    message(`${priority}-${index}`, { priority }),
  );
  await driver.publish("jobs", given);
  expect(await drain(driver, "jobs")).toEqual(["9-1", "9-3", "5-2", "5-5", "0-0", "0-4"]);
});

it("stores batches of many megabytes and hands them out in parts", async () => {
  const body = Buffer.alloc(3 * 1024 * 1024, 7);
  await driver.publish("jobs", messages(20, { body }));
  const got = await driver.receive("jobs", { max: 500, waitMs: 0, leaseMs: 60_000 });
  expect(got.length).toBeGreaterThan(0);
  expect(got.length).toBeLessThan(20);
  await driver.settle(
    "jobs",
    got.map(({ receipt }) => ({ receipt, outcome: "ack" })),
  );
  expect(await drain(driver, "jobs")).toHaveLength(20 - got.length);
});

it("refuses to publish to a server without memory, and lets workers empty it", async () => {
  await driver.publish("jobs", messages(20));
  await driver.publish("jobs", [message("later", { delayMs: 50 })]);
  await client.config("SET", "maxmemory", "1");
  try {
    await expect(driver.publish("jobs", [message("one too many")])).rejects.toMatchObject({
      code: "STORE_FULL",
      retryable: true,
    });
    const got = await driver.receive("jobs", { max: 3, waitMs: 0, leaseMs: 500 });
    const [a, b, c] = got.map(({ receipt }) => receipt);
    expect(await driver.extend?.("jobs", [c ?? ""], 1)).toEqual([true]);
    const failure = { attempt: 1, at: 1, error: "it broke" };
    expect(
      await driver.settle("jobs", [
        { receipt: a ?? "", outcome: "retry", delayMs: 0, failure },
        { receipt: b ?? "", outcome: "dead-letter", reason: "enough" },
      ]),
    ).toEqual([true, true]);
    expect(await drain(driver, "jobs")).toHaveLength(20);
    expect(await driver.depth("jobs")).toMatchObject({ ready: 0, dead: 1 });
  } finally {
    await client.config("SET", "maxmemory", "0");
  }
});
