import { describeError, isSluiceError, redactUrl, SluiceError } from "../core/index.ts";
import type { TriggerContext } from "../scaler/index.ts";

/**
 * Why a reading failed, as the part that noticed it says: without the name of the trigger, which is put before it once.
 * `isLasting` means that a new connection and a second try would not help: the source answered, and the answer is wrong.
 */
export class ReadingFailure extends Error {
  override readonly name = "ReadingFailure";
  readonly isLasting: boolean;

  constructor(message: string, options: { readonly cause?: unknown; readonly isLasting: boolean }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.isLasting = options.isLasting;
  }
}

/** The source answered, and no number can be had from the answer. */
export function wrongAnswer(message: string, cause?: unknown): ReadingFailure {
  return new ReadingFailure(message, { cause, isLasting: true });
}

/** The source did not answer, or not in time. */
export function noAnswer(message: string, cause?: unknown): ReadingFailure {
  return new ReadingFailure(message, { cause, isLasting: false });
}

/** Whether trying again at once, over a new connection, is of no use. */
export function isLasting(error: unknown): boolean {
  if (error instanceof ReadingFailure) return error.isLasting;
  return isSluiceError(error) && !error.retryable;
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
