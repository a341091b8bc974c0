/** The least that SQLite must do to keep a message: one insert into a table without indexes, in the same transactions. */
export interface RawQueue {
  insert(bodies: readonly Uint8Array[]): void;
  close(): void;
}

interface Connection {
  exec(sql: string): void;
  prepare(sql: string): { run(...values: unknown[]): unknown };
  close(): void;
}

/** Opens a file with the same durability as the driver's default. */
export async function openRaw(path: string): Promise<RawQueue> {
  const builtIn = process.getBuiltinModule?.("node:sqlite");
  const module = (builtIn ?? (await import("@photostructure/sqlite"))) as {
    DatabaseSync: new (path: string) => Connection;
  };
  const connection = new module.DatabaseSync(path);
  connection.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE raw (seq INTEGER PRIMARY KEY, queue TEXT, body BLOB)",
  );
  const insert = connection.prepare("INSERT INTO raw (queue, body) VALUES (?, ?)");
  return {
    insert(bodies) {
      connection.exec("BEGIN IMMEDIATE");
      for (const body of bodies) insert.run("bench", body);
      connection.exec("COMMIT");
    },
    close: () => connection.close(),
  };
}
