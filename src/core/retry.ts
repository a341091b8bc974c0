import { type Duration, toMs } from "./duration.ts";
import { SluiceError, showValue } from "./errors.ts";

/** How often and how patiently a job is tried. */
export interface RetryOptions {
  /** Deliveries before the dead-letter queue, crashes included. Default 10. */
  readonly attempts?: number;
  /** Longest first pause. Default 1s. */
  readonly initial?: Duration;
  /** Growth of the longest pause with each attempt. Default 2. */
  readonly factor?: number;
  /** The longest pause never exceeds this. Default 10m. */
  readonly max?: Duration;
  /** `full`: a random part of the longest pause, so that retries spread out. `none`: exactly the longest pause. */
  readonly jitter?: "full" | "none";
}

/** {@link RetryOptions} with every field decided. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly initialMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly jitter: "full" | "none";
}

/** The policy with defaults filled in. Throws `OPTION_INVALID` or `DURATION_INVALID`. */
export function toRetryPolicy(options: RetryOptions = {}): RetryPolicy {
  const attempts = options.attempts ?? 10;
  const factor = options.factor ?? 2;
  const jitter = options.jitter ?? "full";
  if (!Number.isInteger(attempts) || attempts < 1) {
    throw new SluiceError(
      "OPTION_INVALID",
      `retry.attempts must be a whole number from 1; got ${showValue(attempts)}. Use 1 for no retry.`,
    );
  }
  if (!(factor >= 1 && Number.isFinite(factor))) {
    throw new SluiceError(
      "OPTION_INVALID",
      `retry.factor must be a number from 1; got ${showValue(factor)}. Use 1 for equal pauses.`,
    );
  }
  if (jitter !== "full" && jitter !== "none") {
    throw new SluiceError(
      "OPTION_INVALID",
      `retry.jitter must be "full" or "none"; got ${showValue(jitter)}.`,
    );
  }
  return {
    attempts,
    initialMs: toMs(options.initial ?? 1000, "retry.initial"),
    factor,
    maxMs: toMs(options.max ?? 600_000, "retry.max"),
    jitter,
  };
}

/**
 * The pause after failed attempt number `attempt` (1-based): exponential backoff with full jitter,
 * `random(0, min(max, initial * factor^(attempt-1)))`, as in the AWS Architecture Blog, "Exponential Backoff And
 * Jitter" (2015). `random` yields 0 ≤ x < 1.
 */
export function backoffMs(policy: RetryPolicy, attempt: number, random: () => number): number {
  const growth = Math.min(policy.factor ** (attempt - 1), Number.MAX_VALUE);
  const longest = Math.min(policy.maxMs, policy.initialMs * growth);
  return Math.round(policy.jitter === "full" ? longest * random() : longest);
}
