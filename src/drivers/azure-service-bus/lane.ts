/**
 * One receiving link, with the deliveries that came over it. The SDK can hold 2,048 deliveries of a link, and one that is
 * not settled keeps the place of all that came after it: so a link is used for a number of deliveries and then replaced,
 * and closed when the last of them is settled.
 */
import type { BusClient, ReceivedMessage, Receiver } from "./client.ts";
import type { Session } from "./link.ts";
import { Turns } from "./turns.ts";

/** How many deliveries a link is used for. */
const mostDeliveries = 1000;

/** See the top of this file. */
export class Lane {
  readonly session: Session;
  readonly receiver: Receiver;
  readonly #turns = new Turns();
  readonly #numbers = new WeakMap<ReceivedMessage, number>();
  #served = 0;
  #outstanding = 0;
  #isRetired = false;

  constructor(session: Session, queue: string) {
    this.session = session;
    this.receiver = openReceiver(session.client, queue);
  }

  /** How many more deliveries the link may be asked for. */
  get room(): number {
    const isUsable = !this.#isRetired && !this.session.lost.aborted;
    return isUsable ? Math.max(0, mostDeliveries - this.#served) : 0;
  }

  /** Deliveries came, in this order. */
  took(messages: readonly ReceivedMessage[]): void {
    for (const message of messages) {
      this.#numbers.set(message, this.#served);
      this.#served += 1;
    }
    this.#outstanding += messages.length;
  }

  /** Resolves when an outcome of the message may be given, in that very turn. */
  turnFor(message: ReceivedMessage, isCompletion: boolean): Promise<void> {
    if (isCompletion) return this.#turns.take("completions");
    return this.#turns.take((this.#numbers.get(message) ?? 0) % 2 === 0 ? "even" : "odd");
  }

  /** A delivery is over. */
  release(): void {
    this.#outstanding -= 1;
    this.#closeWhenDone();
  }

  /** No more deliveries are asked for. */
  retire(): void {
    this.#isRetired = true;
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (!this.#isRetired || this.#outstanding > 0) return;
    // Nothing is left on it, and a connection that is gone has no link to close.
    if (!this.session.lost.aborted) this.receiver.close().catch(() => undefined);
  }
}

/** A receiver that gives bodies as they are and leaves locks to us. */
export function openReceiver(
  client: BusClient,
  queue: string,
  subQueueType?: "deadLetter",
): Receiver {
  return client.createReceiver(queue, {
    receiveMode: "peekLock",
    maxAutoLockRenewalDurationInMs: 0,
    skipParsingBodyAsJson: true,
    ...(subQueueType ? { subQueueType } : {}),
  });
}
