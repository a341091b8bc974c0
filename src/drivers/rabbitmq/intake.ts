/**
 * Receives of one queue. AMQP pushes; a receive pulls. In between stands credit: the broker may send as many messages as
 * receives are waiting for, and settling one lets it send the next, which is what a busy worker wants.
 *
 * no subscription → (a receive waits) subscribed with the missing credit → (more is wanted than the credit covers)
 * subscribed once more → (for a moment nobody wants what may come) retiring → (wanted again) subscribed | (its credit is
 * used up) no subscription. A subscription outlives a pause between two receives by {@link graceMs}, because subscribing
 * anew for each would cost more than the messages.
 *
 * It is not simply cancelled: a quorum queue takes back what is on its way at that time and counts it as an attempt. So a
 * retiring one waits until nothing can be on its way. What comes to it meanwhile goes back as a copy, and the originals
 * are acknowledged after the end of the subscription, or when it is wanted again.
 */
import {
  type Cancel,
  type Delivery,
  type ReceiveRequest,
  SluiceError,
  sleep,
} from "../../core/index.ts";
import { openChannel } from "./channel.ts";
import type { AmqpMessage } from "./client.ts";
import { accessRefused, codeOf, notFound, toDriverError } from "./errors.ts";
import { Insistence, retryMs } from "./insistence.ts";
import type { Ending, Mover } from "./mover.ts";
import type { Parts } from "./parts.ts";
import { type Consumer, type Lease, Session } from "./session.ts";

/** How long credit may stand that no receive asks for, and messages that came of it. */
const graceMs = 60;
/** How long a receive that does not wait listens for more once it has something. */
const moreMs = 20;
/** Beyond this the broker sends more than a process should hold. */
const mostCredit = 5000;

interface Waiter {
  readonly max: number;
  readonly leaseMs: number;
  readonly finish: (result: readonly Delivery[] | SluiceError) => void;
}

/** See the top of this file. */
export class Intake {
  readonly #queue: string;
  readonly #parts: Parts;
  readonly #mover: Mover;
  readonly #insistence: Insistence;
  #opening: Promise<Session> | null = null;
  #session: Session | null = null;
  #waiters: Waiter[] = [];
  #changing: Promise<void> | null = null;
  #isFlushing = false;
  #askedAt = 0;
  #cancelSurplus: Cancel | null = null;
  #isClosed = false;

  constructor(queue: string, parts: Parts, mover: Mover) {
    this.#queue = queue;
    this.#parts = parts;
    this.#mover = mover;
    this.#insistence = new Insistence(parts.consuming, parts.clock);
  }

  /** The open channel with its leases, if there is one. */
  get session(): Session | null {
    return this.#session;
  }

  async receive(request: ReceiveRequest): Promise<readonly Delivery[]> {
    if (request.signal?.aborted) return [];
    this.#askedAt = this.#parts.clock.now();
    const buffered = this.#takeBuffered(request);
    if (buffered.length > 0) return buffered;
    return request.waitMs > 0 ? this.#wait(request) : this.#pull(request);
  }

  /** Waiting receives end empty, what nobody took goes back, and leases are left to their time. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const waiter of [...this.#waiters]) waiter.finish([]);
    this.#cancelSurplus?.();
    await this.#opening?.catch(() => undefined);
    await this.#changing;
    const session = this.#session;
    if (session === null) return;
    await session.quieten(this.#queue);
    await this.#cancel(session, [...session.consumers]);
    await this.#bounce(session);
    const leases = [...session.leases.keys()].flatMap((receipt) => session.claim(receipt) ?? []);
    await this.#mover.outlive(session, leases);
    session.ack(session.bounced.splice(0));
    await session.barrier();
  }

  /** Carries out settlements of claimed leases; when it is not known to have happened, the leases run on. */
  async conclude(session: Session, endings: readonly Ending[]): Promise<void> {
    try {
      await this.#mover.conclude(session, endings);
    } catch (error) {
      if (session.isOpen) for (const { lease } of endings) session.hold(lease);
      throw this.#translate(error, "settling");
    }
  }

