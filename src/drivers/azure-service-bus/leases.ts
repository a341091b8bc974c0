/**
 * Leases over peek-locks. A lock lasts as long as the queue says and is renewed from the side while the lease is longer;
 * a lease that is shorter has a timer, at whose end the message is given back. When this process dies, the lock ends the
 * lease.
 */
import { randomUUID } from "node:crypto";
import type { Cancel, Clock } from "../../core/index.ts";
import type { ReceivedMessage } from "./client.ts";
import type { Lane } from "./lane.ts";
import type { Parcel } from "./message-codec.ts";

/** A locked message in the hands of a handler. */
export interface Lease {
  readonly receipt: string;
  readonly message: ReceivedMessage;
  readonly parcel: Parcel;
  readonly lane: Lane;
  readonly lockMs: number;
  endsAt: number;
  lockedUntil: number;
  cancelTimer: Cancel;
}

/** What {@link Leases} leaves to others. */
export interface LeaseCalls {
  /** Prolongs the lock by its full time. Resolves with whether it was still ours; rejects when that is not known. */
  renew(lease: Lease): Promise<boolean>;
  /** The lease is over and its lock is not. */
  onExpiry(lease: Lease): void;
}

/** A lock that may last for less than this part of its time is renewed. */
const renewAtPart = 0.5;
const retryMs = 1000;
/** A timer that comes later than this was held up by a blocked event loop, in which nobody could prolong the lease. */
const lateMs = 1000;

/** See the top of this file. */
export class Leases {
  readonly #held = new Map<string, Lease>();
  readonly #clock: Clock;
  readonly #calls: LeaseCalls;
  #isClosed = false;

  constructor(clock: Clock, calls: LeaseCalls) {
    this.#clock = clock;
    this.#calls = calls;
  }

  add(
    message: ReceivedMessage,
    fields: Pick<Lease, "parcel" | "lane" | "lockMs"> & {
      readonly leaseMs: number;
      /** When the lock had begun at the earliest. */
      readonly since: number;
    },
  ): Lease {
    const { leaseMs, since, ...rest } = fields;
    const now = this.#clock.now();
    const lease: Lease = {
      receipt: randomUUID(),
      message,
      ...rest,
      endsAt: now + leaseMs,
      lockedUntil: since + rest.lockMs,
      cancelTimer: () => undefined,
    };
    this.hold(lease);
    return lease;
  }

  /** The lease runs on, unless all are over. */
  hold(lease: Lease): void {
    if (this.#isClosed) return;
    this.#held.set(lease.receipt, lease);
    this.#arm(lease);
  }

  /** Takes the lease away from its receipt and its timer; `undefined` when it is not held. */
  claim(receipt: string): Lease | undefined {
    const lease = this.#held.get(receipt);
    if (lease === undefined) return undefined;
    this.#held.delete(receipt);
    lease.cancelTimer();
    return lease;
  }

  /** Whether the lease runs. */
  holds({ receipt }: Lease): boolean {
    return this.#held.has(receipt);
  }

  /** The lease ends `leaseMs` from now; `false` when it or its lock was lost. */
  async extend(receipt: string, leaseMs: number): Promise<boolean> {
    const lease = this.#held.get(receipt);
    if (lease === undefined) return false;
    lease.endsAt = this.#clock.now() + leaseMs;
    if (this.#needsRenewal(lease) && !(await this.#renew(lease))) return false;
    if (this.#held.get(receipt) !== lease) return false;
    this.#arm(lease);
    return true;
  }

  /** Nothing is held any longer. */
  close(): void {
    this.#isClosed = true;
    for (const receipt of [...this.#held.keys()]) this.claim(receipt);
  }

  #needsRenewal({ lockedUntil, lockMs }: Lease): boolean {
    return lockedUntil - this.#clock.now() < lockMs * renewAtPart;
  }

  /** When the lock has to be renewed for the lease to last; never when it lasts by itself. */
  #renewalOf({ endsAt, lockedUntil, lockMs }: Lease): number {
    const isEnough = endsAt <= lockedUntil - lockMs / 10;
    return isEnough ? Number.POSITIVE_INFINITY : lockedUntil - lockMs * renewAtPart;
  }

  #arm(lease: Lease, earliest = 0): void {
    lease.cancelTimer();
    const at = Math.max(Math.min(lease.endsAt, this.#renewalOf(lease)), earliest);
    const ms = Math.max(0, at - this.#clock.now());
    lease.cancelTimer = this.#clock.after(ms, () => this.#tend(lease, at));
  }

  #tend(lease: Lease, plannedAt: number): void {
    const now = this.#clock.now();
    if (now - plannedAt > lateMs) {
      lease.endsAt = Math.max(lease.endsAt, now + lateMs);
      this.#arm(lease, now + lateMs / 2);
      return;
    }
    if (now < lease.endsAt) {
      void this.#renewAgain(lease);
      return;
    }
    if (this.#held.delete(lease.receipt)) this.#calls.onExpiry(lease);
  }

  async #renewAgain(lease: Lease): Promise<void> {
    let earliest = 0;
    try {
      await this.#renew(lease);
    } catch {
      // Away for the moment: tried again while the lock may still be ours, which the next answer tells.
      earliest = this.#clock.now() + retryMs;
    }
    if (this.#held.get(lease.receipt) === lease) this.#arm(lease, earliest);
  }

  /** Whether the lock is ours. A lost one takes the lease with it. */
  async #renew(lease: Lease): Promise<boolean> {
    const askedAt = this.#clock.now();
    const isOurs = await this.#calls.renew(lease);
    if (isOurs) lease.lockedUntil = askedAt + lease.lockMs;
    else if (this.claim(lease.receipt)) lease.lane.release();
    return isOurs;
  }
}
