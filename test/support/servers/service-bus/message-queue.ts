/**
 * One queue, or the dead-letter queue of one: what the service keeps and when messages change hands.
 *
 * scheduled → (its time) active → locked → completed | abandoned, lock over → active | deferred | dead-lettered. A
 * deferred message is received by its sequence number only, and stays deferred when it is given back.
 */
import { randomUUID } from "node:crypto";
import type { Message } from "rhea";

/** How a queue was created. */
export interface QueueSettings {
  readonly lockMs: number;
  readonly maxDeliveryCount: number;
  /** How long ids are remembered; `null` without duplicate detection. */
  readonly duplicateWindowMs: number | null;
  readonly maxMessageBytes: number;
}

/** An error as the protocol names it. */
export class Refusal extends Error {
  readonly condition: string;

  constructor(condition: string, description: string) {
    super(description);
    this.condition = condition;
  }
}

/** A message that the queue keeps. */
export interface StoredMessage {
  sequence: number;
  readonly enqueuedSequence: number;
  enqueuedAt: number;
  content: Message;
  state: "active" | "scheduled" | "deferred";
  /** Deliveries that ended without success. */
  deliveryCount: number;
  lock: { readonly token: string; until: number } | null;
  readonly deadLetterSource?: string;
  cancelTimer: () => void;
}

type Properties = Readonly<Record<string, unknown>>;

/** See the top of this file. */
export class MessageQueue {
  readonly name: string;
  readonly settings: QueueSettings;
  readonly createdAt: number = Date.now();
  /** `null` for a dead-letter queue itself. */
  readonly deadLetters: MessageQueue | null;
  /** Called when a message can be received. */
  onReady: () => void = () => undefined;
  readonly #messages = new Map<number, StoredMessage>();
  readonly #locked = new Map<string, StoredMessage>();
  readonly #seenIds = new Map<string, number>();
  /** By sequence number. */
  readonly #ready: StoredMessage[] = [];
  #lastSequence = 0;

  constructor(name: string, settings: QueueSettings, isDeadLetterQueue = false) {
    this.name = name;
    this.settings = settings;
    this.deadLetters = isDeadLetterQueue
      ? null
      : new MessageQueue(`${name}/$deadletterqueue`, settings, true);
  }

