import { SluiceError, showValue } from "./errors.ts";

/** How many messages a queue holds. `null` means that the broker does not say; it never means zero. */
export interface QueueDepth {
  /** Could be received now. */
  readonly ready: number | null;
  /** Wait for their delay or backoff to pass. */
  readonly delayed: number | null;
  /** Leased to a consumer. */
  readonly inFlight: number | null;
  /** In the dead-letter queue. */
  readonly dead: number | null;
  /** How long the longest-waiting ready message has been ready; 0 when none is. */
  readonly oldestAgeMs: number | null;
  /** How fast messages come and go; absent where the driver never tells. */
  readonly rates?: QueueRates;
  /** Why figures are `null` that the driver could tell otherwise, such as a missing right. */
  readonly reason?: string;
}

/**
 * Messages per second of one queue, as the broker itself counts them: the average of its latest interval, which is some
 * seconds long. `null` while it has counted nothing of the kind; it never means zero.
 */
export interface QueueRates {
  /** Put into the queue, by anybody. */
  readonly publish: number | null;
  /** Handed to consumers, each time anew. */
  readonly deliver: number | null;
  /** Taken out of the queue by a consumer's settlement. */
  readonly settle: number | null;
}

/** The longest queue name. */
export const maxQueueNameLength = 128;

const queueName = /^[A-Za-z0-9_][A-Za-z0-9._:/-]*$/;
const known = new Set<string>();

/**
 * Returns the name when every driver can take it: 1 to 128 ASCII letters, digits and `. _ - : /`, not starting with
 * punctuation. Throws `QUEUE_NAME_INVALID` otherwise. A driver with narrower rules adds its own check.
 */
export function checkQueueName(name: string): string {
  if (known.has(name)) return name;
  if (typeof name !== "string" || name.length > maxQueueNameLength || !queueName.test(name)) {
    throw new SluiceError(
      "QUEUE_NAME_INVALID",
      `queue name must be 1 to ${maxQueueNameLength} letters, digits or . _ - : / and begin with a letter, digit or _; got ${showValue(name)}. Choose a name such as resize or mail.welcome.`,
    );
  }
  if (known.size < 10_000) known.add(name);
  return name;
}
