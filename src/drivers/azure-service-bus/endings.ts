/**
 * How deliveries end.
 *
 * A message that is to be tried at once is abandoned: it keeps its place, and properties that travel with it say what
 * its delivery count means. A retry with a delay takes two steps, since the broker cannot delay what it has: a copy is
 * scheduled, then the original is completed. When the process dies between the two, both are there. The copy's message
 * id is made of the original's sequence number and stay; and an original that comes again with a lost lock is never
 * handed out, but moved: a copy with that same id is sent, and the original completed. Where the scheduled copy is there
 * already, duplicate detection drops the second one. So exactly one of them lives, whichever step was the last.
 *
 * Where the queue is not known to detect duplicates, the same is done by looking. An original whose copy is there is
 * completed instead of moved. That answer is true because no copy is handed out while its original is in the queue (see
 * intake.ts), and because copies are only made under a lock that is sure to be ours.
 *
 * Moving also starts a new delivery count, so that the queue's MaxDeliveryCount does not end a job before its own limit.
 */
import { appendFailure, type Failure, type Settlement } from "../../core/index.ts";
import type { ReceivedMessage, Receiver, SentMessage } from "./client.ts";
import { isLockLost, isUnanswered, toDriverError } from "./errors.ts";
import { Gate } from "./gate.ts";
import { type Lane, openReceiver } from "./lane.ts";
import type { Lease } from "./leases.ts";
import type { Session } from "./link.ts";
import { buried, givenBack, type Parcel, toCopy } from "./message-codec.ts";
import type { Parts } from "./parts.ts";
import type { QueueFacts } from "./queues.ts";
import { copyIdOf, type Succession } from "./succession.ts";

/** A message whose lock is ours. */
export interface Held {
  readonly message: ReceivedMessage;
  readonly parcel: Parcel;
  /** How long the lock is, of which at least half was left. */
  readonly lockMs?: number;
  /** The receiver that it came by, as long as its connection lives. */
  readonly lane: Pick<Lane, "session" | "receiver" | "turnFor">;
}

/** What a copy says that its original does not. */
interface Succeeding {
  readonly attempts: number;
  readonly readyAt: number;
  readonly history?: readonly Failure[];
}

type Work = (receiver: Receiver, message: ReceivedMessage) => Promise<unknown>;

/** The longest reason that the broker takes. */
const longestReason = 4000;
const defaultMaxDeliveryCount = 10;
/** Requests that are under way at once; the management link has room for some more. */
const mostRenewals = 100;

/** See the top of this file. All reject with a SluiceError, and resolve with `false` when the lock was lost. */
export class Endings {
  readonly #parts: Parts;
  readonly #queue: string;
  readonly #succession: Succession;
  /** Messages of which a copy may have been made before. */
  readonly #begun = new WeakSet<ReceivedMessage>();
  readonly #receivers = new WeakMap<Session, Receiver>();
  readonly #renewals = new Gate(mostRenewals);

  constructor(parts: Parts, queue: string, succession: Succession) {
    this.#parts = parts;
    this.#queue = queue;
    this.#succession = succession;
  }

  /** What a settlement asks for. */
  conclude(lease: Lease, settlement: Settlement, facts: QueueFacts): Promise<boolean> {
    const { parcel } = lease;
    const attempts = parcel.attempts + 1;
    switch (settlement.outcome) {
      case "ack":
        return this.#complete(lease);
      case "release":
        return this.giveBack(lease, { attempts: parcel.attempts, readyAt: null }, facts);
      case "dead-letter":
        return this.#bury(lease, settlement.reason, settlement.failure);
      case "retry": {
        const history = appendFailure(parcel.history, settlement.failure);
        const now = this.#parts.clock.now();
        const readyAt = now + settlement.delayMs;
        if (settlement.delayMs > 0)
          return this.postpone(lease, { attempts, readyAt, history }, facts);
        return this.giveBack(lease, { attempts, readyAt, history }, facts);
      }
    }
  }

  /** Makes the message ready at once. */
  async giveBack(
    held: Held,
    change: {
      readonly attempts: number;
      readonly readyAt: number | null;
      readonly history?: readonly Failure[];
    },
    facts: QueueFacts,
  ): Promise<boolean> {
    const { parcel, message } = held;
    const { history = parcel.history, attempts, readyAt } = change;
    const count = (message.deliveryCount ?? 0) + 1;
    const most = facts.maxDeliveryCount ?? defaultMaxDeliveryCount;
    // At its limit the broker would dead-letter it; one more delivery must be left for a crash.
    if (count + 1 >= most || this.#begun.has(message)) {
      const now = this.#parts.clock.now();
      return this.move(held, { attempts, readyAt: readyAt ?? now, history }, facts);
    }
    const changed = givenBack(parcel, { count, attempts, readyAt, history });
    return this.#settle(held, (receiver, own) => receiver.abandonMessage(own, changed));
  }

