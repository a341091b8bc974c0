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
