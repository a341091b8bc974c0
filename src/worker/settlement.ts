import {
  backoffMs,
  type Delivery,
  describeError,
  type Outcome,
  type RetryPolicy,
  type Settlement,
  storableText,
} from "../core/index.ts";

/** How an attempt ended. */
export type AttemptEnd =
  | { readonly end: "returned"; readonly value: unknown }
  | { readonly end: "failed"; readonly error: unknown }
  /** No retry can help: the message itself is wrong. */
  | { readonly end: "refused"; readonly error: unknown }
  /** The worker leaves; the attempt does not count. */
  | { readonly end: "left" };

/** What deciding needs besides the end itself. */
export interface SettlementContext {
  readonly delivery: Delivery;
  readonly retry: RetryPolicy;
  readonly now: number;
  /** The driver's longest delay. */
  readonly maxDelayMs: number;
  /** Yields 0 ≤ x < 1. */
  readonly random: () => number;
}

/** What to tell the broker. Pure: the one place where outcome, retry policy and dead-lettering meet. */
export function decideSettlement(ended: AttemptEnd, context: SettlementContext): Settlement {
  const { delivery, retry, now, random } = context;
  const { receipt, attempt } = delivery;
  const failure = (error: string) => ({ attempt, at: now, error: storableText(error) });

  function again(reason: string, delayMs: number): Settlement {
    if (attempt < retry.attempts) {
      const possibleMs = Math.min(delayMs, context.maxDelayMs);
      return { receipt, outcome: "retry", delayMs: possibleMs, failure: failure(reason) };
    }
    return die(reason, `failed ${attempt} of ${retry.attempts} attempts; the last: `);
  }

  function die(error: string, why = ""): Settlement {
    const reason = storableText(why + error);
    return { receipt, outcome: "dead-letter", reason, failure: failure(error) };
  }

  switch (ended.end) {
    case "left":
      return { receipt, outcome: "release" };
    case "failed":
      return again(describeError(ended.error), backoffMs(retry, attempt, random));
    case "refused":
      return die(describeError(ended.error));
    case "returned": {
      if (!isOutcome(ended.value)) return { receipt, outcome: "ack" };
      const asked = ended.value;
      // Reasons come from the user's code: an error given as one is shown as one.
      const reason = describeError(asked.reason);
      return asked.outcome === "retry" ? again(reason, asked.delayMs) : die(reason);
    }
  }
}

/** The end of a message that came more often than it may: its workers died or lost it, or it may come less often now. */
export function exhaustedByCrashes(
  delivery: Delivery,
  retry: RetryPolicy,
  now: number,
): Settlement {
  const { receipt, history } = delivery;
  const attempt = delivery.attempt - 1;
  const last = history.at(-1);
  if (last?.attempt === attempt) {
    const reason = `failed ${attempt} attempts where ${retry.attempts} are allowed; the last: ${last.error}`;
    return { receipt, outcome: "dead-letter", reason: storableText(reason) };
  }
  const reason = `given up after ${attempt} of ${retry.attempts} attempts: the last one ended without an outcome, so its worker crashed or lost its lease`;
  const failure = { attempt, at: now, error: "the worker crashed or lost its lease" };
  return { receipt, outcome: "dead-letter", reason, failure };
}

function isOutcome(value: unknown): value is Outcome {
  if (typeof value !== "object" || value === null || !("outcome" in value)) return false;
  return (
    (value.outcome === "retry" && "delayMs" in value && isDelay(value.delayMs)) ||
    (value.outcome === "dead-letter" && "reason" in value)
  );
}

function isDelay(value: unknown): boolean {
  return typeof value === "number" && value >= 0;
}
