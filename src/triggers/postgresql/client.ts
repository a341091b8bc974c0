/** The part of the package `pg` that is used, so that its types never show in ours. */
import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { loadClient } from "../client.ts";
import { noAnswer, reasonOf, wrongAnswer } from "../failure.ts";
import type { ConnectionPlan } from "../shared-connection.ts";
import { type PostgresPlace, tlsAttempts } from "./connection-string.ts";

/** A pool of `pg`. */
export interface PgPoolLike {
  query(query: PgQuery): Promise<PgResultLike | readonly PgResultLike[]>;
  end(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): unknown;
}

interface PgQuery {
  readonly text: string;
  readonly rowMode: "array";
  /** Leaves values as the server wrote them. */
  readonly types: { getTypeParser(): (text: string) => string };
}

interface PgResultLike {
  readonly rows: readonly (readonly unknown[])[];
}

interface PgModuleLike {
  readonly Pool: new (config: object) => PgPoolLike;
}

/** Connections to one server and credential, however many triggers there are. */
const poolSize = 4;

/** The pool behind a place. `timeoutMs` bounds connecting and each query. */
export function postgresPool(place: PostgresPlace, timeoutMs: number): ConnectionPlan<PgPoolLike> {
  return {
    key: `postgresql ${JSON.stringify(place)}`,
    open: async () => {
      const pg = await loadClient<PgModuleLike>(
        "pg@^8.11",
        "the trigger postgresql",
        () => import("pg"),
      );
      return openPool(pg, place, timeoutMs);
    },
    close: (pool) => pool.end(),
    atOnce: poolSize,
  };
}

async function openPool(
  pg: PgModuleLike,
  place: PostgresPlace,
  timeoutMs: number,
): Promise<PgPoolLike> {
  const ways = tlsAttempts(place, (path) => readFileSync(path, "utf8")).flatMap((ssl): Way[] => [
    { ssl, timeoutMs, limitsStatements: true },
    { ssl, timeoutMs, limitsStatements: false }, // a pooler in front of the server may refuse to set limits
  ]);
  let lastError: unknown = null;
  for (const way of ways) {
    if (lastError !== null && !mayHelp(way, lastError)) continue;
    const opened = await tryPool(pg, settings(place, way));
    if ("pool" in opened) return opened.pool;
    lastError = opened.error;
  }
  throw toFailure(place, lastError);
}

async function tryPool(
  pg: PgModuleLike,
  config: object,
): Promise<{ readonly pool: PgPoolLike } | { readonly error: unknown }> {
  const pool = new pg.Pool(config);
  // An idle connection that breaks leaves the pool by itself; the next query opens another.
  pool.on("error", () => undefined);
  try {
    await pool.query({ text: "SELECT 1", rowMode: "array", types: rawText });
    return { pool };
  } catch (error) {
    await pool.end();
    return { error };
  }
}

interface Way {
  readonly ssl: ConnectionOptions | null;
  readonly timeoutMs: number;
  readonly limitsStatements: boolean;
}

/** Whether another way is worth trying after an error. */
function mayHelp({ limitsStatements }: Way, error: unknown): boolean {
  return limitsStatements ? isAboutTls(error) : isProtocolViolation(error);
}

function settings(place: PostgresPlace, { ssl, timeoutMs, limitsStatements }: Way): object {
  const { host, port, user, password, database } = place;
  return {
    ...{ host, port, user, password, database },
    ssl: ssl ?? false,
    max: poolSize,
    idleTimeoutMillis: 60_000,
    connectionTimeoutMillis: timeoutMs,
    // The server gives up first, so that a slow query is its answer and not a broken connection; what does not even do that
    // is given up by the reading, and then by the client.
    ...(limitsStatements && { statement_timeout: Math.ceil(timeoutMs * 0.8) }),
    query_timeout: timeoutMs * 1.5,
    keepAlive: true,
    application_name: "sluice-scaler",
  };
}

/** One row of one column, as text, which is what KEDA takes. */
export async function queryOne(
  pool: PgPoolLike,
  place: PostgresPlace,
  text: string,
): Promise<unknown> {
  const result = await pool.query({ text, rowMode: "array", types: rawText }).catch((error) => {
    throw toFailure(place, error);
  });
  if (!("rows" in result)) throw wrongAnswer("the query is more than one statement; write one");
  const [row] = result.rows;
  if (row === undefined) throw wrongAnswer("the query gave no row; expected one with a number");
  if (row.length !== 1)
    throw wrongAnswer(`the query gave ${row.length} columns; expected one, a number`);
  return row[0];
}

const rawText = { getTypeParser: () => (value: string) => value };

/** SQLSTATE 08P01: what PgBouncer answers to a setting that it does not know. */
function isProtocolViolation(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "08P01";
}

/** A server without TLS, or one that accepts nothing else (SQLSTATE 28000, as pg_hba.conf says no to plain sockets). */
function isAboutTls(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    error.message === "The server does not support SSL connections" ||
    ("code" in error && error.code === "28000")
  );
}

/**
 * What the server says of a query lasts, also that it is too slow (57014); all else may be a broken connection. Classes 08,
 * 53, 57, 58: the server's state.
 */
function toFailure(place: PostgresPlace, error: unknown): Error {
  const where = `postgres://${place.host}:${place.port}/${place.database}`;
  const isServers = error instanceof Error && "severity" in error && "code" in error;
  const state = isServers ? String(error.code) : "";
  if (isServers && (state === "57014" || !/^(08|53|57|58)/.test(state)))
    return wrongAnswer(`${where} refused: ${reasonOf(error)} (SQLSTATE ${state})`, error);
  return noAnswer(`${where} cannot be read: ${reasonOf(error)}`, error);
}
