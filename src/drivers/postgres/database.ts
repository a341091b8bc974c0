/**
 * The connections to one database: a small pool for calls, and connections of their own for listening.
 *
 * No call waits for ever. A connection that does not answer in time is dropped, and with it all that are idle: when a
 * network fails half-way, no socket tells of it, and each of them would make another call wait in vain. The server gives
 * up by itself what takes longer than anybody waits. Nothing is tried again here.
 */
import { SluiceError } from "../../core/index.ts";
import { cutOff, type PgClientLike, type PgConfig, type PgModuleLike } from "./client.ts";
import { toDriverError } from "./errors.ts";
import { createPool } from "./pool.ts";

/** A row of a result, column by column. */
export type Row = readonly unknown[];

/** Sends one statement; a `patient` one may take half a minute, which is for large changes only. */
export type Query = (
  text: string,
  values?: readonly unknown[],
  options?: { readonly patient?: boolean },
) => Promise<readonly Row[]>;

/** Where the database is and how it is reached. */
export interface DatabaseOptions {
  readonly connectionString: string;
  /** The address as it may be shown. */
  readonly place: string;
  /** Most connections for calls; listening takes one more. */
  readonly poolSize: number;
}

/** See the top of this file. */
export interface Database {
  readonly place: string;
  /** One statement in a transaction of its own. Rejects with our errors. */
  readonly query: Query;
  /** Several statements on one connection, within one transaction that is rolled back when `work` throws. */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>;
  /** A new connection outside of the pool, connected; its calls are given up after `timeoutMs`. */
  connect(timeoutMs: number): Promise<PgClientLike>;
  /** The network has failed: connections that are not in use are not to be used again. */
  dropIdle(): void;
  /** Calls under way end first; then every connection is closed. */
  close(): Promise<void>;
}

const connectTimeoutMs = 5000;
/** Consumers are to work again within ten seconds of a network failure, whichever connection it hit. */
const callTimeoutMs = 6000;
const patientTimeoutMs = 30_000;
const statementTimeoutMs = 28_000;
/** Shorter than a call, so that the server tells what it waits for. */
const lockTimeoutMs = 4000;
const idleTimeoutMs = 30_000;
const keepAliveDelayMs = 10_000;

/** A database that is connected to when first used. */
export function createDatabase(pg: PgModuleLike, options: DatabaseOptions): Database {
  const { place } = options;
  const config: PgConfig = {
    connectionString: options.connectionString,
    application_name: "sluice",
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveDelayMs,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: callTimeoutMs,
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
  };
  const pool = createPool(pg, {
    ...config,
    max: options.poolSize,
    idleTimeoutMillis: idleTimeoutMs,
  });
  const calls = new Set<Promise<unknown>>();
  let closing: Promise<void> | null = null;

  function call<T>(work: (query: Query) => Promise<T>): Promise<T> {
    if (closing !== null) return Promise.reject(closedError(place));
    const running = pool
      .use((client) => work(queryOf(client)))
      .catch((error: unknown) => {
        throw toDriverError(place, error);
      });
    calls.add(running);
    const forget = (): unknown => calls.delete(running);
    running.then(forget, forget);
    return running;
  }

  async function close(): Promise<void> {
    await Promise.allSettled(calls);
    await pool.end();
  }

  return {
    place,
    dropIdle: pool.dropIdle,
    query: (text, values, options) => call((query) => query(text, values, options)),
    transaction: (work) =>
      call(async (query) => {
        await query("BEGIN");
        const result = await work(query);
        await query("COMMIT");
        return result;
      }),
    async connect(timeoutMs) {
      const client = new pg.Client({ ...config, query_timeout: timeoutMs });
      client.on("error", () => undefined);
      try {
        await client.connect();
        return client;
      } catch (error) {
        cutOff(client);
        throw toDriverError(place, error);
      }
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** The error of every call after close. */
export function closedError(place: string): SluiceError {
  return new SluiceError("CLOSED", `the connection to ${place} was closed; connect again.`);
}

function queryOf(client: PgClientLike): Query {
  return async (text, values = [], { patient = false } = {}) => {
    const result = await client.query({
      text,
      values: [...values],
      rowMode: "array",
      ...(patient && { query_timeout: patientTimeoutMs }),
    });
    return result.rows as Row[];
  };
}
