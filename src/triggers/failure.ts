import { describeError, isSluiceError, redactUrl, SluiceError } from "../core/index.ts";
import type { TriggerContext } from "../scaler/index.ts";

/**
 * How a reading failed. `wrong answer`: the source answered, and a new connection or a second try would not help. `no
 * answer`: they might. `no time`: the connection may be broken, and there is no time for a second try.
 */
export type FailureKind = "wrong answer" | "no answer" | "no time";

/** Why a reading failed, as the part that noticed it says: without the name of the trigger, which is put before it once. */
export class ReadingFailure extends Error {
  override readonly name = "ReadingFailure";
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

/** The source answered, and no number can be had from the answer. */
export function wrongAnswer(message: string, cause?: unknown): ReadingFailure {
  return new ReadingFailure("wrong answer", message, cause);
}

/** The source did not answer. */
export function noAnswer(message: string, cause?: unknown): ReadingFailure {
  return new ReadingFailure("no answer", message, cause);
}

/** The source did not answer in time. */
export function noTime(message: string): ReadingFailure {
  return new ReadingFailure("no time", message);
}

/** How whatever was thrown is to be taken; what clients throw by themselves is mostly about their connection. */
export function kindOf(error: unknown): FailureKind {
  if (error instanceof ReadingFailure) return error.kind;
  return isSluiceError(error) && !error.retryable ? "wrong answer" : "no answer";
}

/** The trigger, as errors name it: type, index, name and owner. */
export function placeOf({ spec, index, owner }: TriggerContext): string {
  const name = spec.name === "" ? "" : ` ${JSON.stringify(spec.name)}`;
  return `trigger ${index} (${spec.type}${name}) of ${owner.kind} ${owner.namespace}/${owner.name}`;
}

/** `TRIGGER_INVALID`, with every problem. */
export function triggerInvalid(context: TriggerContext, problems: readonly string[]): SluiceError {
  return new SluiceError("TRIGGER_INVALID", `${placeOf(context)}: ${problems.join("; ")}.`);
}

/** Any failure of a reading as `TRIGGER_FAILED` that says where; a missing client library keeps its own code. */
export function readingFailed(context: TriggerContext, error: unknown): SluiceError {
  const place = placeOf(context);
  if (isSluiceError(error) && error.code === "CLIENT_MISSING") {
    return new SluiceError("CLIENT_MISSING", `${place}: ${error.message}`, { cause: error.cause });
  }
  const what = redactUrl(error instanceof ReadingFailure ? error.message : describeError(error));
  const cause = error instanceof ReadingFailure ? (error.cause ?? error) : error;
  return new SluiceError("TRIGGER_FAILED", `${place}: ${what.replace(/\.$/, "")}.`, {
    cause,
    retryable: true,
  });
}

/** What a client said, in one line; several addresses of one host fail with an error whose own message is empty. */
export function reasonOf(error: unknown): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  const told = inner instanceof Error ? inner.message || inner.name : String(inner);
  return told.split("\n", 1)[0]?.slice(0, 300) ?? "";
}
