/**
 * Renews the leases of running jobs from the side, in one call per queue, so that a job may take as long as it likes.
 *
 * A lease: held → (every third of its length: renewed) → held, until the job ends, or → lost, when the driver says that
 * it is gone, or when it ended although a renewal was tried in time. A renewal that failed is tried again soon; one that
 * does not answer has failed. `onLost` is called once, and the job can no longer settle.
 */
import type { Cancel, Clock, Driver, Logger } from "../core/index.ts";
import { type LeaseStandIn, noStandIn } from "./lease-stand-in.ts";

/** See the top of this file. */
export interface LeaseKeeper {
  /** Keeps the lease until the returned function is called. `leasedAt` is the earliest time at which it may have begun. */
  keep(
    lease: { readonly queue: string; readonly receipt: string; readonly leasedAt: number },
    onLost: () => void,
  ): Cancel;
  close(): void;
}

interface HeldLease {
  readonly queue: string;
  readonly receipt: string;
  readonly onLost: () => void;
  renewedAt: number;
  /** The first renewal since then that has not succeeded. */
  askedAt: number | null;
}

/** What a {@link LeaseKeeper} works with. */
export interface LeaseKeeperOptions {
  /** Leases of a driver that cannot extend are lost at their end. */
  readonly driver: Driver;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Renews while this thread cannot. */
  readonly standIn?: LeaseStandIn;
  /** The driver has answered. */
  readonly onProgress?: () => void;
}

/** Keeps leases of `leaseMs` with the driver. */
export function createLeaseKeeper(options: LeaseKeeperOptions): LeaseKeeper {
  const { driver, leaseMs, clock, standIn = noStandIn } = options;
  const canExtend = driver.extend !== undefined;
  const held = new Set<HeldLease>();
  const every = leaseMs / 3;
  const timer = createAlarm(clock, tend);
  const onFailure = (): void => {
    if (held.size > 0) timer.ringAt(clock.now() + every / 5);
  };

  function lose(lease: HeldLease): void {
    if (held.delete(lease)) lease.onLost();
  }

  /**
   * Its end, unless a renewal succeeds before. A lease whose renewal was not even tried may live: this thread was
   * blocked, and the stand-in has renewed it. The driver is asked first.
   */
  function endOf(lease: HeldLease): number {
    const endsAt = lease.renewedAt + leaseMs;
    if (!canExtend) return endsAt;
    return lease.askedAt === null
      ? Number.POSITIVE_INFINITY
      : Math.max(endsAt, lease.askedAt + every);
  }

  function tend(): void {
    const now = clock.now();
    for (const lease of held) if (now >= endOf(lease)) lose(lease);
    if (canExtend) {
      const due = [...held].filter((lease) => now - lease.renewedAt >= every / 2);
      for (const lease of due) lease.askedAt ??= now;
      for (const [queue, leases] of byQueue(due)) {
        void renew(options, { queue, leases, lose, onFailure });
      }
    }
    for (const lease of held) timer.ringAt(Math.min(now + every, endOf(lease)));
  }

  return {
    keep({ queue, receipt, leasedAt }, onLost) {
      const lease: HeldLease = { queue, receipt, onLost, renewedAt: leasedAt, askedAt: null };
      held.add(lease);
      standIn.add(queue, receipt);
      timer.ringAt(Math.min(leasedAt + every, endOf(lease)));
      return () => {
        standIn.remove(receipt);
        held.delete(lease);
      };
    },
    close() {
      timer.cancel();
      held.clear();
      standIn.close();
    },
  };
}

function byQueue(leases: readonly HeldLease[]): ReadonlyMap<string, readonly HeldLease[]> {
  const grouped = new Map<string, HeldLease[]>();
  for (const lease of leases) {
    const ofQueue = grouped.get(lease.queue);
    if (ofQueue) ofQueue.push(lease);
    else grouped.set(lease.queue, [lease]);
  }
  return grouped;
}

interface Renewal {
  readonly queue: string;
  readonly leases: readonly HeldLease[];
  readonly lose: (lease: HeldLease) => void;
  readonly onFailure: () => void;
}

async function renew(options: LeaseKeeperOptions, renewal: Renewal): Promise<void> {
  const { queue, leases, lose } = renewal;
  const { driver, leaseMs, clock, logger } = options;
  const askedAt = clock.now();
  const receipts = leases.map((lease) => lease.receipt);
  try {
    const kept = (await driver.extend?.(queue, receipts, leaseMs)) ?? [];
    options.onProgress?.();
    for (const [index, lease] of leases.entries()) {
      if (kept[index] !== true) lose(lease);
      else if (askedAt > lease.renewedAt) {
        lease.renewedAt = askedAt;
        lease.askedAt = null;
      }
    }
  } catch (error) {
    logger.warn("renewing leases failed; trying again", { queue, leases: leases.length, error });
    for (const lease of leases) if (clock.now() >= lease.renewedAt + leaseMs) lose(lease);
    renewal.onFailure();
  }
}

interface Alarm {
  /** Rings then, or earlier when that was asked for before. */
  ringAt(at: number): void;
  cancel(): void;
}

function createAlarm(clock: Clock, onRing: () => void): Alarm {
  let setFor = Number.POSITIVE_INFINITY;
  let cancelTimer: Cancel = () => undefined;
  function cancel(): void {
    cancelTimer();
    setFor = Number.POSITIVE_INFINITY;
  }
  return {
    ringAt(at) {
      if (at >= setFor) return;
      cancel();
      setFor = at;
      cancelTimer = clock.after(at - clock.now(), () => {
        setFor = Number.POSITIVE_INFINITY;
        onRing();
      });
    },
    cancel,
  };
}
