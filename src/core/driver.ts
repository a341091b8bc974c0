import type { DriverCapabilities } from "./capabilities.ts";
import type { Cancel } from "./clock.ts";
import type { DeadLetter, Delivery, Failure, OutgoingMessage, WaitingMessage } from "./message.ts";
import type { QueueDepth } from "./queue.ts";

/** What a call may be given besides its subject. */
export interface CallOptions {
  /** A publish that has not begun when it aborts rejects with `ABORTED` and has sent nothing. */
  readonly signal?: AbortSignal;
}

/** What a consumer asks for. */
export interface ReceiveRequest {
  /** At most this many messages, at least 1. */
  readonly max: number;
  /** How long to wait for the first one; 0 = answer at once. */
  readonly waitMs: number;
  /** How long the consumer owns what it receives, unless it extends or settles. */
  readonly leaseMs: number;
  /** Ends the wait early: the call resolves with nothing taken, or with what it already leased. */
  readonly signal?: AbortSignal;
}

/** How a delivery ends. */
export type Settlement =
  | { readonly receipt: string; readonly outcome: "ack" }
  | {
      readonly receipt: string;
      readonly outcome: "retry";
      readonly delayMs: number;
      readonly failure?: Failure;
    }
  | {
      readonly receipt: string;
      readonly outcome: "dead-letter";
      readonly reason: string;
      readonly failure?: Failure;
    }
  | { readonly receipt: string; readonly outcome: "release" };

/**
 * A broker, as thin as it can be. Retries, batching, validation, encoding, logging and time-outs are written once above
 * it; a driver does none of them.
 *
 * Obligations of every method: safe to call concurrently; rejects with a `SluiceError` only, with the foreign error as
 * `cause` and `retryable` set; after `close()` rejects with `CLOSED`. Queues come into being by being named.
 */
export interface QueueDriver {
  /** The name in messages and documents, such as `sqlite`. */
  readonly name: string;
  readonly capabilities: DriverCapabilities;

  /**
   * Stores all messages durably (as durably as `capabilities.durable` says) or rejects. Resolves with their ids in
   * order after the broker's own confirmation. After a rejection none is confirmed; sending the same ids again is safe
   * where `deduplication` is declared. At most `limits.maxPublishBatch` messages.
   */
  publish(
    queue: string,
    messages: readonly OutgoingMessage[],
    options?: CallOptions,
  ): Promise<readonly string[]>;

  /**
   * Leases up to `max` ready messages, highest priority first, then in the order they became ready. Waits up to
   * `waitMs` for the first and then returns what there is. A message whose lease runs out becomes ready again, its
   * attempt counted.
   */
  receive(queue: string, request: ReceiveRequest): Promise<readonly Delivery[]>;

  /**
   * Ends deliveries, all in as few round trips as the broker allows, and answers for each whether it took effect.
   * `false`: the lease was lost and the message belongs to the queue or to another consumer; nothing was changed.
   * `ack` removes. `retry` makes it ready again after `delayMs` and records the failure. `dead-letter` moves it to the
   * dead-letter queue with reason and history. `release` makes it ready at once in its old place and gives the attempt
   * back.
   */
  settle(queue: string, settlements: readonly Settlement[]): Promise<readonly boolean[]>;

  /** Counts, without scanning the queue. Rejects rather than guess. */
  depth(queue: string): Promise<QueueDepth>;

  /**
   * Frees everything; idempotent. Waiting receives resolve empty. Leased messages are left to their lease.
   */
  close(): Promise<void>;
}

/** Prolongs leases. */
export interface LeaseExtender {
  /** Each lease now ends `leaseMs` from now; `false` where it was already lost. */
  extend(queue: string, receipts: readonly string[], leaseMs: number): Promise<readonly boolean[]>;
}

/** Tells consumers that there may be work, so that nobody has to poll. */
export interface Waker {
  /**
   * Calls `onReady` soon after a message of the queue became ready for any reason, in any process: published, delay or
   * lease over, released. May call without cause; never leaves a ready message unannounced. Never calls inside the call
   * that made the message ready. Throws `CLOSED` after `close()`, which also ends every watch.
   */
  watch(queue: string, onReady: () => void): Cancel;
}

/** Which dead letters: all, or those with these ids. */
export interface DeadLetterSelection {
  readonly ids?: readonly string[];
}

/** The dead-letter queue that belongs to each queue. */
export interface DeadLetters {
  /** The oldest first. */
  deadLetters(queue: string, options: { readonly limit: number }): Promise<readonly DeadLetter[]>;
  /** Makes them ready again in their own queue and order with their headers, attempts starting anew. Returns how many. */
  redrive(queue: string, selection: DeadLetterSelection): Promise<number>;
  /** Deletes them for good. Returns how many. */
  purgeDeadLetters(queue: string, selection: DeadLetterSelection): Promise<number>;
}

/** Looks at waiting messages without taking them. */
export interface Browser {
  /** Ready ones in the order in which they will be received, then delayed ones by their time, then leased ones. */
  peek(queue: string, options: { readonly limit: number }): Promise<readonly WaitingMessage[]>;
}

/** Knows which queues there are. */
export interface QueueLister {
  /** Names of the queues that hold or held messages, in alphabetical order. */
  queues(): Promise<readonly string[]>;
}

/** Empties queues. */
export interface Purger {
  /** Deletes every ready and delayed message; leased and dead ones stay. Returns how many. */
  purge(queue: string): Promise<number>;
}

/** Knows when the messages that wait for their delay or backoff become ready. */
export interface DueTimes {
  /**
   * For each of the edges, which ascend and are in milliseconds from now: how many delayed messages become ready by then,
   * those of the edges before it included. Exact; reads no further than the last edge and never the rest of the queue.
   */
  dueWithin(queue: string, edgesMs: readonly number[]): Promise<readonly number[]>;
}

/**
 * A connection of the caller's with a transaction under way: a client of `pg`, or anything that queries likewise.
 * `values` are texts, numbers, booleans, buffers and `null`.
 */
export interface TransactionClient {
  query(text: string, values: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

/** Publishes as part of a database transaction that the caller began and will commit or roll back. */
export interface Transactional {
  /**
   * Stores the messages through the caller's connection to the same database. They can be received once the caller
   * commits, and never existed when the caller rolls back. Otherwise as `publish`; after a rejection the transaction can
   * only be rolled back.
   */
  publishWithin(
    transaction: TransactionClient,
    queue: string,
    messages: readonly OutgoingMessage[],
  ): Promise<readonly string[]>;
}

/** A driver with whichever extras it has. Ask for the method, not for the driver's name. */
export type Driver = QueueDriver &
  Partial<
    LeaseExtender & Waker & DeadLetters & Browser & QueueLister & Purger & DueTimes & Transactional
  >;
