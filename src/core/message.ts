import { SluiceError, showValue } from "./errors.ts";

/** Header names are lower case; values are text. Names that begin with `sluice-` are ours. */
export type Headers = Readonly<Record<string, string>>;

/** A message on its way to a broker: everything is decided, validated and encoded. */
export interface OutgoingMessage {
  readonly id: string;
  /** Exactly the bytes that the consumer receives. */
  readonly body: Uint8Array;
  readonly headers: Headers;
  /** 0 = at once. */
  readonly delayMs: number;
  /** 0 to the driver's `maxPriority`; higher is received first. */
  readonly priority: number;
  /** The caller chose the id: a second message with it is dropped by drivers that deduplicate. */
  readonly deduplicate: boolean;
}

/** What became of one attempt that did not succeed. */
export interface Failure {
  readonly attempt: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly error: string;
}

/** A message as a consumer holds it, together with its lease. */
export interface Delivery {
  readonly id: string;
  readonly body: Uint8Array;
  readonly headers: Headers;
  /** 1 for the first delivery; crash redeliveries count, released ones do not. */
  readonly attempt: number;
  readonly priority: number;
  /** When it was published, in milliseconds since 1970; `null` when the broker does not say. */
  readonly publishedAt: number | null;
  /** When it last became ready (published, delay over, or backoff over); `null` when the broker does not say. */
  readonly readyAt: number | null;
  /** Earlier failures, oldest first, as far as the driver keeps them. */
  readonly history: readonly Failure[];
  /** Names this lease in settle and extend. Opaque; of no use once the lease is lost. */
  readonly receipt: string;
}

/** A message that no longer runs by itself. */
export interface DeadLetter {
  readonly id: string;
  readonly queue: string;
  readonly body: Uint8Array;
  readonly headers: Headers;
  readonly attempts: number;
  readonly reason: string;
  readonly publishedAt: number | null;
  readonly deadAt: number;
  readonly history: readonly Failure[];
}

/** A waiting message as `peek` shows it. */
export interface WaitingMessage {
  readonly id: string;
  readonly body: Uint8Array;
  readonly headers: Headers;
  readonly state: "ready" | "delayed" | "in flight";
  readonly attempts: number;
  readonly priority: number;
  readonly publishedAt: number | null;
}

/** The header that tells what a body is when it is not JSON. */
export const contentTypeHeader = "content-type";

/** The content type of a body of plain bytes. */
export const bytesContentType = "application/octet-stream";

/** How many failures a message carries along; the oldest are dropped first. */
export const historyLimit = 20;

/** Error texts in a history are cut to this many characters. */
export const failureTextLimit = 2000;

/**
 * An error's text as it travels with a message: cut to {@link failureTextLimit}, and fit for every store, which means
 * without NUL and without halves of surrogate pairs.
 */
export function storableText(error: string): string {
  return error.slice(0, failureTextLimit).replaceAll(/\0|\p{Surrogate}/gu, "\ufffd");
}

/** The history with one more failure as {@link storableText}, at most {@link historyLimit} of them. */
export function appendFailure(
  history: readonly Failure[],
  failure: Failure | undefined,
): readonly Failure[] {
  if (failure === undefined) return history;
  return [...history, { ...failure, error: storableText(failure.error) }].slice(-historyLimit);
}

/** Control characters, which protocols end a field with, and halves of surrogate pairs, which UTF-8 cannot hold. */
const untransportable = /[\p{Cc}\p{Cs}]/u;

/** Whether a text arrives as it was sent with every driver: in a header or as an id. */
export function isTransportable(text: string): boolean {
  return !untransportable.test(text);
}

const headerName = /^[a-z0-9!#$%&'*+.^_`|~-]{1,100}$/;

/**
 * The caller's headers in the form that travels: names in lower case, values as text.
 * Throws `HEADERS_INVALID` for a bad name, a value that is not {@link isTransportable}, a name of ours, or too many bytes.
 */
export function checkHeaders(headers: Headers, maxBytes: number): Headers {
  const checked: (readonly [string, string])[] = [];
  let bytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (!headerName.test(lower) || lower.startsWith("sluice-")) {
      throw invalidHeader(
        `name must be 1 to 100 letters, digits or -_.+ and not begin with sluice-; got ${showValue(name)}`,
      );
    }
    if (typeof value !== "string" || !isTransportable(value)) {
      // The value may be a secret and is not shown.
      const came = typeof value === "string" ? "one with some" : typeof value;
      throw invalidHeader(
        `${lower} must be a text without control characters and lone surrogates; got ${came}`,
      );
    }
    bytes += lower.length + Buffer.byteLength(value);
    checked.push([lower, value]);
  }
  if (bytes > maxBytes)
    throw invalidHeader(
      `all together may have ${maxBytes} bytes; got ${bytes}. Put large data in the body`,
    );
  return Object.fromEntries(checked);
}

function invalidHeader(problem: string): SluiceError {
  return new SluiceError("HEADERS_INVALID", `header ${problem}.`);
}
