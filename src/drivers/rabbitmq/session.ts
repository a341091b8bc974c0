/**
 * One open channel of a queue, with all that dies when it closes: consumers and their credit, what arrived and is not
 * handed out yet, and leases. RabbitMQ has no lease time, so each lease has a timer here; a message whose lease runs out
 * is given back by hand, and one whose process dies is given back by the broker as soon as it notices.
 */
import { randomUUID } from "node:crypto";
import { type Cancel, type Clock, type Delivery, sleep } from "../../core/index.ts";
import { getMessage } from "./channel.ts";
import type { AmqpChannel, AmqpMessage } from "./client.ts";
import { fromAmqp, type Parcel, redeliveries, toDelivery } from "./message-codec.ts";

/** How long it may take until the queue has nothing for its subscriptions, and how often to look. */
const quietenMs = 1000;
const lookEveryMs = 5;

/** A subscription. The broker sends at most `credit` more messages until one of its messages is settled. */
export interface Consumer {
  readonly tag: string;
  credit: number;
  isActive: boolean;
  /** Nobody wants what may still come; it ends once its credit is used up. */
  isRetiring: boolean;
}

/** A message that the broker counts as ours. `consumer` is `null` when it was fetched by a basic.get. */
export interface Arrival {
  readonly message: AmqpMessage;
  readonly consumer: Consumer | null;
}

/** A message in the hands of a handler. */
export interface Lease extends Arrival {
  readonly receipt: string;
  readonly parcel: Parcel;
  readonly attempt: number;
  endsAt: number;
}

/** See the top of this file. */
export class Session {
  readonly channel: AmqpChannel;
  readonly consumers: Set<Consumer> = new Set();
  readonly leases: Map<string, Lease> = new Map();
  /** Arrived, and wanted by nobody yet. */
  buffer: Arrival[] = [];
  /** Sent back to the queue as copies, and not acknowledged yet because that would bring the next one. */
  bounced: Arrival[] = [];
  /**
   * Resolves when the cancellations under way are answered. They leave one after the other, so an acknowledgement would
   * overtake them and bring one more message to a subscription that is about to end.
   */
  cancelling: Promise<void> | null = null;
  /** Why the channel closed, if the broker said so. */
  failure: unknown = null;
  readonly #id: string = randomUUID();
  readonly #clock: Clock;
  readonly #onExpiry: (lease: Lease) => void;
  /** All that is not settled, in the order of the broker's numbers. */
  readonly #outstanding: Set<number> = new Set();
  #asked: Promise<void> | null = null;
  #askedNext: Promise<void> | null = null;
  #highestTag = 0;
  /** One for all leases: a timer for each would cost as much as all the rest of a message. */
  #cancelAlarm: Cancel = () => undefined;
  #alarmAt = Number.POSITIVE_INFINITY;
  #gets = 0;
  #subscriptions = 0;
  #isOpen = true;

  constructor(channel: AmqpChannel, clock: Clock, onExpiry: (lease: Lease) => void) {
    this.channel = channel;
    this.#clock = clock;
    this.#onExpiry = onExpiry;
  }

  /** How many messages the broker may send without being asked again. */
  get credit(): number {
    let credit = 0;
    for (const consumer of this.consumers) credit += consumer.credit;
    return credit;
  }

  /** Whether the broker still counts its messages as ours. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  newConsumer(credit: number): Consumer {
    this.#subscriptions += 1;
    const tag = `${this.#id}.${this.#subscriptions}`;
    const consumer = { tag, credit, isActive: true, isRetiring: false };
    this.consumers.add(consumer);
    return consumer;
  }

  endConsumer(consumer: Consumer): void {
    consumer.isActive = false;
    this.consumers.delete(consumer);
  }

  lease({ message, consumer }: Arrival, leaseMs: number): Delivery {
    const now = this.#clock.now();
    const parcel = fromAmqp(message, now);
    const attempt = parcel.attempts + redeliveries(message) + 1;
    const receipt = `${this.#id}.${message.fields.deliveryTag}`;
    this.hold({ message, consumer, receipt, parcel, attempt, endsAt: now + leaseMs });
    return toDelivery(parcel, attempt, receipt);
  }

  /** The lease runs, until its end as it is at that time. */
  hold(lease: Lease): void {
    this.leases.set(lease.receipt, lease);
    this.#lookAt(lease.endsAt);
  }

  /** Takes the lease away from its receipt and its time; `undefined` when it is not held. */
  claim(receipt: string): Lease | undefined {
    const lease = this.leases.get(receipt);
    if (lease === undefined) return undefined;
    this.leases.delete(receipt);
    return lease;
  }

