import {
  appendFailure,
  type Cancel,
  type Clock,
  type DeadLetter,
  type DeadLetterSelection,
  type Delivery,
  type OutgoingMessage,
  type QueueDepth,
  type Settlement,
  type WaitingMessage,
} from "../../core/index.ts";
import { IndexedHeap } from "./indexed-heap.ts";
import { KnownIds } from "./known-ids.ts";
import { QueueBell } from "./queue-bell.ts";
import {
  compareDeaths,
  isLostBefore,
  isReadyBefore,
  type StoredMessage,
  storeMessage,
  toDeadLetter,
  toDelivery,
  toWaitingMessage,
} from "./stored-message.ts";

/** What a {@link MemoryQueue} shares with its store. */
export interface MemoryQueueOptions {
  readonly clock: Clock;
  readonly dedupWindowMs: number;
  /** A receipt that was never given before. */
  readonly nextReceipt: () => string;
}

/**
 * One queue. A message is in exactly one of four places:
 *
 *   publish → ready | delayed · delayed → (due) ready · ready → (receive) leased
 *   leased → (ack) gone | (retry) ready, delayed | (release, lease over) ready | (dead-letter) dead
 *   dead → (redrive) ready | (purge) gone
 *
 * Nothing moves by itself: whoever asks first makes ready what is due, and while somebody watches, the bell's timer
 * asks. Every method runs to its end without waiting, so calls never see each other's halves.
 */
export class MemoryQueue {
  readonly name: string;
  readonly #options: MemoryQueueOptions;
  /** Ready messages by priority, so that the oldest of all is among the firsts. */
  readonly #ready: IndexedHeap<StoredMessage>[] = [];
  readonly #delayed = new IndexedHeap<StoredMessage>(isReadyBefore);
  readonly #leased = new IndexedHeap<StoredMessage>(isLostBefore);
  readonly #byReceipt = new Map<string, StoredMessage>();
  readonly #dead = new Set<StoredMessage>();
  readonly #knownIds: KnownIds;
  readonly #bell: QueueBell;
  #published = 0;

