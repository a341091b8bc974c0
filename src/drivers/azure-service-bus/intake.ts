/**
 * Receiving from one queue, for any number of receives that wait at the same time.
 *
 * idle → (a receive) looking → (nothing there) waiting → (a message, or the wait is over) looking …
 *
 * Looking asks the broker for as many messages as the receives want and at once for the end of it (a drain), so it takes
 * what is there and no more. Waiting leaves a demand of one with the broker, which is answered as soon as a message comes.
 * A message that comes when nobody wants it any more is given back at once, its attempt too.
 */
import type { Cancel, Delivery, ReceiveRequest, SluiceError } from "../../core/index.ts";
import type { ReceivedMessage } from "./client.ts";
import { Endings } from "./endings.ts";
import { toDriverError } from "./errors.ts";
import { Lane } from "./lane.ts";
import { type Lease, Leases } from "./leases.ts";
import { fromReceived, toDelivery } from "./message-codec.ts";
import type { Parts } from "./parts.ts";
import type { QueueFacts } from "./queues.ts";

/** A receive that has not been answered. */
interface Waiter {
  readonly max: number;
  readonly leaseMs: number;
  readonly endsAt: number;
  finish(deliveries: readonly Delivery[]): void;
  fail(error: SluiceError): void;
}

/** What one look asks for at most. */
const mostAtOnce = 500;
/** The SDK asks for the end as soon as it has asked for messages. */
const lookMs = 1;
/** How long a demand stays with the broker when nobody may be waiting any more. */
const longestWaitMs = 5000;
/** A receive that wants no wait while a demand of one is open: a message that is there arrives within this time. */
const arrivalMs = 100;
/** Lock times that are not known are guessed from the clocks, within the limits of the service and some more. */
const shortestLockMs = 5000;
const longestGuessMs = 60_000;

/** See the top of this file. */
export class Intake {
  readonly endings: Endings;
  readonly leases: Leases;
  readonly #parts: Parts;
  readonly #queue: string;
  readonly #waiters = new Set<Waiter>();
  readonly #asides = new Set<Promise<void>>();
  #facts: QueueFacts = { lockMs: null, maxDeliveryCount: null, detectsDuplicates: null };
  #lane: Lane | null = null;
  #serving: Promise<void> | null = null;
  #isWaiting = false;
  #isClosed = false;

  constructor(parts: Parts, queue: string) {
    this.#parts = parts;
    this.#queue = queue;
    this.endings = new Endings(parts, queue);
    this.leases = new Leases(parts.clock, {
      renew: (lease) => this.endings.renew(lease),
      onExpiry: (lease) => this.#expire(lease),
    });
  }

  /** What is known of the queue. */
  get facts(): QueueFacts {
    return this.#facts;
  }

