/** A Redis that restarts, forgets, cuts connections or falls silent: the driver heals by itself and loses nothing. */
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Driver } from "../../src/core/index.ts";
import { startRedis, type TestServer, whyNoOwnServer } from "../support/servers.ts";
import { clientAt, drain, message, openAt, persist } from "./redis-bed.ts";

const missing = whyNoOwnServer("redis");
const it = test.skipIf(missing !== null);
let server: TestServer;

beforeAll(async () => {
  if (missing === null) server = await startRedis();
});
afterAll(async () => {
  await server?.close();
});

/** The time until a waiting receive of a queue gets what is published. */
async function timeToReceive(driver: Driver, publisher: Driver, queue: string): Promise<number> {
  const startedAt = Date.now();
  const receiving = persist(async () => {
    const got = await driver.receive(queue, { max: 1, waitMs: 10_000, leaseMs: 60_000 });
    expect(got).toHaveLength(1);
    await driver.settle(queue, [{ receipt: got[0]?.receipt ?? "", outcome: "ack" }]);
  });
  await wait(100);
  await publisher.publish(queue, [message("a")]);
  await receiving;
  return Date.now() - startedAt;
}

it("goes on after the server forgot its scripts", async () => {
  const driver = await openAt(server.url);
  const client = clientAt(server.url);
  for (const id of ["a", "b"]) {
    await driver.publish("flushed", [message(id)]);
    await client.script("FLUSH");
    expect(await drain(driver, "flushed", 0)).toEqual([id]);
  }
  client.disconnect();
  await driver.close();
});

it("wakes who waits on the publisher's own connection although the server may not tell it", async () => {
  const client = clientAt(server.url);
  await client.call("ACL", "SETUSER", "deaf", "on", ">pw", "~*", "+@all", "-xread");
  const url = new URL(server.url);
  url.username = "deaf";
  url.password = "pw";
  const driver = await openAt(url.href);
  let rings = 0;
  const received = new Promise((resolve, reject) => {
    driver.watch?.("deaf", () => {
      rings += 1;
      // Empty when the server did not know the script yet: then it is published, and rung for, once more.
      const claim = driver.receive("deaf", { max: 1, waitMs: 0, leaseMs: 60_000 });
      claim.then((got) => got.length > 0 && resolve(got), reject);
    });
  });
  await driver.publish("deaf", [message("later", { delayMs: 60_000 })]);
  expect(rings).toBe(0);
  await driver.publish("deaf", [message("a")]);
  expect(await received).toMatchObject([{ id: "a" }]);
  client.disconnect();
  await driver.close();
});

it("wakes a waiting consumer although its blocking connection was killed", async () => {
  const driver = await openAt(server.url);
  const publisher = await openAt(server.url);
  const client = clientAt(server.url);
  await timeToReceive(driver, publisher, "killed");
  const blocked = async () => {
    const list = String(await client.client("LIST"));
    return [...list.matchAll(/id=(\d+) .*cmd=xread/g)].map(([, id]) => id ?? "");
  };
  const waiting = driver.receive("killed", { max: 1, waitMs: 10_000, leaseMs: 60_000 });
  await wait(100);
  const before = await blocked();
  expect(before.length).toBeGreaterThan(0);
  for (const id of before) await client.client("KILL", "ID", id);
  const startedAt = Date.now();
  await publisher.publish("killed", [message("a")]);
  expect(await waiting).toHaveLength(1);
  expect(Date.now() - startedAt).toBeLessThan(2000);
  client.disconnect();
  await driver.close();
  await publisher.close();
});

it("rejects within its time while the server is silent or gone, and works again after", {
  timeout: 60_000,
}, async () => {
  const driver = await openAt(server.url);
  await driver.publish("silent", [message("a")]);
  const unavailable = { code: "STORE_UNAVAILABLE", retryable: true };
  const startedAt = Date.now();
  server.pause();
  const calls = [driver.depth("silent"), driver.publish("silent", [message("b")])];
  for (const result of await Promise.allSettled(calls))
    expect(result).toMatchObject({ status: "rejected", reason: unavailable });
  expect(Date.now() - startedAt).toBeLessThan(8000);
  server.resume();
  expect((await persist(() => driver.depth("silent"))).ready).toBeGreaterThan(0);
  await server.stop();
  const stoppedAt = Date.now();
  await expect(driver.depth("silent")).rejects.toMatchObject(unavailable);
  expect(Date.now() - stoppedAt).toBeLessThan(8000);
  await server.start();
  expect((await persist(() => driver.depth("silent"))).ready).toBeGreaterThan(0);
  await driver.close();
});

it("ends promptly while the server is silent", { timeout: 30_000 }, async () => {
  const driver = await openAt(server.url);
  const cancel = driver.watch?.("closing", () => undefined);
  await wait(100);
  server.pause();
  const failing = driver.depth("closing").catch((error: unknown) => error);
  const startedAt = Date.now();
  await driver.close();
  expect(Date.now() - startedAt).toBeLessThan(4000);
  expect(await failing).toMatchObject({ code: "CLOSED" });
  cancel?.();
  server.resume();
});
