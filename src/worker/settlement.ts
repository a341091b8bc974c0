import {
  backoffMs,
  type Delivery,
  describeError,
  type Outcome,
  type RetryPolicy,
  type Settlement,
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
  /** Yields 0 ≤ x < 1. */
  readonly random: () => number;
}

/** What to tell the broker. Pure: the one place where outcome, retry policy and dead-lettering meet. */
export function decideSettlement(ended: AttemptEnd, context: SettlementContext): Settlement {
  const { delivery, retry, now, random } = context;
  const { receipt, attempt } = delivery;
  const failure = (error: string) => ({ attempt, at: now, error });

  function again(reason: string, delayMs: number): Settlement {
    if (attempt < retry.attempts)
      return { receipt, outcome: "retry", delayMs, failure: failure(reason) };
    const exhausted = `failed ${attempt} of ${retry.attempts} attempts; the last: ${reason}`;
    return { receipt, outcome: "dead-letter", reason: exhausted, failure: failure(reason) };
  }

  switch (ended.end) {
    case "left":
      return { receipt, outcome: "release" };
    case "failed":
      return again(describeError(ended.error), backoffMs(retry, attempt, random));
    case "refused": {
      const reason = describeError(ended.error);
      return { receipt, outcome: "dead-letter", reason, failure: failure(reason) };
    }
    case "returned": {
      if (!isOutcome(ended.value)) return { receipt, outcome: "ack" };
      const asked = ended.value;
      if (asked.outcome === "retry") return again(asked.reason, asked.delayMs);
      return {
        receipt,
        outcome: "dead-letter",
        reason: asked.reason,
        failure: failure(asked.reason),
      };
    }
  }
}

/** The end of a message that came more often than it may, because its workers died or lost it. */
export function exhaustedByCrashes(
  delivery: Delivery,
  retry: RetryPolicy,
  now: number,
): Settlement {
  const reason = `given up after ${retry.attempts} attempts: the last one ended without an outcome, so its worker crashed or lost its lease`;
  const failure = {
    attempt: delivery.attempt - 1,
    at: now,
    error: "the worker crashed or lost its lease",
  };
  return { receipt: delivery.receipt, outcome: "dead-letter", reason, failure };
}

function isOutcome(value: unknown): value is Outcome {
  if (typeof value !== "object" || value === null || !("outcome" in value)) return false;
  return (
    (value.outcome === "retry" && "delayMs" in value) ||
    (value.outcome === "dead-letter" && "reason" in value)
  );
}