  /** Stores a message, unless its id was seen lately. Returns its sequence number. */
  enqueue(content: Message, scheduledFor: number | null = null): number {
    this.#lastSequence += 1;
    if (this.#isDuplicate(content)) return this.#lastSequence;
    this.#add(content, { scheduledFor });
    return this.#lastSequence;
  }

  cancelScheduled(sequence: number): void {
    const message = this.#messages.get(sequence);
    if (message?.state !== "scheduled")
      throw new Refusal("com.microsoft:message-not-found", `no scheduled message ${sequence}`);
    this.#remove(message);
  }

  /** Locks the next active message. */
  lockNext(): StoredMessage | null {
    const message = this.#ready.shift();
    if (message === undefined) return null;
    this.#lock(message);
    return message;
  }

  /** Locks deferred messages. */
  lockDeferred(sequences: readonly number[]): readonly StoredMessage[] {
    const found = sequences.map((sequence) => {
      const message = this.#messages.get(sequence);
      if (message?.state !== "deferred" || message.lock !== null)
        throw new Refusal("com.microsoft:message-not-found", `no deferred message ${sequence}`);
      return message;
    });
    for (const message of found) this.#lock(message);
    return found;
  }

  /** Takes the next active message for good. */
  takeNext(): StoredMessage | null {
    const message = this.#ready.shift();
    if (message !== undefined) this.#remove(message);
    return message ?? null;
  }

  renew(token: string): number {
    const message = this.#held(token);
    message.lock = { token, until: Date.now() + this.settings.lockMs };
    this.#armLock(message);
    return message.lock.until;
  }

  complete(token: string): void {
    this.#remove(this.#held(token));
  }

  abandon(token: string, properties: Properties = {}): void {
    const message = this.#held(token);
    merge(message.content, properties);
    this.#giveBack(message);
  }

  defer(token: string, properties: Properties = {}): void {
    const message = this.#held(token);
    merge(message.content, properties);
    this.#unlock(message);
    message.state = "deferred";
  }

  deadLetter(token: string, reason: Properties): void {
    this.#bury(this.#held(token), reason);
  }

  /** Every message from a sequence number on, whatever its state. */
  peek(from: number, count: number): readonly StoredMessage[] {
    return [...this.#messages.values()]
      .filter(({ sequence }) => sequence >= from)
      .sort((one, other) => one.sequence - other.sequence)
      .slice(0, count);
  }

  /** As the management API counts: what is locked or deferred is active. */
  counts(): { readonly active: number; readonly scheduled: number } {
    const all = [...this.#messages.values()];
    const scheduled = all.filter(({ state }) => state === "scheduled").length;
    return { active: all.length - scheduled, scheduled };
  }

  /** Ends every timer. */
  close(): void {
    for (const message of this.#messages.values()) message.cancelTimer();
    this.deadLetters?.close();
  }

  #isDuplicate({ message_id }: Message): boolean {
    const { duplicateWindowMs } = this.settings;
    if (duplicateWindowMs === null || message_id === undefined) return false;
    const id = String(message_id);
    const now = Date.now();
    if ((this.#seenIds.get(id) ?? 0) > now) return true;
    this.#seenIds.set(id, now + duplicateWindowMs);
    return false;
  }

  #add(
    content: Message,
    {
      scheduledFor,
      source,
      deliveryCount = 0,
    }: {
      readonly scheduledFor: number | null;
      readonly source?: string;
      readonly deliveryCount?: number;
    },
  ): void {
    const message: StoredMessage = {
      sequence: this.#lastSequence,
      enqueuedSequence: this.#lastSequence,
      enqueuedAt: scheduledFor ?? Date.now(),
      content,
      state: scheduledFor === null ? "active" : "scheduled",
      deliveryCount,
      lock: null,
      ...(source === undefined ? {} : { deadLetterSource: source }),
      cancelTimer: () => undefined,
    };
    this.#messages.set(message.sequence, message);
    if (scheduledFor === null) this.#makeReady(message);
    else message.cancelTimer = later(scheduledFor, () => this.#activate(message));
  }

  /** A scheduled message enters the queue at its time, behind what is there. */
  #activate(message: StoredMessage): void {
    this.#messages.delete(message.sequence);
    this.#lastSequence += 1;
    message.sequence = this.#lastSequence;
    message.state = "active";
    this.#messages.set(message.sequence, message);
    this.#makeReady(message);
  }

  #makeReady(message: StoredMessage): void {
    let at = this.#ready.length;
    while (at > 0 && (this.#ready[at - 1]?.sequence ?? 0) > message.sequence) at -= 1;
    this.#ready.splice(at, 0, message);
    this.onReady();
  }

  #lock(message: StoredMessage): void {
    message.lock = { token: randomUUID(), until: Date.now() + this.settings.lockMs };
    this.#locked.set(message.lock.token, message);
    this.#armLock(message);
  }

  #armLock(message: StoredMessage): void {
    message.cancelTimer();
    message.cancelTimer = later(message.lock?.until ?? 0, () => this.#giveBack(message));
  }

  #held(token: string): StoredMessage {
    const message = this.#locked.get(token);
    if (message === undefined)
      throw new Refusal(
        "com.microsoft:message-lock-lost",
        "The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.",
      );
    return message;
  }

  #unlock(message: StoredMessage): void {
    message.cancelTimer();
    if (message.lock) this.#locked.delete(message.lock.token);
    message.lock = null;
  }

  #giveBack(message: StoredMessage): void {
    message.deliveryCount += 1;
    if (this.deadLetters !== null && message.deliveryCount >= this.settings.maxDeliveryCount) {
      this.#bury(message, {
        DeadLetterReason: "MaxDeliveryCountExceeded",
        DeadLetterErrorDescription: `Message could not be consumed after ${message.deliveryCount} delivery attempts.`,
      });
      return;
    }
    this.#unlock(message);
    if (message.state === "active") this.#makeReady(message);
  }

  #bury(message: StoredMessage, reason: Properties): void {
    if (this.deadLetters === null)
      throw new Refusal("amqp:not-allowed", "a dead letter cannot be dead-lettered");
    this.#remove(message);
    merge(message.content, reason);
    this.deadLetters.#lastSequence += 1;
    const { deliveryCount } = message;
    this.deadLetters.#add(message.content, {
      scheduledFor: null,
      source: this.name,
      deliveryCount,
    });
  }

  #remove(message: StoredMessage): void {
    this.#unlock(message);
    this.#messages.delete(message.sequence);
    const at = this.#ready.indexOf(message);
    if (at >= 0) this.#ready.splice(at, 1);
  }
}

function merge(content: Message, properties: Properties): void {
  content.application_properties = { ...content.application_properties, ...properties };
}

const longestTimerMs = 2 ** 31 - 1;

/** Runs `callback` at a time; does not keep the process alive. */
function later(at: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const left = at - Date.now();
    timer = setTimeout(
      () => (left > longestTimerMs ? arm() : callback()),
      Math.min(Math.max(left, 0), longestTimerMs),
    );
    timer.unref();
  };
  arm();
  return () => clearTimeout(timer);
}
