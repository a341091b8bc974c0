import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { Sluice } from "../../src/core/index.ts";
import { loadPg } from "../../src/drivers/postgres/client.ts";
import { createDatabase } from "../../src/drivers/postgres/database.ts";
import { migrate, migrations } from "../../src/drivers/postgres/schema.ts";
import { startProgram } from "../support/program.ts";
import { missing, postgresBeds } from "./bed.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

const newBed = postgresBeds();
/** Skipped where there is no PostgreSQL. */
const onServer = test.skipIf(missing !== null);

onServer(
  "is made once when eight processes start at the same time",
  async () => {
    const { url, schema, sql } = newBed();
    const script = `
    import { postgresDriver } from "sluice/drivers/postgres";
    const driver = await postgresDriver({ url: process.env.URL, schema: "${schema}" });
    await driver.publish("q", [{ id: "a", body: Buffer.from("1"), headers: {}, delayMs: 0, priority: 0, deduplicate: false }]);
    await driver.close();`;
    const started = Array.from({ length: 8 }, () =>
      startProgram([process.execPath, "--input-type=module", "--eval", script], {
        cwd: root,
        env: { ...process.env, URL: url },
      }),
    );
    const ended = await Promise.all(started.map((program) => program.ended(60_000)));
    expect(ended.map(({ status, stderr }) => [status, stderr])).toEqual(ended.map(() => [0, ""]));
    expect(await sql(`SELECT version FROM ${schema}.version`)).toHaveLength(migrations.length);
    expect(await sql(`SELECT name FROM ${schema}.queue`)).toEqual([{ name: "q" }]);
    expect(await sql(`SELECT ready::int FROM ${schema}.backlog`)).toEqual([{ ready: 8 }]);
  },
  90_000,
);

onServer("is not brought into being by those who only want to look", async () => {
  const { schema, open, sql } = newBed();
  const expected = { code: "STORE_UNAVAILABLE", retryable: false };
  await expect(open({ create: false })).rejects.toMatchObject(expected);
  expect(await sql("SELECT to_regnamespace($1) AS found", [schema])).toEqual([{ found: null }]);
  await open();
  const looking = await open({ create: false });
  expect((await looking.depth("q")).ready).toBe(0);
});

onServer("of a newer version is used while it says that this one can read it", async () => {
  const { schema, open, sql } = newBed();
  await open();
  await sql(`INSERT INTO ${schema}.version (version, readable_from) VALUES (1000, 1)`);
  const driver = await open();
  expect((await driver.depth("q")).ready).toBe(0);
});

onServer("can be altered by a newer version while this one works on it", async () => {
  const { url, schema, open, sql } = newBed();
  const [sluice, consumer] = [new Sluice(await open()), await open()];
  const [confirmed, worked] = [new Set<string>(), new Map<string, number>()];
  let [isOver, isConfirmed] = [false, false];
  const publishing = Array.from({ length: 4 }, async () => {
    while (!isOver) confirmed.add(await sluice.publish("q", { some: "input" }));
  });
  const working = (async () => {
    while (!isConfirmed || worked.size < confirmed.size) {
      const held = await consumer.receive("q", { max: 50, waitMs: 100, leaseMs: 60_000 });
      const receipts = held.map(({ receipt }) => receipt);
      await consumer.extend?.("q", receipts, 60_000);
      const acks = receipts.map((receipt) => ({ receipt, outcome: "ack" }) as const);
      expect(await consumer.settle("q", acks)).not.toContain(false);
      for (const { id } of held) worked.set(id, (worked.get(id) ?? 0) + 1);
    }
  })();
  await expect.poll(() => worked.size).toBeGreaterThan(20);
  const next = (s: string): string => `
    ALTER TABLE ${s}.message ADD COLUMN tenant text DEFAULT 'none';
    ALTER TABLE ${s}.queue ADD COLUMN paused boolean NOT NULL DEFAULT false;
    CREATE INDEX ON ${s}.message (queue, tenant) WHERE state = 0;
    SELECT pg_sleep(0.3)`;
  const steps = [...migrations, { readableFrom: 1, sql: next }];
  const place = { connectionString: url, place: "the test's server", poolSize: 1 };
  const newer = Array.from({ length: 3 }, async () => createDatabase(await loadPg(), place));
  for (const updating of newer)
    onTestFinished(async () => {
      await (await updating).close();
    });
  await Promise.all(
    newer.map(async (updating) => migrate(await updating, { schema, create: true, steps })),
  );
  const before = worked.size;
  await expect.poll(() => worked.size).toBeGreaterThan(before + 20);
  isOver = true;
  await Promise.all(publishing);
  isConfirmed = true;
  await working;
  expect(new Set(worked.keys())).toEqual(confirmed);
  expect([...worked.values()].every((times) => times === 1)).toBe(true);
  expect(await sql(`SELECT DISTINCT version::int FROM ${schema}.version ORDER BY 1`)).toHaveLength(
    steps.length,
  );
});

onServer("of the first version is brought up to date with what it holds", async () => {
  const { url, schema, open, sql } = newBed();
  const place = { connectionString: url, place: "the test's server", poolSize: 1 };
  const database = await createDatabase(await loadPg(), place);
  onTestFinished(() => database.close());
  await migrate(database, { schema, create: true, steps: migrations.slice(0, 1) });
  await sql(`SELECT ${schema}.publish('q', '{"a":1}'::jsonb)`);
  const driver = await open();
  expect(await driver.depth("q")).toMatchObject({ ready: 1 });
  expect(await driver.dueWithin?.("q", [1000, 2000])).toEqual([0, 0]);
});

onServer("of a newer version that this one cannot read is refused", async () => {
  const { schema, open, sql } = newBed();
  await open();
  await sql(`INSERT INTO ${schema}.version (version, readable_from) VALUES (1001, 1001)`);
  await expect(open()).rejects.toMatchObject({ code: "SCHEMA_NEWER", retryable: false });
});

onServer.each([
  "",
  "9lives",
  'a"; DROP SCHEMA public; --',
  "a'b",
  "a\nb",
  "a\0b",
  "{}",
  "a.b",
  "pg_catalog",
  "ä",
  "x".repeat(300),
])("refuses the name %j", async (schema) => {
  const { open } = newBed();
  await expect(open({ schema })).rejects.toMatchObject({ code: "OPTION_INVALID" });
});

onServer("may have a name in capitals or one that is a word of SQL", async () => {
  const { schema, open } = newBed();
  for (const name of [`Select_${schema}`, "order"]) {
    const driver = await open({ schema: name });
    expect((await driver.depth("q")).ready).toBe(0);
  }
});
