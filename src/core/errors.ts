import { inspect } from "node:util";

/**
 * One error class, one table of codes. The table is data: the documentation page `docs/6-reference/errors.md` and the
 * exit status of every command are checked against it by a test.
 */

/** What the table knows about a code. `exit` is the command line's exit status, `http` the status a server answers. */
export interface ErrorKind {
  readonly summary: string;
  readonly retryable: boolean;
  readonly exit: number;
  readonly http: number;
}

const usage = { retryable: false, exit: 2, http: 400 } as const;
const data = { retryable: false, exit: 65, http: 422 } as const;
const unavailable = { retryable: true, exit: 69, http: 503 } as const;
const failed = { retryable: false, exit: 1, http: 500 } as const;
/** Something to be put right outside; starting again does not help, which supervisors should know (EX_CONFIG). */
const misconfigured = { retryable: false, exit: 78, http: 500 } as const;

/** The closed set of error codes. */
export type ErrorCode =
  | "URL_INVALID"
  | "SCHEME_UNKNOWN"
  | "QUEUE_NAME_INVALID"
  | "DURATION_INVALID"
  | "OPTION_INVALID"
  | "OPTION_UNSUPPORTED"
  | "HEADERS_INVALID"
  | "BODY_TOO_LARGE"
  | "INPUT_INVALID"
  | "BODY_UNDECODABLE"
  | "DATA_INVALID"
  | "LOAD_INVALID"
  | "CLIENT_MISSING"
  | "CLOSED"
  | "ABORTED"
  | "OVERLOADED"
  | "ACCESS_DENIED"
  | "STORE_UNAVAILABLE"
  | "STORE_MISCONFIGURED"
  | "STORE_BUSY"
  | "STORE_FULL"
  | "STORE_READ_ONLY"
  | "STORE_CORRUPT"
  | "SCHEMA_NEWER"
  | "QUEUE_NOT_FOUND"
  | "DRIVER_FAILED"
  | "LEASE_LOST"
  | "HANDLER_TIMEOUT"
  | "COMMAND_FAILED"
  | "COMMAND_NOT_FOUND"
  | "SPEC_INVALID"
  | "SPEC_UNREADABLE"
  | "SPEC_REFERENCE_MISSING"
  | "SPEC_UNSUPPORTED"
  | "WORKER_FILE_INVALID"
  | "WORKER_STALLED"
  | "TRIGGER_UNKNOWN"
  | "TRIGGER_INVALID"
  | "TRIGGER_FAILED"
  | "JOBS_LOST";