  #takeBuffered({ max, leaseMs }: Pick<Waiter, "max" | "leaseMs">): readonly Delivery[] {
    const session = this.#session;
    if (session === null || session.buffer.length === 0) return [];
    return session.buffer.splice(0, max).map((arrival) => session.lease(arrival, leaseMs));
  }

  #wait({ max, leaseMs, waitMs, signal }: ReceiveRequest): Promise<readonly Delivery[]> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        // Whoever aborts is leaving: nothing more is to come.
        finish([]);
        void this.#retire();
      };
      const cancelTimer = this.#parts.clock.after(waitMs, () => finish([]));
      const finish: Waiter["finish"] = (result) => {
        cancelTimer();
        signal?.removeEventListener("abort", onAbort);
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        if (result instanceof SluiceError) reject(result);
        else resolve(result);
        this.#watchSurplus();
      };
      const waiter: Waiter = { max, leaseMs, finish };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiters.push(waiter);
      this.#revive();
      this.#grow();
    });
  }

  /** One basic.get tells whether there is anything; what is behind it comes faster over a subscription. */
  async #pull(request: ReceiveRequest): Promise<readonly Delivery[]> {
    const session = await this.#open();
    const message = await session.get(this.#queue).catch((error) => {
      if (this.#insistence.goesOn()) return null;
      throw this.#translate(error, "fetching");
    });
    if (message === null) {
      await sleep(this.#parts.clock, retryMs);
      return this.#pull(request);
    }
    if (message === false) return this.#takeBuffered(request);
    const first = session.lease({ message, consumer: null }, request.leaseMs);
    const left = Math.min(request.max - 1, message.fields.messageCount ?? 0);
    if (left === 0) return [first];
    return [first, ...(await this.#wait({ ...request, max: left, waitMs: moreMs }))];
  }

  #demand(): number {
    return this.#waiters.reduce((sum, { max }) => sum + max, 0);
  }

  #missing(session: Session): number {
    const wanted = Math.min(this.#demand(), mostCredit);
    return wanted - session.credit - session.buffer.length;
  }

  /** Gives the broker the credit that waiting receives lack. */
  #grow(): void {
    if (this.#changing !== null || this.#waiters.length === 0) return;
    if (this.#session && this.#missing(this.#session) <= 0) return;
    this.#change(async () => {
      while (this.#demand() > 0 && !this.#isClosed) {
        const session = await this.#open();
        const missing = this.#missing(session);
        if (missing <= 0) return;
        await this.#subscribe(session, missing);
      }
    });
  }

  /** One change of subscriptions at a time; its failure is the failure of every receive that waits. */
  #change(work: () => Promise<void>): void {
    this.#changing = work()
      .catch((error: unknown) => this.#fail(this.#translate(error, "subscribing")))
      .finally(() => {
        this.#changing = null;
        if (this.#session) this.#ackBounced(this.#session);
        // A receive may have come after the last look and before this.
        this.#grow();
        this.#watchSurplus();
      });
  }

  async #subscribe(session: Session, credit: number): Promise<void> {
    const consumer = session.newConsumer(credit);
    const options = { consumerTag: consumer.tag };
    await Promise.all([
      session.channel.prefetch(credit),
      session.channel.consume(
        this.#queue,
        (message) => this.#arrive(session, consumer, message),
        options,
      ),
    ]);
  }

  #arrive(session: Session, consumer: Consumer, message: AmqpMessage | null): void {
    if (message === null) {
      if (!consumer.isActive) return;
      const queue = this.#queue;
      this.#parts.logger.warn("RabbitMQ ended a subscription: the queue was deleted or moved", {
        queue,
      });
      session.endConsumer(consumer);
      this.#parts.topology.forget(queue);
      this.#grow();
      return;
    }
    consumer.credit -= 1;
    session.arrived(message);
    session.buffer.push({ message, consumer });
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    // After all messages of the same piece of the stream.
    queueMicrotask(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    while ((this.#session?.buffer.length ?? 0) > 0) {
      const [waiter] = this.#waiters;
      if (waiter === undefined) break;
      waiter.finish(this.#takeBuffered(waiter));
    }
    const isRetiring = [...(this.#session?.consumers ?? [])].some((one) => one.isRetiring);
    if (isRetiring) void this.#retire();
    else this.#watchSurplus();
  }

  /** Looks a little later whether there is still credit, or a message, that nobody asked for. */
  #watchSurplus(): void {
    if (this.#cancelSurplus || this.#isClosed || !this.#hasSurplus()) return;
    this.#cancelSurplus = this.#parts.clock.after(graceMs, () => {
      this.#cancelSurplus = null;
      const isRecent = this.#parts.clock.now() - this.#askedAt < graceMs;
      if (isRecent) this.#watchSurplus();
      else void this.#retire();
    });
  }

  /** Something came, or may come, that nobody asked for and nothing is done about yet. */
  #hasSurplus(): boolean {
    const session = this.#session;
    if (session === null || this.#missing(session) >= 0) return false;
    return (
      session.buffer.length > 0 || [...session.consumers].some(({ isRetiring }) => !isRetiring)
    );
  }

  async #retire(): Promise<void> {
    while (this.#changing !== null) await this.#changing;
    const session = this.#session;
    if (session === null || this.#isClosed || this.#waiters.length > 0) return;
    for (const consumer of session.consumers) consumer.isRetiring = true;
    this.#change(() => this.#clear(session));
  }

  /** Somebody waits again: retiring subscriptions go on, and what was held back for their sake is settled. */
  #revive(): void {
    const session = this.#session;
    if (session === null) return;
    for (const consumer of session.consumers) consumer.isRetiring = false;
    this.#ackBounced(session);
  }

  /** Once that brings nothing that is not wanted. */
  #ackBounced(session: Session): void {
    if (!session.isOpen || session.cancelling !== null || session.bounced.length === 0) return;
    for (const { isRetiring } of session.consumers) if (isRetiring) return;
    session.ack(session.bounced.splice(0));
  }

  /** Sends back what nobody wants and ends the retiring subscriptions that can bring no more. */
  async #clear(session: Session): Promise<void> {
    while (session.isOpen && this.#waiters.length === 0) {
      const hasBounced = await this.#bounce(session);
      const spent = [...session.consumers].filter((one) => one.isRetiring && one.credit === 0);
      await this.#cancel(session, spent);
      this.#ackBounced(session);
      if (!hasBounced && spent.length === 0) return;
    }
  }

  async #bounce(session: Session): Promise<boolean> {
    const unwanted = session.buffer.splice(0);
    if (unwanted.length > 0) await this.#mover.giveBack(session, unwanted);
    return unwanted.length > 0;
  }

  /**
   * Ends subscriptions. Messages that were on their way come after the broker's answer, of which amqplib knows nothing;
   * they are ahead of the answer to whatever is asked next.
   */
  async #cancel(session: Session, consumers: readonly Consumer[]): Promise<void> {
    if (consumers.length === 0) return;
    const { channel } = session;
    for (const consumer of consumers) session.endConsumer(consumer);
    const cancelling = Promise.all(
      consumers.map(async (consumer) => {
        await channel.cancel(consumer.tag);
        channel.registerConsumer(consumer.tag, (message) =>
          this.#arrive(session, consumer, message),
        );
      }),
    ).then(() => session.barrier());
    session.cancelling = cancelling.catch(() => undefined);
    try {
      await cancelling;
    } finally {
      session.cancelling = null;
    }
    for (const { tag } of consumers) channel.unregisterConsumer(tag);
  }

  async #open(): Promise<Session> {
    await this.#parts.topology.ensureQueue(this.#queue);
    if (this.#session) return this.#session;
    this.#opening ??= this.#openSession().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #openSession(): Promise<Session> {
    const connection = await this.#parts.consuming.open();
    const channel = await openChannel(connection).catch((error) => {
      throw this.#translate(error, "opening a channel");
    });
    const session = new Session(channel, this.#parts.clock, (lease) =>
      this.#expire(session, lease),
    );
    channel.on("error", (error) => {
      session.failure = error;
    });
    channel.on("close", () => this.#end(session));
    this.#session = session;
    return session;
  }

  /** Nobody asks: the message is for others, so a subscription that has no other to come ends first. */
  #expire(session: Session, lease: Lease): void {
    const { consumer } = lease;
    if (session.cancelling !== null) {
      void session.calm().then(() => this.#mover.expire(session, lease));
      return;
    }
    const isIdle = this.#waiters.length === 0 && this.#changing === null && !this.#isClosed;
    if (!isIdle || !consumer?.isActive || consumer.credit > 0) {
      this.#mover.expire(session, lease);
      return;
    }
    this.#change(async () => {
      await this.#cancel(session, [consumer]);
      this.#mover.expire(session, lease);
    });
  }

  #end(session: Session): void {
    const leases = session.leases.size;
    session.end();
    if (this.#session === session) this.#session = null;
    if (this.#isClosed) return;
    const reason = session.failure ?? this.#parts.consuming.failure ?? "the channel was closed";
    const error = this.#translate(reason, "consuming");
    if (leases > 0 || session.failure !== null)
      this.#parts.logger.warn("a channel was closed", { queue: this.#queue, leases, error });
    void this.#fail(error);
  }

  async #fail(error: SluiceError): Promise<void> {
    if (this.#insistence.goesOn()) {
      await sleep(this.#parts.clock, retryMs);
      this.#grow();
      return;
    }
    for (const waiter of [...this.#waiters]) waiter.finish(error);
  }

  /** A channel that the broker closed is opened again by the next receive, unless this user may not consume at all. */
  #translate(error: unknown, verb: string): SluiceError {
    const { shownAddress } = this.#parts;
    const doing = `${verb} from ${this.#queue}`;
    const code = codeOf(error);
    if (code === notFound) this.#parts.topology.forget(this.#queue);
    const isLasting = code === accessRefused || typeof code !== "number";
    const known = toDriverError(error, { address: shownAddress, doing });
    if (isLasting || known.retryable) return known;
    return new SluiceError("STORE_UNAVAILABLE", known.message, { cause: error });
  }
}