  async receive(request: ReceiveRequest): Promise<readonly Delivery[]> {
    if (request.signal?.aborted) return [];
    this.#facts = await this.#parts.queues.ensure(this.#queue);
    if (this.#isClosed) return [];
    return new Promise((resolve, reject) => this.#enter(request, { resolve, reject }));
  }

  /** Receives end empty, and held messages are left to their locks. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const waiter of [...this.#waiters]) waiter.finish([]);
    this.leases.close();
    await Promise.allSettled(this.#asides);
  }

  #enter(
    request: ReceiveRequest,
    answer: {
      readonly resolve: (deliveries: readonly Delivery[]) => void;
      readonly reject: (error: SluiceError) => void;
    },
  ): void {
    const { clock } = this.#parts;
    const { max, leaseMs, waitMs, signal } = request;
    let cancelTimer: Cancel = () => undefined;
    const leave = (): void => {
      this.#waiters.delete(waiter);
      cancelTimer();
      signal?.removeEventListener("abort", onAbort);
    };
    const waiter: Waiter = {
      max,
      leaseMs,
      endsAt: clock.now() + waitMs,
      finish(deliveries) {
        leave();
        answer.resolve(deliveries);
      },
      fail(error) {
        leave();
        answer.reject(error);
      },
    };
    const onAbort = (): void => waiter.finish([]);
    signal?.addEventListener("abort", onAbort, { once: true });
    const isLate = waitMs === 0 && this.#isWaiting;
    if (waitMs > 0 || isLate)
      cancelTimer = clock.after(Math.max(waitMs, isLate ? arrivalMs : 0), onAbort);
    this.#waiters.add(waiter);
    this.#serving ??= this.#serve().finally(() => {
      this.#serving = null;
    });
  }

  async #serve(): Promise<void> {
    while (this.#waiters.size > 0 && !this.#isClosed) {
      try {
        const asking = [...this.#waiters];
        const found = await this.#look(this.#demand());
        this.#handOut(found);
        if (found.length > 0) continue;
        for (const waiter of asking)
          if (waiter.endsAt <= this.#parts.clock.now()) waiter.finish([]);
        if (this.#waiters.size > 0) this.#handOut(await this.#wait());
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  #fail(error: unknown): void {
    this.#lane?.retire();
    this.#lane = null;
    const { namespace } = this.#parts;
    const failure = toDriverError(error, { namespace, doing: "receiving", queue: this.#queue });
    for (const waiter of [...this.#waiters]) {
      if (this.#isClosed) waiter.finish([]);
      else waiter.fail(failure);
    }
  }

  #demand(): number {
    let demand = 0;
    for (const { max } of this.#waiters) demand += max;
    return Math.min(demand, mostAtOnce);
  }

  #look(max: number): Promise<readonly ReceivedMessage[]> {
    return this.#ask(max, lookMs);
  }

  /** Waits for one message, and then takes those that came with it. */
  async #wait(): Promise<readonly ReceivedMessage[]> {
    const now = this.#parts.clock.now();
    const longest = Math.max(...[...this.#waiters].map(({ endsAt }) => endsAt - now), lookMs);
    this.#isWaiting = true;
    const first = await this.#ask(1, Math.min(longest, longestWaitMs)).finally(() => {
      this.#isWaiting = false;
    });
    const more = this.#demand() - first.length;
    if (first.length === 0 || more <= 0) return first;
    // What came first is ours already and must not be lost to an error of the second look.
    const others = await this.#look(more).catch(() => []);
    return [...first, ...others];
  }

  async #ask(max: number, waitMs: number): Promise<readonly ReceivedMessage[]> {
    const { link, throttle } = this.#parts;
    return throttle.run(`receiving from ${this.#queue}`, async () => {
      const lane = this.#openLane();
      const count = Math.min(max, lane.room);
      // Without a signal the SDK's timer of a wait that is cut off would run on.
      const options = { maxWaitTimeInMs: waitMs, abortSignal: lane.session.lost };
      const found = await link.call(
        lane.session,
        () => lane.receiver.receiveMessages(count, options),
        waitMs,
      );
      lane.took(found);
      return found;
    });
  }

  #openLane(): Lane {
    const session = this.#parts.link.session();
    if (this.#lane?.session === session && this.#lane.room > 0) return this.#lane;
    this.#lane?.retire();
    this.#lane = new Lane(session, this.#queue);
    return this.#lane;
  }

  #handOut(messages: readonly ReceivedMessage[]): void {
    const lane = this.#lane;
    if (lane === null) return;
    const fresh: { readonly message: ReceivedMessage; readonly parcel: Lease["parcel"] }[] = [];
    for (const message of messages) {
      const parcel = fromReceived(message);
      // See the top of endings.ts.
      if (parcel.isAbandoned && this.#facts.detectsDuplicates !== false)
        this.#aside(lane, this.#move({ message, parcel, lane }));
      else fresh.push({ message, parcel });
    }
    for (const waiter of [...this.#waiters]) {
      if (fresh.length === 0) return;
      const taken = fresh.splice(0, waiter.max);
      waiter.finish(
        taken.map(({ message, parcel }) => {
          const { leaseMs } = waiter;
          const lockMs = this.#lockMs(message);
          const lease = this.leases.add(message, { parcel, lane, lockMs, leaseMs });
          return toDelivery(parcel, lease.receipt);
        }),
      );
    }
    for (const { message, parcel } of fresh) {
      const change = { attempts: parcel.attempts, readyAt: null };
      this.#aside(lane, this.endings.giveBack({ message, parcel, lane }, change, this.#facts));
    }
  }

  #move(held: Parameters<Endings["move"]>[0]): Promise<boolean> {
    const { attempts } = held.parcel;
    return this.endings.move(held, { attempts, readyAt: this.#parts.clock.now() });
  }

  /** Work on a message that nobody holds; when it fails, the lock gives the message back. */
  #aside(lane: Lane, work: Promise<boolean>): void {
    const done = work
      .then(
        () => undefined,
        (error: unknown) =>
          this.#parts.logger.warn("a message is left to its lock", { queue: this.#queue, error }),
      )
      .finally(() => {
        lane.release();
        this.#asides.delete(done);
      });
    this.#asides.add(done);
  }

  #lockMs({ lockedUntilUtc }: ReceivedMessage): number {
    if (this.#facts.lockMs !== null) return this.#facts.lockMs;
    const left = (lockedUntilUtc?.getTime() ?? 0) - this.#parts.clock.now();
    return Math.min(Math.max(left, shortestLockMs), longestGuessMs);
  }

  #expire(lease: Lease): void {
    const change = { attempts: lease.parcel.attempts + 1, readyAt: this.#parts.clock.now() };
    this.#aside(lease.lane, this.endings.giveBack(lease, change, this.#facts));
  }
}