/** What each code means, and how a command and a server answer it. */
export const errorTable: Readonly<Record<ErrorCode, ErrorKind>> = {
  URL_INVALID: { summary: "A queue URL cannot be understood.", ...usage },
  SCHEME_UNKNOWN: { summary: "No driver answers to the scheme of a queue URL.", ...usage },
  QUEUE_NAME_INVALID: {
    summary: "A queue name is empty, too long or has a forbidden character.",
    ...usage,
  },
  DURATION_INVALID: {
    summary: "A duration is not a number of milliseconds nor a text such as 30s.",
    ...usage,
  },
  OPTION_INVALID: { summary: "An option has a value outside its range.", ...usage },
  OPTION_UNSUPPORTED: { summary: "The driver can neither honour nor emulate an option.", ...usage },
  HEADERS_INVALID: {
    summary: "A message header has a bad name or value, or the headers are too large.",
    ...usage,
  },
  BODY_TOO_LARGE: { summary: "A message body exceeds the driver's limit.", ...data },
  INPUT_INVALID: { summary: "A job's input does not match its schema.", ...data },
  BODY_UNDECODABLE: { summary: "A message body cannot be turned into the job's input.", ...data },
  DATA_INVALID: {
    summary: "A line or file of jobs given to a command is not what it should be.",
    ...data,
  },
  LOAD_INVALID: { summary: "A load to simulate is not what it should be.", ...data },
  CLIENT_MISSING: {
    summary: "An optional package that a feature needs is not installed.",
    ...misconfigured,
  },
  CLOSED: { summary: "A connection, worker or engine was used after it was closed.", ...failed },
  ABORTED: { summary: "A wait was given up because its signal was aborted.", ...failed },
  OVERLOADED: { summary: "Too many sends wait for their confirmation.", ...unavailable },
  ACCESS_DENIED: {
    summary: "The server refuses this user: a wrong password, or rights that are missing.",
    ...misconfigured,
  },
  STORE_UNAVAILABLE: {
    summary: "The store or broker cannot be reached or opened.",
    ...unavailable,
  },
  STORE_MISCONFIGURED: {
    summary: "The server answers, but is not what the URL or Sluice expects.",
    ...misconfigured,
  },
  STORE_BUSY: {
    summary: "Another process held the store's lock for too long, or the broker throttles.",
    ...unavailable,
  },
  STORE_FULL: { summary: "The disk or the store is full; nothing was written.", ...unavailable },
  STORE_READ_ONLY: { summary: "The store can be read only.", ...misconfigured },
  STORE_CORRUPT: { summary: "The file is not a database or is damaged.", ...misconfigured },
  SCHEMA_NEWER: {
    summary: "The store was written by a newer version of Sluice.",
    ...misconfigured,
  },
  QUEUE_NOT_FOUND: {
    summary: "A queue does not exist, and this user may not or shall not create it.",
    retryable: false,
    exit: 78,
    http: 404,
  },
  DRIVER_FAILED: {
    summary: "The store or broker reported an error that has no code of its own.",
    ...failed,
  },
  LEASE_LOST: { summary: "A handler's lease ran out; another worker may run the job.", ...failed },
  HANDLER_TIMEOUT: { summary: "A handler ran longer than the job's timeout.", ...failed },
  COMMAND_FAILED: { summary: "A command that works a job ended with a failure status.", ...failed },
  COMMAND_NOT_FOUND: {
    summary: "The command given with --exec cannot be found or started.",
    retryable: false,
    exit: 127,
    http: 500,
  },
  SPEC_INVALID: { summary: "A YAML or JSON object is not what it should be.", ...data },
  SPEC_UNREADABLE: { summary: "A file or folder of YAML cannot be read.", ...usage },
  SPEC_REFERENCE_MISSING: {
    summary: "An object names another one that was not read, or a key that it does not have.",
    ...data,
  },
  SPEC_UNSUPPORTED: {
    summary: "An object asks for something that Sluice, or this machine, does not do.",
    ...data,
  },
  WORKER_FILE_INVALID: {
    summary: "A worker file does not load or does not export a worker.",
    ...usage,
  },
  WORKER_STALLED: {
    summary: "A worker made no progress for too long because its broker does not answer.",
    ...unavailable,
  },
  TRIGGER_UNKNOWN: { summary: "No trigger has the type that a spec names.", ...usage },
  TRIGGER_INVALID: { summary: "A trigger's metadata is missing or wrong.", ...usage },
  TRIGGER_FAILED: {
    summary: "What a trigger measures could not be read, which is not taken for zero.",
    ...unavailable,
  },
  JOBS_LOST: { summary: "A run ended with jobs that are not accounted for.", ...failed },
};

/** Details beside the message; `cause` keeps the foreign error, `retryable` overrides the table's default. */
export interface ErrorDetails {
  readonly cause?: unknown;
  readonly retryable?: boolean;
}

/**
 * Every error that Sluice throws on purpose. The message says what was expected, what came and what to do; `code` is
 * stable and meant for programs; `retryable` says whether the same call may succeed later.
 */
export class SluiceError extends Error {
  override readonly name = "SluiceError";
  readonly code: ErrorCode;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable ?? errorTable[code].retryable;
  }
}

/** Recognises a Sluice error by its shape, so that two copies of the package in one program understand each other. */
export function isSluiceError(error: unknown): error is SluiceError {
  return (
    error instanceof Error &&
    error.name === "SluiceError" &&
    "code" in error &&
    Object.hasOwn(errorTable, String(error.code))
  );
}

/** The text to show for anything that was thrown: code and message for our errors, message for others. Never throws. */
export function describeError(error: unknown): string {
  if (isSluiceError(error)) return `${error.code}: ${error.message}`;
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  return typeof error === "string" ? error : showValue(error);
}

/** What came, as an error message shows it: one short line for any value at all. Not for what may be secret. */
export function showValue(value: unknown): string {
  if (typeof value === "string")
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  return inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 60 });
}
