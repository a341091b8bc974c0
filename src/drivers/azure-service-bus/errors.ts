/** From what the SDK throws to our errors: the only place that does so. */
import { type ErrorCode, isSluiceError, SluiceError } from "../../core/index.ts";

/** What an error is about: the namespace as it may be shown, what was done, and to which queue. */
export interface ErrorSubject {
  readonly namespace: string;
  readonly doing: string;
  readonly queue?: string;
}

interface Meaning {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly advice: string;
}

const createIt =
  "Create it, for example with: az servicebus queue create, or give the key the right Manage, with which it is created when it is first used";

/** By the SDK's own codes: `ServiceBusErrorCode` of AMQP calls, and those of the management API. */
const meanings: Readonly<Record<string, Meaning>> = {
  MessagingEntityNotFound: { code: "QUEUE_NOT_FOUND", retryable: false, advice: createIt },
  MessageEntityNotFoundError: { code: "QUEUE_NOT_FOUND", retryable: false, advice: createIt },
  MessagingEntityDisabled: {
    code: "STORE_READ_ONLY",
    retryable: false,
    advice: "The queue is disabled; set its status to Active",
  },
  UnauthorizedAccess: {
    code: "ACCESS_DENIED",
    retryable: false,
    advice:
      "Check name, key and expiry of the credentials, and that they give the rights Send to publish and Listen to work",
  },
  UnauthorizedRequestError: {
    code: "ACCESS_DENIED",
    retryable: false,
    advice: "Check name and key of the credentials, and that they give the right Manage",
  },
  MessageSizeExceeded: {
    code: "BODY_TOO_LARGE",
    retryable: false,
    advice:
      "The limit is 256 KB in the tiers Basic and Standard and from 1 MB in Premium. Store large data elsewhere and publish a reference to it",
  },
  QuotaExceeded: {
    code: "STORE_FULL",
    retryable: true,
    advice: "The queue is full; let workers catch up, or raise its maximum size",
  },
  ServiceBusy: {
    code: "STORE_BUSY",
    retryable: true,
    advice: "The namespace is throttled; send less, or scale it up",
  },
  ServerBusyError: {
    code: "STORE_BUSY",
    retryable: true,
    advice: "The namespace is throttled; ask less often, or scale it up",
  },
  MessageLockLost: {
    code: "LEASE_LOST",
    retryable: false,
    advice: "Another worker may run the job",
  },
};

const away: Meaning = {
  code: "STORE_UNAVAILABLE",
  retryable: true,
  advice:
    "Check that the namespace can be reached on port 5671; calls succeed again when it is back",
};

/** Whatever was thrown, as a SluiceError. */
export function toDriverError(error: unknown, subject: ErrorSubject): SluiceError {
  if (isSluiceError(error)) return error;
  const { namespace, doing, queue } = subject;
  const { code, retryable, advice } = meanings[codeOf(error)] ?? unnamed(error);
  const where = queue === undefined ? namespace : `${queue} in ${namespace}`;
  const message = `${doing} failed: ${hideSecrets(textOf(error))} (${where}). ${advice}.`;
  return new SluiceError(code, message, { cause: harmless(error), retryable });
}

/** The SDK's code for an error; empty when it has none. */
export function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  const [first] = "errors" in error && Array.isArray(error.errors) ? error.errors : [error];
  return typeof first === "object" && first !== null && "code" in first ? String(first.code) : "";
}

/** Whether the lock was lost, or the message is gone. */
export function isLockLost(error: unknown): boolean {
  return codeOf(error) === "MessageLockLost" || codeOf(error) === "MessageNotFound";
}

/** Whether the SDK waited in vain for an answer on a link. */
export function isUnanswered(error: unknown): boolean {
  return codeOf(error) === "ServiceTimeout";
}

/** Whether the namespace asks for less. */
export function isThrottled(error: unknown): boolean {
  return ["ServiceBusy", "ServerBusyError"].includes(codeOf(error));
}

/** Whether the connection, not the request or the link, is at fault. */
export function isConnectionError(error: unknown): boolean {
  return /^(ServiceTimeout|ServiceCommunicationProblem|E[A-Z]{4,})$/.test(codeOf(error));
}

function unnamed(error: unknown): Meaning {
  const isOurFault = error instanceof TypeError || error instanceof RangeError;
  const advice = "Check the version of @azure/service-bus and the settings of the queue";
  return isOurFault ? { code: "DRIVER_FAILED", retryable: false, advice } : away;
}

/** A host or port that does not answer. */
export function unreachable(namespace: string, why: string, cause?: unknown): SluiceError {
  const message = `Service Bus at ${namespace} cannot be reached: ${hideSecrets(why)}. Check the name of the namespace, and that a firewall lets through port 5671 (AMQP with TLS).`;
  return new SluiceError("STORE_UNAVAILABLE", message, { cause: harmless(cause) });
}

/** The error of every call after close. */
export function closedError(namespace: string): SluiceError {
  return new SluiceError("CLOSED", `the connection to ${namespace} was closed; connect again.`);
}

function textOf(error: unknown): string {
  const [first] =
    error instanceof AggregateError && error.errors.length > 0 ? error.errors : [error];
  const text = first instanceof Error ? first.message : String(first);
  // Names of links and tracking numbers mean nothing to a reader.
  return (text.split("\n", 1)[0] ?? "").replace(/[. ]+$/, "").slice(0, 300);
}

function hideSecrets(text: string): string {
  return text
    .replace(/(SharedAccessKey|SharedAccessSignature)=[^;\s]*/gi, "$1=***")
    .replace(/(\bsig=)[^&;\s]*/gi, "$1***");
}

/** The SDK hangs requests, with the signature in their headers, on its errors. */
function harmless(error: unknown): unknown {
  if (error === undefined) return undefined;
  const copy = new Error(hideSecrets(error instanceof Error ? error.message : String(error)));
  if (error instanceof Error) {
    copy.name = error.name;
    if (error.stack !== undefined) copy.stack = hideSecrets(error.stack);
  }
  return copy;
}
