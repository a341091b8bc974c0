import { SluiceError } from "../../core/index.ts";
import type { Database } from "./database.ts";

/**
 * One row per message, from publish to settle. Each state has a partial index of its own, so a message stands in
 * exactly one of them and every question (next to receive, next due, next lease to end, oldest) is one seek.
 *
 * `state`: 0 ready, 1 delayed, 2 in flight, 3 dead. `lease` counts receipts handed out and never goes back; the attempt
 * is `lease - releases`. SQLite may give the seq of a deleted row to a new one, so a receipt is seq, lease and
 * `published_at` together: an old one never matches. `due_at` is when the message became or becomes ready.
 * `sluice_queues` holds the counts, kept in the same transaction as the rows, so depth needs no scan.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE sluice_queues (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    ready INTEGER NOT NULL DEFAULT 0,
    delayed INTEGER NOT NULL DEFAULT 0,
    in_flight INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE sluice_messages (
    seq INTEGER PRIMARY KEY,
    queue INTEGER NOT NULL,
    id TEXT NOT NULL,
    keyed INTEGER NOT NULL,
    state INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    lease INTEGER NOT NULL DEFAULT 0,
    releases INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    died_at INTEGER,
    reason TEXT,
    headers TEXT,
    history TEXT,
    body BLOB
  ) STRICT;
  CREATE INDEX sluice_ready ON sluice_messages (queue, priority DESC, due_at, seq) WHERE state = 0;
  CREATE INDEX sluice_delayed ON sluice_messages (queue, due_at) WHERE state = 1;
  CREATE INDEX sluice_leased ON sluice_messages (queue, lease_until) WHERE state = 2;
  CREATE INDEX sluice_dead ON sluice_messages (queue, died_at) WHERE state = 3;
  CREATE UNIQUE INDEX sluice_keyed ON sluice_messages (queue, id) WHERE keyed = 1 AND state < 3;
  CREATE TABLE sluice_ids (
    queue INTEGER NOT NULL,
    id TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (queue, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sluice_ids_until ON sluice_ids (until);
  `,
];

/** The version that this code writes. */
export const schemaVersion: number = migrations.length;

/**
 * Brings the file to this version, one process at a time. Throws `SCHEMA_NEWER`, having changed nothing, when a newer
 * Sluice has been at it.
 */
export async function migrate(database: Database): Promise<void> {
  await database.write("full", () => {
    database
      .prepare("CREATE TABLE IF NOT EXISTS sluice_schema (version INTEGER NOT NULL) STRICT")
      .run();
    const found = Number(
      database.prepare("SELECT max(version) AS version FROM sluice_schema").get()?.version ?? 0,
    );
    if (found > schemaVersion) {
      throw new SluiceError(
        "SCHEMA_NEWER",
        `${database.path} has schema version ${found}; this Sluice knows versions up to ${schemaVersion}. Update Sluice: npm install sluice@latest`,
      );
    }
    for (const [index, migration] of migrations.entries()) {
      if (index < found) continue;
      for (const statement of migration.split(";")) {
        if (statement.trim() !== "") database.prepare(statement).run();
      }
      database.prepare("INSERT INTO sluice_schema (version) VALUES (?)").run(index + 1);
    }
  });
}