  constructor(name: string, options: MemoryQueueOptions) {
    this.name = name;
    this.#options = options;
    this.#knownIds = new KnownIds(options.dedupWindowMs);
    this.#bell = new QueueBell({
      clock: options.clock,
      nextDueAt: () => this.#nextDueAt(),
      onDue: () => this.#makeDueReady(this.#now()),
    });
  }

  /** Whether it ever held a message. */
  get isUsed(): boolean {
    return this.#published > 0;
  }

  publish(messages: readonly OutgoingMessage[]): readonly string[] {
    const now = this.#now();
    for (const message of messages) {
      if (message.deduplicate) {
        if (this.#knownIds.has(message.id, now)) continue;
        this.#knownIds.add(message.id, now);
      }
      this.#published += 1;
      this.#wait(storeMessage(message, now, this.#published), now);
    }
    return messages.map((message) => message.id);
  }

  receive(max: number, leaseMs: number): readonly Delivery[] {
    const now = this.#now();
    this.#makeDueReady(now);
    const deliveries: Delivery[] = [];
    while (deliveries.length < max) {
      const message = this.#ready.findLast((lane) => lane.size > 0)?.shift();
      if (message === undefined) break;
      message.attempts += 1;
      message.receipt = this.#options.nextReceipt();
      message.leaseEndsAt = now + leaseMs;
      this.#leased.add(message);
      this.#byReceipt.set(message.receipt, message);
      deliveries.push(toDelivery(message));
    }
    this.#bell.arm();
    return deliveries;
  }

  settle(settlements: readonly Settlement[]): readonly boolean[] {
    const now = this.#now();
    return settlements.map((settlement) => {
      const message = this.#byReceipt.get(settlement.receipt);
      if (message === undefined) return false;
      this.#endLease(message);
      this.#conclude(message, settlement, now);
      return true;
    });
  }

  extend(receipts: readonly string[], leaseMs: number): readonly boolean[] {
    const leaseEndsAt = this.#now() + leaseMs;
    const answers = receipts.map((receipt) => {
      const message = this.#byReceipt.get(receipt);
      if (message === undefined) return false;
      this.#leased.remove(message);
      message.leaseEndsAt = leaseEndsAt;
      this.#leased.add(message);
      return true;
    });
    this.#bell.arm();
    return answers;
  }

  depth(): QueueDepth {
    const now = this.#now();
    this.#makeDueReady(now);
    let ready = 0;
    let oldest = now;
    for (const lane of this.#ready) {
      ready += lane.size;
      oldest = Math.min(oldest, lane.first?.readyAt ?? oldest);
    }
    return {
      ready,
      delayed: this.#delayed.size,
      inFlight: this.#leased.size,
      dead: this.#dead.size,
      oldestAgeMs: now - oldest,
    };
  }

  dueWithin(edgesMs: readonly number[]): readonly number[] {
    const now = this.#now();
    this.#makeDueReady(now);
    const counts = edgesMs.map(() => 0);
    const last = now + (edgesMs.at(-1) ?? 0);
    for (const { readyAt } of this.#delayed.fulfilling((message) => message.readyAt <= last)) {
      const edge = edgesMs.findIndex((ms) => readyAt <= now + ms);
      counts[edge] = (counts[edge] ?? 0) + 1;
    }
    let total = 0;
    return counts.map((count) => {
      total += count;
      return total;
    });
  }

  watch(onReady: () => void): Cancel {
    return this.#bell.watch(onReady);
  }

  deadLetters(limit: number): readonly DeadLetter[] {
    const oldestFirst = [...this.#dead].sort(compareDeaths);
    return oldestFirst.slice(0, limit).map((message) => toDeadLetter(message, this.name));
  }

  redrive(selection: DeadLetterSelection): number {
    return this.#takeDead(selection, (message) => {
      message.attempts = 0;
      message.deduplicate = false;
      this.#makeReady(message);
    });
  }

  purgeDeadLetters(selection: DeadLetterSelection): number {
    return this.#takeDead(selection, () => undefined);
  }

  /** Ready ones in the order of receiving, then delayed ones in the order of coming due, then leased ones. */
  peek(limit: number): readonly WaitingMessage[] {
    this.#makeDueReady(this.#now());
    const shown: WaitingMessage[] = [];
    const show = (heap: IndexedHeap<StoredMessage>, state: WaitingMessage["state"]): void => {
      for (const message of heap.firstOf(limit - shown.length))
        shown.push(toWaitingMessage(message, state));
    };
    for (const lane of this.#ready.toReversed()) show(lane, "ready");
    show(this.#delayed, "delayed");
    show(this.#leased, "in flight");
    return shown;
  }

  purge(): number {
    this.#makeDueReady(this.#now());
    const purged = [...this.#ready, this.#delayed].flatMap((heap) => heap.clear());
    for (const message of purged) this.#forget(message);
    return purged.length;
  }

  #conclude(message: StoredMessage, settlement: Settlement, now: number): void {
    switch (settlement.outcome) {
      case "ack":
        this.#forget(message);
        return;
      case "release":
        message.attempts -= 1;
        this.#makeReady(message);
        return;
      case "retry":
        message.history = appendFailure(message.history, settlement.failure);
        message.readyAt = now + settlement.delayMs;
        this.#wait(message, now);
        return;
      case "dead-letter":
        message.history = appendFailure(message.history, settlement.failure);
        message.reason = settlement.reason;
        message.deadAt = now;
        this.#dead.add(message);
        this.#forget(message);
    }
  }

  #wait(message: StoredMessage, now: number): void {
    if (message.readyAt <= now) {
      this.#makeReady(message);
      return;
    }
    this.#delayed.add(message);
    this.#bell.arm();
  }

  #makeReady(message: StoredMessage): void {
    let lane = this.#ready[message.priority];
    while (lane === undefined) {
      this.#ready.push(new IndexedHeap<StoredMessage>(isReadyBefore));
      lane = this.#ready[message.priority];
    }
    lane.add(message);
    this.#bell.ring();
  }

  #makeDueReady(now: number): void {
    for (let next = this.#delayed.first; next && next.readyAt <= now; next = this.#delayed.first) {
      this.#delayed.remove(next);
      this.#makeReady(next);
    }
    for (
      let next = this.#leased.first;
      next && next.leaseEndsAt <= now;
      next = this.#leased.first
    ) {
      this.#endLease(next);
      this.#makeReady(next);
    }
  }

  #endLease(message: StoredMessage): void {
    this.#leased.remove(message);
    this.#byReceipt.delete(message.receipt);
  }

  /** Frees its id, apart from the window. */
  #forget(message: StoredMessage): void {
    if (message.deduplicate) this.#knownIds.end(message.id);
  }

  #takeDead({ ids }: DeadLetterSelection, use: (message: StoredMessage) => void): number {
    const wanted = ids === undefined ? null : new Set(ids);
    const taken = [...this.#dead].filter(({ id }) => wanted?.has(id) ?? true);
    for (const message of taken) {
      this.#dead.delete(message);
      use(message);
    }
    return taken.length;
  }

  #nextDueAt(): number | null {
    const dueAt = Math.min(
      this.#delayed.first?.readyAt ?? Number.POSITIVE_INFINITY,
      this.#leased.first?.leaseEndsAt ?? Number.POSITIVE_INFINITY,
    );
    return dueAt === Number.POSITIVE_INFINITY ? null : dueAt;
  }

  #now(): number {
    return this.#options.clock.now();
  }
}
