/** Between what amqplib, sockets and the broker report and our error codes. The one place where that is known. */
import { type ErrorCode, isSluiceError, SluiceError } from "../../core/index.ts";

/** AMQP reply codes, section 1.4.2.1 of the specification and RabbitMQ's extensions. */
export const accessRefused = 403;
export const notFound = 404;
export const preconditionFailed = 406;
export const internalError = 541;
const resourceLocked = 405;
const notAllowed = 530;

/** What went wrong, and for whom. `address` is safe to show. */
export interface ErrorPlace {
  readonly address: string;
  /** What was being done, as in "while ...". */
  readonly doing: string;
}

/** The reply code of a closed channel or connection, the code of a socket error, or nothing. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** An error of a connection or channel that was open. */
export function toDriverError(error: unknown, { address, doing }: ErrorPlace): SluiceError {
  if (isSluiceError(error)) return error;
  const details = { cause: error };
  switch (codeOf(error)) {
    case accessRefused: {
      const fix = "Grant the user configure, write and read on it and on sluice.delay.*";
      const message = `RabbitMQ at ${address} does not let this user do that, while ${doing}: ${textOf(error)}. ${fix}.`;
      return new SluiceError("ACCESS_DENIED", message, details);
    }
    case preconditionFailed:
    case resourceLocked:
    case notAllowed: {
      const message = `RabbitMQ at ${address} refused, while ${doing}: ${textOf(error)}.`;
      return new SluiceError("DRIVER_FAILED", message, details);
    }
  }
  // Everything else ends the channel or the connection, and the next call opens it anew.
  const message = `the connection to RabbitMQ at ${address} was lost while ${doing}: ${textOf(error)}. It is opened again by the next call; check the broker if this goes on.`;
  return new SluiceError("STORE_UNAVAILABLE", message, details);
}

/** An error of opening a connection. */
export function toConnectError(error: unknown, address: string, isTls: boolean): SluiceError {
  const [code, problem] = connectProblem(error, isTls);
  return new SluiceError(code, `RabbitMQ at ${address} cannot be used: ${problem}`, {
    cause: error,
  });
}

function connectProblem(error: unknown, isTls: boolean): readonly [code: ErrorCode, text: string] {
  const text = textOf(error);
  const code = String(codeOf(error) ?? "");
  // A refusal during the handshake comes without a code of its own; amqplib only quotes the broker's.
  if (/^Handshake terminated by server: 403/.test(text))
    return [
      "ACCESS_DENIED",
      "it refuses this user and password. Correct them in the URL, percent-encoded.",
    ];
  if (/^Expected ConnectionOpenOk/.test(text)) {
    const fix = "Correct the path of the URL (%2F is the default vhost), or create and permit it";
    return [
      "STORE_MISCONFIGURED",
      `the virtual host does not exist or this user may not enter it. ${fix}.`,
    ];
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL"))
    return [
      "STORE_MISCONFIGURED",
      "it does not speak TLS on this port. Use amqp:, or the TLS port (5671).",
    ];
  if (isTls && /CERT|ALTNAME|ISSUER/.test(code)) {
    const fix = "Name the issuer's certificate with ?cacertfile=, or in NODE_EXTRA_CA_CERTS";
    return ["STORE_MISCONFIGURED", `its certificate is not trusted (${code}). ${fix}.`];
  }
  if (/^Socket closed abruptly/.test(text) || code === "ECONNRESET") {
    const hint = isTls ? "If the port has no TLS, use amqp:" : "If the port wants TLS, use amqps:";
    return ["STORE_UNAVAILABLE", `it closed the connection during the handshake. ${hint}.`];
  }
  return ["STORE_UNAVAILABLE", `${text}. Check the host, the port and that the broker runs.`];
}

/** A queue that exists otherwise than it was asked for; the broker's text names the argument. */
export function toMismatch(error: unknown, queue: string, address: string): SluiceError {
  const text = textOf(error);
  const found = /inequivalent arg '([^']+)'.*?: (received .*?)"?$/.exec(text);
  const what = found ? `argument ${found[1]} differs (${found[2]})` : text;
  const fix =
    found?.[1] === "x-queue-type"
      ? "Set ?queueType= in the URL to the queue's type, or use another queue name"
      : "Declare it without arguments of its own and set those by a policy, or use another queue name";
  const message = `the queue ${queue} of RabbitMQ at ${address} exists with other arguments: ${what}. ${fix}. Nothing was changed.`;
  return new SluiceError("STORE_MISCONFIGURED", message, { cause: error });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
