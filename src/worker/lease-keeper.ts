/**
 * Renews the leases of running jobs from the side, in one call per queue, so that a job may take as long as it likes.
 *
 * A lease: held → (every third of its length: renewed) → held, until the job ends, or → lost, when the driver says that
 * it is gone, or when it could not be renewed before it ended. `onLost` is called once, and the job can no longer settle.
 */
import type { Cancel, Clock, Driver, Logger } from "../core/index.ts";
import { type LeaseStandIn, noStandIn } from "./lease-stand-in.ts";

/** See the top of this file. */
export interface LeaseKeeper {
  /** Keeps the lease until the returned function is called. `leasedAt` is when the receive was asked for. */
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
}

/** Keeps leases of `leaseMs` with the driver. */
export function createLeaseKeeper(options: {
  readonly driver: Driver;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Renews while this thread cannot. */
  readonly standIn?: LeaseStandIn;
}): LeaseKeeper {
  const { driver, leaseMs, clock, logger, standIn = noStandIn } = options;
  const held = new Set<HeldLease>();
  const every = leaseMs / 3;
  let cancelTimer: Cancel | null = null;

  function lose(lease: HeldLease): void {
    if (held.delete(lease)) lease.onLost();
  }

  async function renew(queue: string, leases: readonly HeldLease[]): Promise<void> {
    const askedAt = clock.now();
    try {
      const kept =
        (await driver.extend?.(
          queue,
          leases.map((lease) => lease.receipt),
          leaseMs,
        )) ?? [];
      leases.forEach((lease, index) => {
        if (kept[index] === true) lease.renewedAt = askedAt;
        else lose(lease);
      });
    } catch (error) {
      logger.warn("renewing leases failed; trying again", { queue, leases: leases.length, error });
      for (const lease of leases) if (clock.now() >= lease.renewedAt + leaseMs) lose(lease);
    }
  }

  async function renewAll(): Promise<void> {
    const byQueue = new Map<string, HeldLease[]>();
    for (const lease of held) {
      if (clock.now() - lease.renewedAt < every / 2) continue;
      const ofQueue = byQueue.get(lease.queue);
      if (ofQueue) ofQueue.push(lease);
      else byQueue.set(lease.queue, [lease]);
    }
    await Promise.all([...byQueue].map(([queue, leases]) => renew(queue, leases)));
    arm();
  }

  function arm(): void {
    cancelTimer = held.size === 0 ? null : clock.after(every, () => void renewAll());
  }

  return {
    keep({ queue, receipt, leasedAt }, onLost) {
      const lease: HeldLease = { queue, receipt, onLost, renewedAt: leasedAt };
      held.add(lease);
      standIn.add(queue, receipt);
      if (cancelTimer === null) arm();
      return () => {
        standIn.remove(receipt);
        held.delete(lease);
      };
    },
    close() {
      cancelTimer?.();
      held.clear();
      standIn.close();
    },
  };
}
