/**
 * Moves messages. AMQP cannot change a message in its queue, so whatever is to be kept of an attempt travels with a copy:
 * the copy is sent and confirmed first, and only then is the original acknowledged. Dying in between leaves both, so the
 * message may run twice; it is never lost.
 */
import { appendFailure, describeError, type Settlement } from "../../core/index.ts";
import { delayRoute } from "./ladder.ts";
import { fromAmqp, type Parcel, redeliveries, toPublishOptions } from "./message-codec.ts";
import type { Parts } from "./parts.ts";
import type { Shipment } from "./publisher.ts";
import type { Arrival, Lease, Session } from "./session.ts";
import { deadName } from "./topology.ts";

/** A lease and how it ends. */
export interface Ending {
  readonly lease: Lease;
  readonly settlement: Settlement;
}

/** A message and how long it has to wait. */
export interface Item {
  readonly parcel: Parcel;
  readonly delayMs: number;
}

/** Moves the messages of one queue; see the top of this file. */
export class Mover {
  readonly #queue: string;
  readonly #parts: Parts;

  constructor(queue: string, parts: Parts) {
    this.#queue = queue;
    this.#parts = parts;
  }

  /** Sends new or changed messages, each after its delay. Resolves when the broker has them safely. */
  async ship(items: readonly Item[]): Promise<void> {
    const { topology, publisher } = this.#parts;
    await Promise.all([topology.ensureQueue(this.#queue), publisher.open()]);
    if (items.some(({ delayMs }) => delayMs > 0))
      await this.#prepareDelays(items.map(({ delayMs }) => delayMs));
    await publisher.send(items.map(({ parcel, delayMs }) => this.#shipment(parcel, delayMs)));
  }

  /** Carries out settlements. Rejects when none of them is known to have taken effect. */
  async conclude(session: Session, endings: readonly Ending[]): Promise<void> {
    const delays = endings.map(({ settlement }) =>
      settlement.outcome === "retry" ? settlement.delayMs : 0,
    );
    await this.#prepareDelays(delays);
    await this.#parts.publisher.send(endings.flatMap((ending) => this.#copyFor(ending) ?? []));
    await session.calm();
    session.ack(endings.map(({ lease }) => lease));
    await session.barrier();
  }

  /** Puts copies of what nobody received into the queue, no attempt counted. The originals are still to be acknowledged. */
  async giveBack(session: Session, arrivals: readonly Arrival[]): Promise<void> {
    const now = this.#parts.clock.now();
    const copies = arrivals.map(({ message }) => {
      const parcel = fromAmqp(message, now);
      return this.#shipment({ ...parcel, attempts: parcel.attempts + redeliveries(message) });
    });
    try {
      await this.#parts.publisher.send(copies);
      session.bounced.push(...arrivals);
    } catch {
      // Better counted once too often than kept from everybody.
      for (const arrival of arrivals) requeueIfOpen(session, arrival);
    }
  }

  /** Ends a lease that ran out. */
  expire(session: Session, lease: Lease): void {
    if (!session.isOpen) return;
    const { queueType, publisher, clock, logger } = this.#parts;
    // A quorum queue counts what it gets back. A classic one does not, so the count travels with a copy.
    if (queueType === "quorum") {
      requeueIfOpen(session, lease);
      return;
    }
    const parcel = { ...lease.parcel, attempts: lease.attempt, readyAt: clock.now() };
    Promise.resolve()
      .then(() => publisher.send([this.#shipment(parcel)]))
      .then(() => session.ack([lease]))
      .catch((error: unknown) => {
        const reason = describeError(error);
        logger.warn("a lost lease could not be counted", { queue: this.#queue, reason });
        requeueIfOpen(session, lease);
      });
  }

  /** Puts leased messages where they become ready at the end of their leases although the connection ends now. */
  async outlive(session: Session, leases: readonly Lease[]): Promise<void> {
    if (leases.length === 0) return;
    const now = this.#parts.clock.now();
    const items = leases.map(({ parcel, attempt, endsAt }) => ({
      parcel: { ...parcel, attempts: attempt },
      delayMs: Math.max(1, endsAt - now),
    }));
    await this.ship(items);
    session.ack(leases);
  }

  #shipment(parcel: Parcel, delayMs = 0): Shipment {
    const now = this.#parts.clock.now();
    const readyAt = delayMs > 0 ? now + delayMs : parcel.readyAt;
    const options = toPublishOptions({ ...parcel, readyAt }, now);
    if (delayMs <= 0) return { exchange: "", routingKey: this.#queue, body: parcel.body, options };
    const { exchange, routingKey } = delayRoute(this.#queue, delayMs);
    return { exchange, routingKey, body: parcel.body, options };
  }

  async #prepareDelays(delays: readonly number[]): Promise<void> {
    const positive = delays.filter((delayMs) => delayMs > 0);
    if (positive.length === 0) return;
    const rungs = positive.flatMap((delayMs) => delayRoute(this.#queue, delayMs).rungs);
    await this.#parts.topology.ensureDelay(this.#queue, [...new Set(rungs)]);
  }

  /** The copy that goes on in the message's place; an acknowledged one leaves none. */
  #copyFor({ lease: { parcel, attempt }, settlement }: Ending): Shipment | null {
    const now = this.#parts.clock.now();
    if (settlement.outcome === "ack") return null;
    if (settlement.outcome === "release")
      return this.#shipment({ ...parcel, attempts: attempt - 1 });
    const history = appendFailure(parcel.history, settlement.failure);
    const ended = { ...parcel, attempts: attempt, history };
    if (settlement.outcome === "retry")
      return this.#shipment({ ...ended, readyAt: now }, settlement.delayMs);
    const dead = { ...ended, reason: settlement.reason, deadAt: now };
    return { ...this.#shipment(dead), routingKey: deadName(this.#queue) };
  }
}

/** A channel that is about to close throws before it says that it is closed; closing gives back what it holds. */
function requeueIfOpen(session: Session, arrival: Arrival): void {
  if (!session.isOpen) return;
  try {
    session.requeue(arrival);
  } catch {
    // The broker does it.
  }
}