  extend(receipt: string, leaseMs: number): boolean {
    const lease = this.leases.get(receipt);
    if (lease === undefined) return false;
    lease.endsAt = this.#clock.now() + leaseMs;
    this.#lookAt(lease.endsAt);
    return true;
  }

  /** The broker counts it as ours from here on. */
  arrived(message: AmqpMessage): void {
    const tag = message.fields.deliveryTag;
    if (tag < this.#highestTag) {
      const tags = [...this.#outstanding, tag].sort((one, other) => one - other);
      this.#outstanding.clear();
      for (const one of tags) this.#outstanding.add(one);
      return;
    }
    this.#highestTag = tag;
    this.#outstanding.add(tag);
  }

  /** Fetches one message, if there is one. */
  async get(queue: string): Promise<AmqpMessage | false> {
    this.#gets += 1;
    try {
      const message = await getMessage(this.channel, queue);
      if (message !== false) this.arrived(message);
      return message;
    } finally {
      this.#gets -= 1;
    }
  }

  /**
   * The broker forgets them. One answer for all that lie before the first one still held: a quorum queue writes each
   * answer into its log, and the broker keeps answers back when there are many at a time.
   */
  ack(arrivals: readonly Arrival[]): void {
    const left = new Map(arrivals.map((arrival) => [tagOf(arrival), arrival]));
    let last: Arrival | null = null;
    // A fetched message may have a number already that is not known here yet.
    const known = this.#gets === 0 ? this.#outstanding : [];
    for (const tag of known) {
      const arrival = left.get(tag);
      if (arrival === undefined) break;
      last = arrival;
      left.delete(tag);
    }
    if (last) this.channel.ack(last.message, true);
    for (const { message } of left.values()) this.channel.ack(message, false);
    for (const arrival of arrivals) this.#settled(arrival);
  }

  /** Waits until nothing is on its way to a subscription, as far as that can be seen. */
  async quieten(queue: string): Promise<void> {
    const endsAt = this.#clock.now() + quietenMs;
    while (this.credit > 0 && this.#clock.now() < endsAt) {
      const { messageCount } = await this.channel.checkQueue(queue);
      await this.barrier();
      if (messageCount === 0) return;
      await sleep(this.#clock, lookEveryMs);
    }
  }

  /** Resolves when settlements may be sent; never rejects. */
  async calm(): Promise<void> {
    while (this.cancelling !== null) await this.cancelling;
  }

  /** The broker gives it to anybody, and a quorum queue counts it, which since RabbitMQ 4.3 it does not for a nack. */
  requeue(arrival: Arrival): void {
    this.channel.reject(arrival.message, true);
    this.#settled(arrival);
  }

  /**
   * Resolves when the broker has read all that was sent over the channel: settlements have no answer of their own. A
   * question can be asked once the last one is answered, so those who come meanwhile share the next.
   */
  barrier(): Promise<void> {
    if (this.#asked === null) {
      this.#asked = this.#ask().finally(() => {
        this.#asked = null;
      });
      return this.#asked;
    }
    this.#askedNext ??= this.#asked
      .catch(() => undefined)
      .then(() => {
        this.#askedNext = null;
        return this.barrier();
      });
    return this.#askedNext;
  }

  async #ask(): Promise<void> {
    await this.channel.prefetch(1);
  }

  end(): void {
    this.#isOpen = false;
    this.#cancelAlarm();
    this.leases.clear();
    this.consumers.clear();
    this.#outstanding.clear();
    this.buffer = [];
    this.bounced = [];
  }

  #settled(arrival: Arrival): void {
    this.#outstanding.delete(tagOf(arrival));
    if (arrival.consumer?.isActive) arrival.consumer.credit += 1;
  }

  /** Looks then at the latest; a look that comes too early does no harm. */
  #lookAt(at: number): void {
    if (at >= this.#alarmAt) return;
    this.#cancelAlarm();
    this.#alarmAt = at;
    this.#cancelAlarm = this.#clock.after(Math.max(0, at - this.#clock.now()), () => this.#look());
  }

  #look(): void {
    this.#alarmAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const lease of this.leases.values()) {
      if (lease.endsAt > now) next = Math.min(next, lease.endsAt);
      else if (this.leases.delete(lease.receipt)) this.#onExpiry(lease);
    }
    if (this.#isOpen && next < Number.POSITIVE_INFINITY) this.#lookAt(next);
  }
}

function tagOf({ message }: Arrival): number {
  return message.fields.deliveryTag;
}
