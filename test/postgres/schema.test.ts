import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
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
    import { postgresDriver } from "./src/drivers/postgres/index.ts";
    const driver = await postgresDriver({ url: process.env.URL, schema: "${schema}" });
    await driver.publish("q", [{ id: "a", body: Buffer.from("1"), headers: {}, delayMs: 0, priority: 0, deduplicate: false }]);
    await driver.close();`;
    const started = Array.from({ length: 8 }, () =>
      startProgram([process.execPath, "--import", "tsx", "--input-type=module", "--eval", script], {
        cwd: root,
        env: { ...process.env, URL: url },
      }),
    );
    const ended = await Promise.all(started.map((program) => program.ended(60_000)));
    expect(ended.map(({ status, stderr }) => [status, stderr])).toEqual(
      ended.map(() => [0, expect.any(String)]),
    );
    expect(await sql(`SELECT version FROM ${schema}.version`)).toHaveLength(1);
    expect(await sql(`SELECT name FROM ${schema}.queue`)).toEqual([{ name: "q" }]);
    expect(await sql(`SELECT ready::int FROM ${schema}.backlog`)).toEqual([{ ready: 8 }]);
  },
  90_000,
);

onServer("of a newer version is used while it says that this one can read it", async () => {
  const { schema, open, sql } = newBed();
  await open();
  await sql(`INSERT INTO ${schema}.version (version, readable_from) VALUES (1000, 1)`);
  const driver = await open();
  expect((await driver.depth("q")).ready).toBe(0);
});

onServer("of a newer version that this one cannot read is refused", async () => {
  const { schema, open, sql } = newBed();
  await open();
  await sql(`INSERT INTO ${schema}.version (version, readable_from) VALUES (1001, 1001)`);
  await expect(open()).rejects.toMatchObject({ code: "SCHEMA_NEWER", retryable: false });
});

onServer("needs no right to create anything once it is there", async () => {
  const { url, schema, open, sql } = newBed();
  await open();
  const role = `worker_${schema}`;
  await sql(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  await sql(`GRANT USAGE ON SCHEMA ${schema} TO ${role}`);
  await sql(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${role}`);
  const own = new URL(url);
  own.username = role;
  own.password = "secret";
  const driver = await open({ url: own.href });
  const message = {
    id: randomUUID(),
    body: Buffer.from("1"),
    headers: {},
    delayMs: 0,
    priority: 0,
    deduplicate: true,
  };
  await driver.publish("q", [message]);
  const [delivery] = await driver.receive("q", { max: 1, waitMs: 0, leaseMs: 1000 });
  const ack = { receipt: delivery?.receipt ?? "", outcome: "ack" } as const;
  expect(await driver.settle("q", [ack])).toEqual([true]);
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
