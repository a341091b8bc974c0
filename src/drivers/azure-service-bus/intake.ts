/**
 * Receiving from one queue, for any number of receives that wait at the same time.
 *
 * idle → (a receive) looking → (nothing there) waiting → (a message, or the wait is over) looking …
 *
 * Looking asks the broker for as many messages as the receives want and at once for the end of it (a drain), so it takes
 * what is there and no more. Waiting leaves a demand of one with the broker, which is answered as soon as a message comes.
 * A message that comes when nobody wants it any more is given back at once, its attempt too.
 *
 * Where the queue is not known to detect duplicates, a copy whose original is still there is kept aside, and its lock
 * renewed, until the original is gone: the worker that made the copy has died or is about to complete the original, and
 * an original that comes again looks for its copy (see endings.ts).
 */
import {
  type Cancel,
  type Delivery,
  type ReceiveRequest,
  type SluiceError,
  sleep,
} from "../../core/index.ts";
import type { ReceivedMessage } from "./client.ts";
import { Endings } from "./endings.ts";
import { toDriverError } from "./errors.ts";
import { Lane } from "./lane.ts";
import { type Lease, Leases } from "./leases.ts";
import { fromReceived, type Parcel, toDelivery } from "./message-codec.ts";
import type { Parts } from "./parts.ts";
import type { QueueFacts } from "./queues.ts";
import { isCopy, Succession } from "./succession.ts";

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
/** How long between looks for an original that should go away. */
const firstLookMs = 50;
const longestLookMs = 1000;
/** How long a lock is renewed at most for a message that was set aside. */
const longestAsideMs = 3_600_000;

/** See the top of this file. */
export class Intake {
  readonly endings: Endings;
  readonly leases: Leases;
  readonly #parts: Parts;
  readonly #queue: string;
  readonly #succession: Succession;
  readonly #waiters = new Set<Waiter>();
  readonly #asides = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #facts: QueueFacts = { lockMs: null, maxDeliveryCount: null, detectsDuplicates: null };
  #lane: Lane | null = null;
  #serving: Promise<void> | null = null;
  #isWaiting = false;
  #isClosed = false;

  constructor(parts: Parts, queue: string) {
    this.#parts = parts;
    this.#queue = queue;
    this.#succession = new Succession(parts, queue);
    this.endings = new Endings(parts, queue, this.#succession);
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
    const facts = await unlessAborted(this.#parts.queues.ensure(this.#queue), request.signal);
    if (facts === null || this.#isClosed) return [];
    this.#facts = facts;
    return new Promise((resolve, reject) => this.#enter(request, { resolve, reject }));
  }

  /** Receives end empty, and held messages are left to their locks. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closing.abort();
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
        await this.#handOut(found);
        if (found.length > 0) continue;
        for (const waiter of asking)
          if (waiter.endsAt <= this.#parts.clock.now()) waiter.finish([]);
        if (this.#waiters.size > 0) await this.#handOut(await this.#wait());
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

  async #handOut(messages: readonly ReceivedMessage[]): Promise<void> {
    const lane = this.#lane;
    if (lane === null) return;
    const since = this.#parts.clock.now();
    const copies = await this.#withOriginal(messages);
    const fresh: { readonly message: ReceivedMessage; readonly parcel: Parcel }[] = [];
    for (const message of messages) {
      const parcel = fromReceived(message);
      // See the top of endings.ts.
      if (parcel.isAbandoned || copies.has(message))
        this.#setAside({ message, parcel, lane }, since);
      else fresh.push({ message, parcel });
    }
    for (const waiter of [...this.#waiters]) {
      if (fresh.length === 0) return;
      const taken = fresh.splice(0, waiter.max);
      waiter.finish(
        taken.map(({ message, parcel }) => {
          const { leaseMs } = waiter;
          const lockMs = this.#lockMs(message);
          const lease = this.leases.add(message, { parcel, lane, lockMs, leaseMs, since });
          return toDelivery(parcel, lease.receipt);
        }),
      );
    }
    for (const { message, parcel } of fresh) {
      const change = { attempts: parcel.attempts, readyAt: null };
      this.#aside(lane, this.endings.giveBack({ message, parcel, lane }, change, this.#facts));
    }
  }

  /** The copies among messages whose originals are in the queue, or may be. */
  async #withOriginal(messages: readonly ReceivedMessage[]): Promise<ReadonlySet<ReceivedMessage>> {
    const found = new Set<ReceivedMessage>();
    if (this.#facts.detectsDuplicates === true) return found;
    await Promise.all(
      messages.filter(isCopy).map(async (message) => {
        if (await this.#succession.hasOriginal(message).catch(() => true)) found.add(message);
      }),
    );
    return found;
  }

  /** Holds the lock of a message that must not be handed out as it is for as long as it takes to give it its place. */
  #setAside(held: Pick<Lease, "message" | "parcel" | "lane">, since: number): void {
    const { message, parcel, lane } = held;
    const lockMs = this.#lockMs(message);
    const lease = this.leases.add(message, {
      parcel,
      lane,
      lockMs,
      since,
      leaseMs: longestAsideMs,
    });
    this.#watch(
      this.#outlast(lease).finally(() => {
        if (this.leases.claim(lease.receipt)) lane.release();
      }),
    );
  }

  async #outlast(lease: Lease): Promise<void> {
    const { message, parcel } = lease;
    const { clock } = this.#parts;
    const isUnsure = this.#facts.detectsDuplicates !== true;
    for (let ms = firstLookMs; isUnsure && this.leases.holds(lease); ms *= 2) {
      if (!(await this.#succession.hasOriginal(message))) break;
      await sleep(clock, Math.min(ms, longestLookMs), this.#closing.signal).catch(() => undefined);
    }
    if (!this.leases.holds(lease)) return;
    const { attempts, readyAt } = parcel;
    if (parcel.isAbandoned)
      await this.endings.move(lease, { attempts, readyAt: clock.now() }, this.#facts);
    else await this.endings.giveBack(lease, { attempts, readyAt }, this.#facts);
  }

  /** Work on a message that nobody holds; when it fails, the lock gives the message back. */
  #aside(lane: Lane, work: Promise<boolean>): void {
    this.#watch(work.finally(() => lane.release()));
  }

  #watch(work: Promise<unknown>): void {
    const done = work
      .then(
        () => undefined,
        (error: unknown) =>
          this.#parts.logger.warn("a message is left to its lock", { queue: this.#queue, error }),
      )
      .finally(() => this.#asides.delete(done));
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

/** The result of `work`, or `null` when the signal aborts first. */
async function unlessAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T | null> {
  if (signal === undefined) return work;
  let onAbort = (): void => undefined;
  const abort = new Promise<null>((resolve) => {
    onAbort = () => resolve(null);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  return Promise.race([work, abort]).finally(() => signal.removeEventListener("abort", onAbort));
}
