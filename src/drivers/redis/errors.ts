/** From what the client and the server say to our errors: the only place that does so. */
import { type ErrorCode, SluiceError } from "../../core/index.ts";

interface Meaning {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly advice: string;
}

const away = { code: "STORE_UNAVAILABLE", retryable: true } as const;
const refused = { code: "ACCESS_DENIED", retryable: false } as const;
const full = { code: "STORE_FULL", retryable: true } as const;

/** The first word of an error reply, which the protocol calls its code. */
const replies: Readonly<Record<string, Meaning>> = {
  OOM: { ...full, advice: "Raise maxmemory, or let the workers catch up" },
  MISCONF: { ...full, advice: "It cannot save to its disk; look at its log" },
  READONLY: { ...away, advice: "It is a replica; the connection is being replaced" },
  LOADING: { ...away, advice: "It is loading its data" },
  MASTERDOWN: { ...away, advice: "It is a replica without its primary" },
  CLUSTERDOWN: { ...away, advice: "The cluster lacks a node for this queue" },
  TRYAGAIN: { ...away, advice: "The cluster is moving this queue" },
  NOREPLICAS: { ...away, advice: "It has fewer replicas than min-replicas-to-write" },
  BUSY: {
    code: "STORE_BUSY",
    retryable: true,
    advice: "Somebody's script runs for too long",
  },
  NOAUTH: { ...refused, advice: "Put user and password into the URL" },
  WRONGPASS: { ...refused, advice: "Correct user and password in the URL" },
  NOPERM: {
    ...refused,
    advice: "Give this user the commands and keys of docs/3-drivers/redis.md",
  },
  TOOBIG: {
    code: "BODY_TOO_LARGE",
    retryable: false,
    advice: "Raise proto-max-bulk-len of the server, or publish a reference to the data",
  },
  WRONGTYPE: {
    code: "STORE_CORRUPT",
    retryable: false,
    advice: "A key of this queue holds something else; choose another ?prefix=",
  },
};

const unencrypted: Meaning = {
  code: "STORE_MISCONFIGURED",
  retryable: false,
  advice: "The server does not use TLS: write redis:// instead of rediss://",
};
const untrusted: Meaning = {
  code: "STORE_MISCONFIGURED",
  retryable: false,
  advice:
    "Its certificate is not trusted: name its authority with NODE_EXTRA_CA_CERTS, or the host that it is made out for",
};

/** What Node's TLS says of a handshake that no further try will bring about. */
const handshakes: Readonly<Record<string, Meaning>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: unencrypted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: untrusted,
  CERT_HAS_EXPIRED: untrusted,
};

/** Older servers wrap the reply that a script got: `ERR Error running script (…): -OOM command not allowed …`. */
const wrapped = /^ERR Error running script.*?-([A-Z]+) /s;

/** Replies that have no code of their own: what they say, and the code that we give them. */
const uncoded: readonly (readonly [RegExp, string])[] = [
  [/The user executing the script can't /, "NOPERM"], // Redis 6, inside a script
  [/ACL failure in script: /, "NOPERM"], // Redis 8 and Valkey
  [/Protocol error: invalid (multi)?bulk length/, "TOOBIG"],
];

/** What a server or client says, with what to do. Fit for messages: `address` has no password. */
export function toDriverError(address: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const cause = harmless(error);
  const word = codeOf(message);
  const meaning = word === undefined ? undefined : replies[word];
  if (meaning !== undefined) {
    const said = `redis at ${address} answered ${JSON.stringify(firstLine(message))}`;
    return new SluiceError(meaning.code, `${said}. ${meaning.advice}.`, {
      retryable: meaning.retryable,
      cause,
    });
  }
  const handshake = handshakeOf(error);
  if (handshake !== undefined) {
    const text = `redis at ${address} cannot be reached by TLS: ${firstLine(message)}. ${handshake.advice}.`;
    return new SluiceError(handshake.code, text, { retryable: handshake.retryable, cause });
  }
  if (isReply(error)) {
    const text = `redis at ${address} refused a command: ${JSON.stringify(firstLine(message))}. Check its version and settings.`;
    return new SluiceError("DRIVER_FAILED", text, { cause });
  }
  const isCut = error instanceof Error && error.name === "MaxRetriesPerRequestError";
  return unavailable(address, isCut ? "the connection broke" : firstLine(message), cause);
}

/** A first connection that failed for no reason that the server gave may have met the other kind of server. */
export function withTlsHint(error: unknown, isTls: boolean): unknown {
  if (!(error instanceof SluiceError) || error.code !== "STORE_UNAVAILABLE" || !error.retryable)
    return error;
  const hint = isTls
    ? "If the server does not use TLS, write redis:// instead of rediss://."
    : "If the server expects TLS, write rediss:// instead of redis://.";
  return new SluiceError(error.code, `${error.message} ${hint}`, { cause: error.cause });
}

/** The server is not there, for now. */
export function unavailable(address: string, why: string, cause?: unknown): SluiceError {
  const text = `redis at ${address} is not available: ${why}. Check that it runs and can be reached; calls succeed again when it is back.`;
  return new SluiceError("STORE_UNAVAILABLE", text, { cause });
}

/** Whether the server was asked by the hash of a script that it does not know (any more). */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && /^(ERR .*-)?NOSCRIPT /s.test(error.message);
}

/** Whether the node at the other end will not do, so that a connection should look for another. */
export function isReplica(error: unknown): boolean {
  const word = error instanceof Error ? /(?:^|-)(READONLY|MASTERDOWN) /.exec(error.message) : null;
  return word !== null;
}

/** Whether the server does not know who asks. */
export function isUnauthenticated(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOAUTH ");
}

function codeOf(message: string): string | undefined {
  const own = uncoded.find(([words]) => words.test(message))?.[1];
  return own ?? wrapped.exec(message)?.[1] ?? /^([A-Z]+) /.exec(message)?.[1];
}

function handshakeOf(error: unknown): Meaning | undefined {
  return error instanceof Error && "code" in error ? handshakes[String(error.code)] : undefined;
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === "ReplyError";
}

function firstLine(message: string): string {
  return message.split("\n", 1)[0]?.slice(0, 300) ?? "";
}

/** The client hangs the command's arguments on its errors, which may be a password or somebody's data. */
function harmless(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const copy = new Error(error.message);
  copy.name = error.name;
  if (error.stack !== undefined) copy.stack = error.stack;
  return copy;
}
