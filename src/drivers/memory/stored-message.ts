import type {
  DeadLetter,
  Delivery,
  Failure,
  Headers,
  OutgoingMessage,
  WaitingMessage,
} from "../../core/index.ts";
import type { HeapItem } from "./indexed-heap.ts";

/** A message as the queue keeps it, from publish to its end. */
export interface StoredMessage extends HeapItem {
  readonly id: string;
  readonly body: Uint8Array;
  readonly headers: Headers;
  readonly priority: number;
  readonly publishedAt: number;
  /** The order of publishing, which decides between equal times. */
  readonly sequence: number;
  /** When it became or becomes ready. A lease changes nothing about it, which is how a message keeps its place. */
  readyAt: number;
  /** Deliveries less releases. */
  attempts: number;
  history: readonly Failure[];
  deduplicate: boolean;
  /** The lease that runs, if one does. */
  receipt: string;
  leaseEndsAt: number;
  /** Why and when it died, if it did. */
  reason: string;
  deadAt: number;
}

/** A new message with bytes and headers of its own, so that the publisher may go on using its buffers. */
export function storeMessage(
  message: OutgoingMessage,
  now: number,
  sequence: number,
): StoredMessage {
  return {
    id: message.id,
    // A Buffer from Node's pool takes a third of the memory of an array of its own, which a million small bodies feel.
    body: Buffer.from(message.body),
    headers: { ...message.headers },
    priority: message.priority,
    publishedAt: now,
    sequence,
    readyAt: now + message.delayMs,
    attempts: 0,
    history: [],
    deduplicate: message.deduplicate,
    receipt: "",
    leaseEndsAt: 0,
    reason: "",
    deadAt: 0,
    heapIndex: 0,
  };
}

export function toDelivery(message: StoredMessage): Delivery {
  return {
    ...content(message),
    attempt: message.attempts,
    priority: message.priority,
    readyAt: message.readyAt,
    history: message.history,
    receipt: message.receipt,
  };
}

export function toDeadLetter(message: StoredMessage, queue: string): DeadLetter {
  return {
    ...content(message),
    queue,
    attempts: message.attempts,
    reason: message.reason,
    deadAt: message.deadAt,
    history: message.history,
  };
}

export function toWaitingMessage(
  message: StoredMessage,
  state: WaitingMessage["state"],
): WaitingMessage {
  return { ...content(message), state, attempts: message.attempts, priority: message.priority };
}

/** What every view of a message shares, as copies: a consumer that writes into its body harms no later delivery. */
function content(message: StoredMessage) {
  return {
    id: message.id,
    body: new Uint8Array(message.body),
    headers: { ...message.headers },
    publishedAt: message.publishedAt,
  };
}

/** Ready or delayed messages of equal priority: the earlier first, equal times in the order of publishing. */
export function isReadyBefore(a: StoredMessage, b: StoredMessage): boolean {
  return a.readyAt === b.readyAt ? a.sequence < b.sequence : a.readyAt < b.readyAt;
}

/** Leased messages: whose lease ends first. */
export function isLostBefore(a: StoredMessage, b: StoredMessage): boolean {
  return a.leaseEndsAt < b.leaseEndsAt;
}

/** Dead messages: the oldest death first, those of one moment in the order of publishing. */
export function compareDeaths(a: StoredMessage, b: StoredMessage): number {
  return a.deadAt - b.deadAt || a.sequence - b.sequence;
}
