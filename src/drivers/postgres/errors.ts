/** From what PostgreSQL and its client report to our errors; the only place that knows their codes. */
import { describeError, type ErrorCode, SluiceError } from "../../core/index.ts";

/** Our own name for what the client has no code for. */
const poolBusyCode = "POOL_BUSY";

interface Meaning {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  /** What happened and what to do; the server's own words go between. */
  readonly what: string;
  readonly fix: string;
}

const away: Meaning = {
  code: "STORE_UNAVAILABLE",
  retryable: true,
  what: "cannot be reached or closed the connection",
  fix: "Check that it runs, and host and port of the URL",
};
const busy: Meaning = {
  code: "STORE_BUSY",
  retryable: true,
  what: "took too long or let another transaction go first",
  fix: "Look for long transactions in pg_stat_activity",
};
const refused: Meaning = {
  code: "ACCESS_DENIED",
  retryable: false,
  what: "refuses this user",
  fix: "Correct user and password of the URL, or pg_hba.conf; if it wants encryption, add ?sslmode=require",
};
const dropped: Meaning = {
  code: "STORE_MISCONFIGURED",
  retryable: false,
  what: "has not the tables and functions that this Sluice expects",
  fix: "The schema was dropped or altered while in use: stop all processes and start them again",
};
const damaged: Meaning = {
  code: "STORE_CORRUPT",
  retryable: false,
  what: "reports damaged data",
  fix: "Restore it from a backup",
};
const unencrypted: Meaning = {
  code: "STORE_MISCONFIGURED",
  retryable: false,
  what: "does not use TLS",
  fix: "Remove sslmode from the URL, or set ssl = on at the server",
};
const untrusted: Meaning = {
  code: "STORE_MISCONFIGURED",
  retryable: false,
  what: "shows a certificate that is not trusted",
  fix: "Name its authority with sslrootcert=, or give up the check with sslmode=no-verify",
};

const unreadable: Meaning = {
  code: "STORE_MISCONFIGURED",
  retryable: false,
  what: "was not asked, since a file that the URL names cannot be read",
  fix: "Correct sslrootcert, sslcert or sslkey of the URL",
};

/** By SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html) or the system's or TLS's code. */
const meanings: Readonly<Record<string, Meaning>> = {
  "28000": refused,
  "28P01": refused,
  "3D000": {
    code: "STORE_MISCONFIGURED",
    retryable: false,
    what: "has no such database",
    fix: "Create it with createdb, or correct the URL",
  },
  "42501": {
    code: "ACCESS_DENIED",
    retryable: false,
    what: "does not let this user do what the queue needs",
    fix: "Grant the rights that docs/3-drivers/postgres.md lists",
  },
  "25006": {
    code: "STORE_READ_ONLY",
    retryable: true, // after a failover the next connection may find the new primary
    what: "is read-only, such as a replica",
    fix: "Name the primary in the URL",
  },
  "53100": {
    code: "STORE_FULL",
    retryable: true,
    what: "has no disk space left; nothing was written",
    fix: "Free space on its disk",
  },
  "53300": {
    ...away,
    what: "has no connection left",
    fix: "Raise max_connections or lower ?pool=",
  },
  [poolBusyCode]: {
    ...busy,
    what: "was not asked, since all connections of the pool were in use for too long",
    fix: "Raise ?pool= in the URL, publish many at a time with publishMany, or find out why the server is slow",
  },
  "57014": busy,
  "55P03": busy,
  "40P01": busy,
  "40001": busy,
  "3F000": dropped,
  "42P01": dropped,
  "42883": dropped,
  "42703": dropped,
  XX001: damaged,
  XX002: damaged,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: untrusted,
  CERT_HAS_EXPIRED: untrusted,
};

/** What the client says itself, for which it has no codes. */
const clientWords: readonly (readonly [RegExp, Meaning])[] = [
  [/^The server does not support SSL connections/, unencrypted],
  [/^SASL: /, refused],
];

/** Whole classes of SQLSTATE: connection failures, lack of resources, shutdowns and system errors. */
const classes: Readonly<Record<string, Meaning>> = {
  "08": away,
  "53": away,
  "57": away,
  "58": away,
};

/** Turns whatever was thrown into our error; errors of ours pass. `place` is shown and holds no secret. */
export function toDriverError(place: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const meaning = meaningOf(error);
  if (meaning === null) {
    const message = `postgres failed on ${place}: ${describeError(error)}`;
    return new SluiceError("DRIVER_FAILED", message, { cause: error });
  }
  const { code, retryable, what, fix } = meaning;
  const message = `${place} ${what}: ${reasonOf(error)}. ${fix}.`;
  return new SluiceError(code, message, { cause: error, retryable });
}

/** A wait for a connection of the pool was given up. */
export function poolBusy(cause: unknown): Error {
  return Object.assign(new Error("no connection became free", { cause }), { code: poolBusyCode });
}

/** The SQLSTATE of an error that the server sent, or null. */
export function sqlStateOf(error: unknown): string | null {
  const isServers = error instanceof Error && "severity" in error && "code" in error;
  return isServers ? String(error.code) : null;
}

function meaningOf(error: unknown): Meaning | null {
  const state = sqlStateOf(error);
  if (state !== null) return meanings[state] ?? classes[state.slice(0, 2)] ?? null;
  // Mistakes in code; all else that does not come from the server comes from its socket or from waiting for it.
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError)
    return null;
  const code = "code" in error ? String(error.code) : "";
  if ("syscall" in error && error.syscall === "open") return unreadable;
  return meanings[code] ?? clientWords.find(([words]) => words.test(error.message))?.[1] ?? away;
}

/** Several addresses of one host fail with an error whose own message is empty. Names may hold line breaks. */
function reasonOf(error: unknown): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  const text = inner instanceof Error ? inner.message : String(inner);
  return text.replace(/\p{Cc}+/gu, " ").replace(/\.$/, "");
}