  /** Replaces the message by a copy that is ready at once, unless it has one. */
  move(held: Held, change: Succeeding, facts: QueueFacts): Promise<boolean> {
    return this.#replace(held, change, facts, (copy) =>
      this.#parts.publisher.send(this.#queue, copy),
    );
  }

  /** Replaces the message by a copy that is ready later, unless it has one. */
  postpone(held: Held, change: Succeeding, facts: QueueFacts): Promise<boolean> {
    return this.#replace(held, change, facts, (copy) =>
      this.#parts.publisher.schedule(this.#queue, copy, change.readyAt),
    );
  }

  async #replace(
    held: Held,
    change: Succeeding,
    { detectsDuplicates }: QueueFacts,
    store: (copy: SentMessage) => Promise<void>,
  ): Promise<boolean> {
    const { message, parcel } = held;
    let isThere = false;
    if (detectsDuplicates !== true) {
      if (parcel.isAbandoned || this.#begun.has(message))
        isThere = await this.#translating(() => this.#succession.hasCopy(message, parcel));
      // What is stored under a lost lock would be a second copy.
      if (!isThere && !(await this.renew(held))) return false;
    }
    if (!isThere) {
      const copy = toCopy(parcel, { messageId: copyIdOf(message, parcel), ...change });
      this.#begun.add(message);
      await this.#translating(() => store(copy));
    }
    return this.#complete(held);
  }

  /** Prolongs a lock. */
  async renew(held: Held): Promise<boolean> {
    await this.#renewals.enter();
    try {
      return await this.#settle(
        held,
        (receiver, message) => receiver.renewMessageLock(message),
        true,
      );
    } finally {
      this.#renewals.leave();
    }
  }

  #bury(held: Held, reason: string, failure: Failure | undefined): Promise<boolean> {
    const { parcel } = held;
    const changed = buried(parcel, {
      attempts: parcel.attempts + 1,
      deadAt: this.#parts.clock.now(),
      history: appendFailure(parcel.history, failure),
    });
    return this.#settle(held, (receiver, message) =>
      receiver.deadLetterMessage(message, {
        ...changed,
        deadLetterReason: reason.slice(0, longestReason),
        deadLetterErrorDescription: (failure?.error ?? "").slice(0, longestReason),
      }),
    );
  }

  #complete(held: Held): Promise<boolean> {
    return this.#settle(held, (receiver, message) => receiver.completeMessage(message), true);
  }

  async #settle(held: Held, work: Work, isCompletion = false): Promise<boolean> {
    const startedAt = this.#parts.clock.now();
    try {
      await this.#attempt(held, work, isCompletion);
      return true;
    } catch (error) {
      if (isLockLost(error)) return false;
      if (!isUnanswered(error)) throw this.#translate(error);
    }
    // The link closed under it: asked once more, by the lock token. A lock that is gone before its time was settled.
    try {
      await this.#attempt(held, work, isCompletion);
      return true;
    } catch (error) {
      if (isLockLost(error)) return this.#parts.clock.now() - startedAt < (held.lockMs ?? 0) / 2;
      throw this.#translate(error);
    }
  }

  async #attempt(held: Held, work: Work, isCompletion: boolean): Promise<void> {
    const { link, throttle } = this.#parts;
    await throttle.run(`settling in ${this.#queue}`, () => {
      const session = link.session();
      return link.call(session, async () => {
        const { lane, message } = held;
        if (lane.session !== session || isLinkGone(message))
          return work(this.#receiver(session), withoutLink(message));
        await lane.turnFor(message, isCompletion);
        return work(lane.receiver, message);
      });
    });
  }

  /** For messages whose link is gone: they are settled by their lock token, which takes longer. */
  #receiver(session: Session): Receiver {
    const known = this.#receivers.get(session);
    if (known) return known;
    const receiver = openReceiver(session.client, this.#queue);
    this.#receivers.set(session, receiver);
    return receiver;
  }

  async #translating<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#translate(error);
    }
  }

  #translate(error: unknown): Error {
    const { namespace } = this.#parts;
    return toDriverError(error, { namespace, doing: "settling a job", queue: this.#queue });
  }
}

/** What the SDK keeps on a message beside what its types tell. */
interface Inside {
  readonly delivery?: {
    readonly link?: { is_open?(): boolean };
    readonly remote_settled?: boolean;
  };
}

/**
 * Whether no more outcome can be given on the link that the message came by: it is closed, or an outcome was given and
 * refused. The SDK asks for the link of its name, which may be a later one, and would wait in vain for an answer to an
 * outcome that it gave on the old one.
 */
function isLinkGone(message: ReceivedMessage): boolean {
  const { delivery } = message as Inside;
  return delivery?.remote_settled === true || delivery?.link?.is_open?.() === false;
}

/** The same message, which the SDK settles by its lock token because it knows no link for it. */
function withoutLink(message: ReceivedMessage): ReceivedMessage {
  return { ...message, delivery: {} } as ReceivedMessage;
}
