import { expect, test } from "vitest";
import { Sluice } from "../../src/core/index.ts";
import { missing, postgresBeds } from "./bed.ts";

const newBed = postgresBeds();
/** Skipped where there is no PostgreSQL. */
const onServer = test.skipIf(missing !== null);

onServer("inside a transaction takes effect with its commit", async () => {
  const { open, client } = newBed();
  const sluice = new Sluice(await open());
  const own = await client();
  await own.query("BEGIN");
  const id = await sluice.publish("mail", { to: "Ada" }, { transaction: own, priority: 2 });
  expect((await sluice.depth("mail")).ready).toBe(0);
  await own.query("COMMIT");
  const [waiting] = await sluice.peek("mail");
  expect(waiting).toMatchObject({ id, priority: 2, state: "ready" });
  expect(Buffer.from(waiting?.body ?? []).toString()).toBe('{"to":"Ada"}');
});

onServer("inside a transaction leaves nothing behind when it is rolled back", async () => {
  const { open, client } = newBed();
  const sluice = new Sluice(await open());
  const own = await client();
  await own.query("BEGIN");
  await sluice.publishMany("mail", [1, 2, 3], { transaction: own, id: "chosen" });
  await own.query("ROLLBACK");
  expect(await sluice.depth("mail")).toMatchObject({ ready: 0, delayed: 0 });
  await sluice.publish("mail", 4, { id: "chosen" });
  expect((await sluice.depth("mail")).ready).toBe(1);
});

onServer("inside a long transaction makes no other publisher wait", async () => {
  const { open, client } = newBed();
  const sluice = new Sluice(await open());
  const own = await client();
  await own.query("BEGIN");
  await sluice.publish("mail", 1, { transaction: own });
  await sluice.publish("mail", 2);
  expect((await sluice.depth("mail")).ready).toBe(1);
  await own.query("COMMIT");
  expect((await sluice.depth("mail")).ready).toBe(2);
});

onServer("inside a transaction wakes who waits, after the commit", async () => {
  const { open, client } = newBed();
  const [publisher, consumer] = [new Sluice(await open()), await open()];
  const own = await client();
  const waiting = consumer.receive("mail", { max: 1, waitMs: 10_000, leaseMs: 1000 });
  await own.query("BEGIN");
  await publisher.publish("mail", 1, { transaction: own });
  await own.query("COMMIT");
  expect(await waiting).toHaveLength(1);
});

onServer("by plain SQL reaches a consumer, with delay, priority, headers and id", async () => {
  const { open, schema, sql } = newBed();
  const driver = await open();
  const waiting = driver.receive("mail", { max: 1, waitMs: 10_000, leaseMs: 60_000 });
  await sql(`SELECT ${schema}.publish('mail', '{"a":1}'::jsonb)`);
  const [first] = await waiting;
  expect(JSON.parse(Buffer.from(first?.body ?? []).toString())).toEqual({ a: 1 });
  expect(first).toMatchObject({ attempt: 1, priority: 0, headers: {} });
  const publish = `SELECT ${schema}.publish('mail', '2', delay => '300 ms', priority => 3,
    headers => '{"x-from":"sql"}', id => 'two') AS id`;
  expect(await sql(publish)).toEqual([{ id: "two" }]);
  expect(await sql(publish)).toEqual([{ id: "two" }]);
  expect(await driver.depth("mail")).toMatchObject({ ready: 0, delayed: 1, inFlight: 1 });
  const [second] = await driver.receive("mail", { max: 5, waitMs: 10_000, leaseMs: 60_000 });
  expect(second).toMatchObject({ id: "two", priority: 3, headers: { "x-from": "sql" } });
});

onServer.each([
  ["('bad name', '1')", /queue name must be/],
  ["(NULL, '1')", /queue name must be/],
  ["('q', NULL)", /body must be/],
  ["('q', '1', delay => '-1 s')", /delay must be/],
  ["('q', '1', priority => 10)", /priority must be/],
  ["('q', '1', headers => '[]')", /headers must be/],
  ["('q', '1', headers => '{\"Sluice-Id\":\"x\"}')", /headers must be/],
  ["('q', '1', headers => '{\"a\":1}')", /headers must be/],
  ["('q', '1', id => '')", /id must be/],
  [String.raw`('q', '1', id => E'a\nb')`, /id must be/],
])("by plain SQL refuses %s", async (values, problem) => {
  const { open, schema, sql } = newBed();
  await open();
  await expect(sql(`SELECT ${schema}.publish${values}`)).rejects.toThrow(problem);
});

onServer("sends one NOTIFY per flush at most, and few when flushes follow each other", async () => {
  const { open, schema, client } = newBed();
  const sluice = new Sluice(await open());
  const listener = await client();
  const heard: (string | undefined)[] = [];
  listener.on("notification", ({ payload }) => heard.push(payload));
  await listener.query(`LISTEN ${schema}`);
  await Promise.all(Array.from({ length: 500 }, (_, index) => sluice.publish("mail", index)));
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(heard.length).toBeGreaterThanOrEqual(1);
  expect(heard.length).toBeLessThanOrEqual(2);
  heard.length = 0;
  const startedAt = performance.now();
  for (let index = 0; index < 200; index += 1) await sluice.publish("mail", index);
  const tookMs = performance.now() - startedAt;
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(heard.length).toBeLessThanOrEqual(Math.min(200, tookMs / 5 + 3));
  expect(new Set(heard)).toEqual(new Set(["mail"]));
});

onServer("keeps the counts of the view equal to the rows whatever happens", async () => {
  const { open, schema, sql } = newBed();
  const driver = await open();
  const sluice = new Sluice(driver);
  await sluice.publishMany("a", [1, 2, 3, 4]);
  await sluice.publishMany("a", [5, 6], { delay: "1h" });
  await sluice.publish("a", 7, { delay: 1 });
  await sluice.publish("b", 1);
  const held = await driver.receive("a", { max: 3, waitMs: 0, leaseMs: 60_000 });
  await driver.settle("a", [
    { receipt: held[0]?.receipt ?? "", outcome: "ack" },
    { receipt: held[1]?.receipt ?? "", outcome: "dead-letter", reason: "enough" },
  ]);
  const counts = `SELECT queue, ready::int, delayed::int, in_flight::int, dead::int,
    oldest_age_seconds >= 0 AS aged FROM ${schema}.backlog ORDER BY queue`;
  const expected = [
    { queue: "a", ready: 2, delayed: 2, in_flight: 1, dead: 1, aged: true },
    { queue: "b", ready: 1, delayed: 0, in_flight: 0, dead: 0, aged: true },
  ];
  expect(await sql(counts)).toEqual(expected);
  await sql(`SELECT ${schema}.fold('a')`);
  expect(await sql(counts)).toEqual(expected);
  expect(await sql(`SELECT count(*)::int AS rows FROM ${schema}.tally`)).toEqual([{ rows: 2 }]);
});
