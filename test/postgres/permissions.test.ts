/** What docs/3-drivers/postgres.md says about rights and about KEDA is true, statement by statement. */
import { readFileSync } from "node:fs";
import type pg from "pg";
import { expect, test } from "vitest";
import { Sluice } from "../../src/core/index.ts";
import { missing, type PostgresBed, postgresBeds } from "./bed.ts";

const page = readFileSync(new URL("../../docs/3-drivers/postgres.md", import.meta.url), "utf8");
const grants = /## Permissions.*?```sql\n(.*?)```/s.exec(page)?.[1] ?? "";
const kedaQuery = /^ +query: "(.*)"$/m.exec(page)?.[1] ?? "";

const newBed = postgresBeds();
/** Skipped where there is no PostgreSQL. */
const onServer = test.skipIf(missing !== null);

/** Where the schema is there, and one role has what the page grants it. Yields the URL of that role. */
async function grantedTo(role: string, { schema, url, sql, open }: PostgresBed): Promise<string> {
  await open();
  const own = `${role}_${schema}`;
  await sql(`CREATE ROLE ${own} LOGIN PASSWORD 'secret'`);
  const statements = grants.split("\n").filter((line) => line.endsWith(`TO ${role};`));
  expect(statements.length).toBeGreaterThan(0);
  for (const statement of statements)
    await sql(statement.replace(/\bsluice\b/, schema).replace(`TO ${role}`, `TO ${own}`));
  return Object.assign(new URL(url), { username: own, password: "secret" }).href;
}

const denied = { code: "ACCESS_DENIED", retryable: false };

onServer("a worker does everything but create", async () => {
  const bed = newBed();
  const url = await grantedTo("app", bed);
  const sluice = new Sluice(await bed.open({ url }));
  const own: pg.Client = await bed.client(url);
  await sluice.publishMany("q", [1, 2, 3, 4], (input) => ({ id: `m${input}` }));
  await sluice.publish("q", 5, { delay: "1h", transaction: own });
  const { driver } = sluice;
  const held = await driver.receive("q", { max: 4, waitMs: 0, leaseMs: 60_000 });
  const receipts = held.map(({ receipt }) => receipt);
  expect(await driver.extend?.("q", receipts, 60_000)).toEqual([true, true, true, true]);
  const [a = "", b = "", c = "", d = ""] = receipts;
  const settled = await driver.settle("q", [
    { receipt: a, outcome: "ack" },
    { receipt: b, outcome: "release" },
    { receipt: c, outcome: "dead-letter", reason: "enough" },
    { receipt: d, outcome: "retry", delayMs: 0 },
  ]);
  expect(settled).toEqual([true, true, true, true]);
  expect(await sluice.deadLetters("q")).toHaveLength(1);
  expect(await sluice.redrive("q")).toBe(1);
  expect(await sluice.purgeDeadLetters("q")).toBe(0);
  expect(await sluice.peek("q")).toHaveLength(4);
  expect(await sluice.purge("q")).toBe(4);
  expect(await sluice.queues()).toEqual(["q"]);
});

onServer("a producer publishes by SQL, and nothing else", async () => {
  const bed = newBed();
  const url = await grantedTo("producer", bed);
  const producer = await bed.client(url);
  await producer.query(`SELECT ${bed.schema}.publish('q', '1')`);
  await expect(producer.query(`SELECT * FROM ${bed.schema}.message`)).rejects.toThrow(/permission/);
  await expect(bed.open({ url })).rejects.toMatchObject(denied);
  expect(await bed.sql(`SELECT ready::int FROM ${bed.schema}.backlog`)).toEqual([{ ready: 1 }]);
});

onServer("a viewer sees depth, queues and dead letters, and changes nothing", async () => {
  const bed = newBed();
  const owner = new Sluice(await bed.open());
  await owner.publish("q", 1);
  // More than a depth likes to add up: others would fold it.
  await bed.sql(
    `INSERT INTO ${bed.schema}.tally SELECT queue, 0, 0, 0, 0 FROM ${bed.schema}.tally, generate_series(1, 500)`,
  );
  const url = await grantedTo("viewer", bed);
  const viewer = new Sluice(await bed.open({ url, create: false }));
  expect(await viewer.queues()).toEqual(["q"]);
  expect((await viewer.depth("q")).ready).toBe(1);
  expect(await viewer.deadLetters("q")).toEqual([]);
  await expect(viewer.publish("q", 2)).rejects.toMatchObject(denied);
  await expect(viewer.publish("new", 2)).rejects.toMatchObject(denied);
  await expect(viewer.purge("q")).rejects.toMatchObject(denied);
  const receiving = viewer.driver.receive("q", { max: 1, waitMs: 0, leaseMs: 1000 });
  await expect(receiving).rejects.toMatchObject(denied);
  expect(await owner.queues()).toEqual(["q"]);
  expect(await owner.depth("q")).toMatchObject({ ready: 1, inFlight: 0 });
});

onServer("KEDA counts with the query of the page", async () => {
  const bed = newBed();
  const url = await grantedTo("keda", bed);
  const keda = await bed.client(url);
  const count = async (): Promise<unknown> => {
    const query = kedaQuery.replace("sluice.backlog", `${bed.schema}.backlog`);
    const { rows } = await keda.query<unknown[]>({ text: query, rowMode: "array" });
    return Number(rows[0]?.[0]);
  };
  expect(await count()).toBe(0);
  const sluice = new Sluice(await bed.open());
  await sluice.publishMany("resize", [1, 2, 3]);
  await sluice.publish("resize", 4, { delay: "1h" });
  await sluice.publish("other", 1);
  await sluice.driver.receive("resize", { max: 1, waitMs: 0, leaseMs: 60_000 });
  expect(await count()).toBe(3);
  await expect(keda.query(`SELECT * FROM ${bed.schema}.message`)).rejects.toThrow(/permission/);
});
