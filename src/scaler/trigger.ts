import type { Cancel } from "../core/index.ts";

/** So many delayed messages become ready within `inMs` from the reading; `count` holds those of shorter times as well. */
export interface DueCount {
  readonly inMs: number;
  readonly count: number;
}

/** What is asked of a reading besides its figures, from sources that can tell it. */
export interface ReadingWish {
  /** When delayed messages become ready: counts up to each of these times from now, which ascend. */
  readonly dueEdgesMs?: readonly number[];
}

/** One measurement of the work that waits, as read at `at`. */
export interface MetricSample {
  /** What was measured, such as the name of the queue. */
  readonly name: string;
  /** The figure that policies compare: for a queue the messages that wait and those that run, 0 or more. */
  readonly value: number;
  /** When it was read, in the clock's milliseconds. */
  readonly at: number;
  /** Messages that could be received now; `null` where the source is not a queue. */
  readonly ready: number | null;
  /** Messages that workers hold; `null` where the broker does not say. */
  readonly inFlight: number | null;
  /** Messages whose delay has not passed; `null` where the broker does not say. */
  readonly delayed: number | null;
  /** How long the longest-waiting message has been ready; `null` where the broker does not say. */
  readonly oldestAgeMs: number | null;
  /** When the delayed ones become ready, by ascending times; absent where nobody asked or the broker does not say. */
  readonly due?: readonly DueCount[];
  /** As many consumers as can be active at a time; absent where nothing limits that. */
  readonly activeGroups?: number;
}

/**
 * Tells how much work there is. Reads only; safe to call concurrently.
 *
 * Obligations: `metrics` rejects when any part of the reading failed. A failed reading is never reported as zero, nor as
 * a sum without the part that failed. What the trigger was built from (a driver) belongs to whoever built it: `close`
 * ends the trigger's own subscriptions and nothing else, and is idempotent.
 */
export interface Trigger {
  /** For decisions and logs, such as `queue-depth`. */
  readonly name: string;
  /** A fresh reading. The values of the samples add up to one amount of work. */
  metrics(): Promise<readonly MetricSample[]>;
  /** Calls `onActive` soon after work came. May call without cause and at any rate; never the only way to learn of work. */
  watch?(onActive: () => void): Cancel;
  close(): Promise<void>;
}
