/**
 * Brings the schema to this version.
 *
 * Each version is one transaction under an advisory lock, so any number of processes may start at once. A version says
 * which is the oldest Sluice that can still work with it: during a rolling update the old processes go on.
 */
import { SluiceError } from "../../core/index.ts";
import type { Database, Query } from "./database.ts";
import { dueTimes } from "./due-times.ts";
import { functions } from "./functions.ts";
import { tables } from "./tables.ts";
import { views } from "./views.ts";

/** One step from a version to the next. */
export interface Migration {
  /** The oldest version of this code that can work with the result. */
  readonly readableFrom: number;
  readonly sql: (schema: string) => string;
}

/** All steps, from an empty schema. */
export const migrations: readonly Migration[] = [
  { readableFrom: 1, sql: (s) => `${tables(s)}\n${functions(s)}\n${views(s)}` },
  { readableFrom: 1, sql: dueTimes },
];

/** What is brought up to date. */
export interface MigrateOptions {
  readonly schema: string;
  /** `false`: a schema that is not there is `STORE_UNAVAILABLE`. */
  readonly create: boolean;
  /** For tests of versions to come. */
  readonly steps?: readonly Migration[];
}

const oldestServer = 130_000;

/** `schema` as it stands in SQL. Its name was checked where it came in, and holds no quotes. */
export function quoted(schema: string): string {
  return `"${schema}"`;
}

/**
 * Creates or updates the schema. Rejects with `SCHEMA_NEWER`, `ACCESS_DENIED` or `STORE_*`, having changed nothing.
 * Needs no right to create anything when the schema is up to date.
 */
export async function migrate(
  database: Database,
  { schema, create, steps = migrations }: MigrateOptions,
): Promise<void> {
  await checkServer(database);
  const found = await readVersion(database.query, schema);
  if (found.version === 0 && !create) throw nothingThere(database, schema);
  const check = (version: FoundVersion): void =>
    checkReadable(database, { schema, found: version, known: steps.length });
  check(found);
  if (found.version >= steps.length) return;
  await database.transaction(async (query) => {
    await query("SET LOCAL lock_timeout = '25s'");
    const lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 7305))";
    await query(lock, [`sluice ${schema}`], { patient: true });
    await createSchema(query, schema);
    const current = await readVersion(query, schema);
    check(current);
    if (current.version > 0) await query(lockTables(quoted(schema)), [], { patient: true });
    for (const [index, migration] of steps.entries()) {
      if (index < current.version) continue;
      await query(migration.sql(quoted(schema)), [], { patient: true });
      await query(
        `INSERT INTO ${quoted(schema)}.version (version, readable_from) VALUES ($1, $2)`,
        [index + 1, migration.readableFrom],
      );
    }
  });
}

async function checkServer(database: Database): Promise<void> {
  const [row] = await database.query(
    "SELECT current_setting('server_version_num')::integer, current_setting('server_version'), pg_is_in_recovery()",
  );
  if (Number(row?.[0]) < oldestServer) {
    const message = `the postgres driver needs PostgreSQL 13 or newer; ${database.place} is ${row?.[1]}. Update the server.`;
    throw new SluiceError("STORE_MISCONFIGURED", message);
  }
  if (row?.[2] === true) {
    const message = `${database.place} is a replica and cannot be written. Name the primary in the URL.`;
    throw new SluiceError("STORE_READ_ONLY", message);
  }
}

function nothingThere({ place }: Database, schema: string): SluiceError {
  const message = `${place} has no queues in the schema ${schema} yet. Publish a job, or correct the URL.`;
  return new SluiceError("STORE_UNAVAILABLE", message, { retryable: false });
}

interface FoundVersion {
  readonly version: number;
  readonly readableFrom: number;
}

async function readVersion(query: Query, schema: string): Promise<FoundVersion> {
  const [exists] = await query("SELECT to_regclass($1) IS NOT NULL", [`${quoted(schema)}.version`]);
  if (exists?.[0] !== true) return { version: 0, readableFrom: 0 };
  const [row] = await query(
    `SELECT version, readable_from FROM ${quoted(schema)}.version ORDER BY version DESC LIMIT 1`,
  );
  return { version: Number(row?.[0] ?? 0), readableFrom: Number(row?.[1] ?? 0) };
}

/**
 * Takes the tables from those at work, all at once or none: it gives up after half a second and tries again, since it
 * may hold one table and wait for a second while a call holds the second and waits for the first. A server looks for
 * such deadlocks after a second, and would then refuse the call.
 */
function lockTables(s: string): string {
  return `DO $$ BEGIN
    FOR attempt IN 1..40 LOOP
      BEGIN
        PERFORM set_config('lock_timeout', CASE WHEN attempt < 40 THEN '500ms' ELSE '2s' END, true);
        LOCK TABLE ${s}.queue, ${s}.known_id, ${s}.message, ${s}.tally IN ACCESS EXCLUSIVE MODE;
        RETURN;
      EXCEPTION WHEN lock_not_available THEN
        IF attempt = 40 THEN RAISE; END IF;
        PERFORM pg_sleep(random() / 10);
      END;
    END LOOP;
  END $$`;
}

interface Readability {
  readonly schema: string;
  readonly found: FoundVersion;
  /** The newest version that this code knows. */
  readonly known: number;
}

function checkReadable({ place }: Database, { schema, found, known }: Readability): void {
  if (found.readableFrom <= known) return;
  throw new SluiceError(
    "SCHEMA_NEWER",
    `schema ${schema} of ${place} has version ${found.version}; this Sluice knows versions up to ${known}. Update Sluice: npm install sluice@latest`,
  );
}

/** `IF NOT EXISTS` would ask for the right to create a schema even where there is one. */
async function createSchema(query: Query, schema: string): Promise<void> {
  const [exists] = await query("SELECT to_regnamespace($1) IS NOT NULL", [quoted(schema)]);
  if (exists?.[0] !== true) await query(`CREATE SCHEMA ${quoted(schema)}`);
  await query(`CREATE TABLE IF NOT EXISTS ${quoted(schema)}.version (
    version integer PRIMARY KEY, readable_from integer NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
}
