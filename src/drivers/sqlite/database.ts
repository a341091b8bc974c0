/**
 * Opens a SQLite file and runs transactions on it: `node:sqlite` where Node has it (from 22.13), else the package
 * `@photostructure/sqlite`, which has the same interface.
 *
 * SQLite's own wait for a lock blocks the event loop, so it is switched off: a busy lock is tried again from a timer,
 * and leases are renewed meanwhile. Transactions are synchronous inside, so one connection never interleaves two.
 */
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { type Clock, describeError, SluiceError, sleep } from "../../core/index.ts";

/** A value that SQLite stores. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** One row of a result. */
export type Row = Readonly<Record<string, SqlValue>>;

/** The part of a prepared statement that is used. */
export interface Statement {
  run(...values: SqlValue[]): {
    readonly changes: number | bigint;
    readonly lastInsertRowid: number | bigint;
  };
  get(...values: SqlValue[]): Row | undefined;
  all(...values: SqlValue[]): Row[];
}

interface Connection {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

interface SqliteModule {
  readonly DatabaseSync: new (path: string) => Connection;
}

/** How sure a write must be before it counts. `full` waits for the disk; `normal` may lose the last ones on power loss. */
export type Synchronous = "full" | "normal";

/** One open file. */
export interface Database {
  readonly path: string;
  prepare(sql: string): Statement;
  /** Runs `work` in a read transaction: everything it reads is of one moment. */
  read<T>(work: () => T): T;
  /** Runs `work` in a write transaction and commits with the given durability; rolls back when it throws. */
  write<T>(synchronous: Synchronous, work: () => T): Promise<T>;
  close(): void;
}

/** Pauses are short and random: growing ones would let those who have waited longest come last. */
const longestBusyPauseMs = 4;

/** The longest wait for another process's write before `STORE_BUSY`. */
const busyLimitMs = 15_000;

/** Opens or creates the file in WAL mode. Rejects with `STORE_*` or `CLIENT_MISSING`. */
export async function openDatabase(path: string, clock: Clock): Promise<Database> {
  const sqlite = await loadSqlite();
  const connection = attempt(path, () => new sqlite.DatabaseSync(path));
  try {
    await retryWhileBusy(path, clock, () =>
      connection.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = WAL;"),
    );
    connection.exec("PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY;");
  } catch (error) {
    connection.close();
    throw toDriverError(path, error);
  }
  return createDatabase(path, connection, clock);
}

function createDatabase(path: string, connection: Connection, clock: Clock): Database {
  let synchronous: Synchronous | null = null;
  let open = true;

  function within<T>(work: () => T): T {
    try {
      const result = work();
      connection.exec("COMMIT");
      return result;
    } catch (error) {
      rollBack(connection);
      throw error;
    }
  }

  return {
    path,
    prepare: (sql) => attempt(path, () => connection.prepare(sql)),
    read: (work) =>
      attempt(path, () => {
        connection.exec("BEGIN");
        return within(work);
      }),
    write(mode, work) {
      const once = (): ReturnType<typeof work> => {
        if (!open)
          throw new SluiceError("CLOSED", `the connection to ${path} was closed; connect again.`);
        if (synchronous !== mode) connection.exec(`PRAGMA synchronous = ${mode}`);
        synchronous = mode;
        connection.exec("BEGIN IMMEDIATE");
        return within(work);
      };
      return retryWhileBusy(path, clock, () => {
        try {
          return once();
        } catch (error) {
          if (resultCode(error) !== fullCode) throw error;
          shrinkLog(connection);
          return once();
        }
      });
    },
    close() {
      open = false;
      connection.close();
    },
  };
}

async function loadSqlite(): Promise<SqliteModule> {
  const builtIn = withoutExperimentalWarning(() => process.getBuiltinModule?.("node:sqlite")) as
    | SqliteModule
    | undefined;
  if (builtIn) return builtIn;
  try {
    return (await import("@photostructure/sqlite")) as unknown as SqliteModule;
  } catch (cause) {
    const fix = "Use Node 22.13 or newer, or install it: npm install @photostructure/sqlite";
    throw new SluiceError(
      "CLIENT_MISSING",
      `the sqlite driver needs SQLite, which Node ${process.versions.node} has not built in. ${fix}`,
      { cause },
    );
  }
}

/** Node 22 and 24 print a warning on first use of a module whose interface has long settled; nobody can act on it. */
function withoutExperimentalWarning<T>(load: () => T): T {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

function rollBack(connection: Connection): void {
  try {
    connection.exec("ROLLBACK");
  } catch {
    // SQLite has rolled back by itself, as it does after a full disk or a failed write; the first error tells why.
  }
}

/** On a full disk the log may hold room that its pages in the database do not need: acks can go on where publishes can't. */
function shrinkLog(connection: Connection): void {
  try {
    connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch {
    // Best effort: what comes next fails with the error that counts.
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw toDriverError(path, error);
  }
}

async function retryWhileBusy<T>(path: string, clock: Clock, work: () => T): Promise<T> {
  const giveUpAt = clock.now() + busyLimitMs;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (resultCode(error) !== busyCode || clock.now() >= giveUpAt)
        throw toDriverError(path, error);
    }
    await sleep(clock, 1 + Math.random() * longestBusyPauseMs);
  }
}

const busyCode = 5;
const fullCode = 13;

/** SQLite's primary result code (https://sqlite.org/rescode.html), or null for other errors. */
function resultCode(error: unknown): number | null {
  if (error instanceof Error && "errcode" in error && typeof error.errcode === "number")
    return error.errcode & 0xff;
  return null;
}

/** Turns whatever SQLite threw into our error; errors of ours pass. */
export function toDriverError(path: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const cause = { cause: error };
  switch (resultCode(error)) {
    case busyCode:
    case 6:
      return new SluiceError(
        "STORE_BUSY",
        `another process has kept ${path} locked for ${busyLimitMs / 1000} s. Find it with: fuser ${path}`,
        cause,
      );
    case 8:
      return new SluiceError(
        "STORE_READ_ONLY",
        `${path} must be writable, and so must its folder; this user may only read it. Change its rights or owner.`,
        cause,
      );
    case 10:
    case 13:
      return diskError(path, error);
    case 11:
    case 26:
      return new SluiceError(
        "STORE_CORRUPT",
        `${path} is not a SQLite database or is damaged. Name another file, or restore this one from a copy.`,
        cause,
      );
    case 14:
      return new SluiceError(
        "STORE_UNAVAILABLE",
        `${path} cannot be opened or created. ${openingHint(path)}`,
        cause,
      );
    default:
      return new SluiceError(
        "DRIVER_FAILED",
        `sqlite failed on ${path}: ${describeError(error)}`,
        cause,
      );
  }
}

function diskError(path: string, error: unknown): SluiceError {
  const full = resultCode(error) === fullCode;
  const what = full ? "the disk is full" : `the disk reports an error (${describeError(error)})`;
  return new SluiceError(
    full ? "STORE_FULL" : "DRIVER_FAILED",
    `nothing was written to ${path}: ${what}. Free space, then try again.`,
    { cause: error, retryable: true },
  );
}

function openingHint(path: string): string {
  const folder = dirname(path);
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined)
    return `The folder ${folder} does not exist: create it with mkdir -p ${folder}`;
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
    return "It is a folder: name a file in it.";
  return "Check that this user may read and write it and its folder.";
}
