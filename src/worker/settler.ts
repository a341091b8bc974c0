import {
  type Batcher,
  type Clock,
  createBatcher,
  type Driver,
  isSluiceError,
  type Logger,
  type Settlement,
  sleep,
} from "../core/index.ts";

/** Sends settlements in groups, and again while the broker is away. */
export interface Settler {
  /** Settlements that the broker has not confirmed. */
  readonly pending: number;
  /** `true` when it took effect; `false` when the lease was lost. Rejects when the broker stayed away for too long. */
  settle(queue: string, settlement: Settlement): Promise<boolean>;
}

const mostPerCall = 500;
const firstPauseMs = 50;
const longestPauseMs = 2000;

/** Tries for up to `patienceMs`, which should be the lease: after it, the job belongs to someone else anyway. */
export function createSettler(options: {
  readonly driver: Driver;
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}): Settler {
  const { driver, patienceMs, clock, logger } = options;
  const batchers = new Map<string, Batcher<Settlement, boolean>>();
  let pending = 0;

  async function send(
    queue: string,
    settlements: readonly Settlement[],
  ): Promise<readonly boolean[]> {
    const giveUpAt = clock.now() + patienceMs;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        return await driver.settle(queue, settlements);
      } catch (error) {
        if (!(isSluiceError(error) && error.retryable) || clock.now() + pauseMs > giveUpAt)
          throw error;
        logger.warn("settling failed; trying again", {
          queue,
          settlements: settlements.length,
          error,
        });
      }
      await sleep(clock, pauseMs);
    }
  }

  function batcherOf(queue: string): Batcher<Settlement, boolean> {
    const existing = batchers.get(queue);
    if (existing) return existing;
    const batcher = createBatcher<Settlement, boolean>({
      maxItems: mostPerCall,
      flush: (settlements) => send(queue, settlements),
    });
    batchers.set(queue, batcher);
    return batcher;
  }

  return {
    get pending() {
      return pending;
    },
    async settle(queue, settlement) {
      pending += 1;
      try {
        return await batcherOf(queue).add(settlement);
      } finally {
        pending -= 1;
      }
    },
  };
}
