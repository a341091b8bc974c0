import {
  type Batcher,
  type Clock,
  createBatcher,
  type Driver,
  isSluiceError,
  type Logger,
  type Settlement,
  SluiceError,
  sleep,
} from "../core/index.ts";
import { answerWithin } from "./answer-within.ts";

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
/** What a call gets to answer although its settlements have waited for most of the patience. */
const leastAnswerMs = 1000;

interface Waiting {
  readonly settlement: Settlement;
  readonly giveUpAt: number;
}

/**
 * Tries each settlement for `patienceMs`, which should be the lease: after it, the job belongs to someone else anyway.
 * A call that does not answer within that time counts as failed.
 */
export function createSettler(options: {
  readonly driver: Driver;
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}): Settler {
  const { driver, patienceMs, clock, logger } = options;
  const batchers = new Map<string, Batcher<Waiting, boolean>>();
  let pending = 0;

  async function send(queue: string, group: readonly Waiting[]): Promise<readonly boolean[]> {
    const settlements = group.map((waiting) => waiting.settlement);
    const giveUpAt = group.at(-1)?.giveUpAt ?? 0;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const ms = Math.max(giveUpAt - clock.now(), leastAnswerMs);
      try {
        const late = () => noAnswer(driver, queue, ms);
        return await answerWithin(driver.settle(queue, settlements), { clock, ms, late });
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

  function batcherOf(queue: string): Batcher<Waiting, boolean> {
    const existing = batchers.get(queue);
    if (existing) return existing;
    const batcher = createBatcher<Waiting, boolean>({
      maxItems: mostPerCall,
      maxFlushes: driver.capabilities.limits.maxCallsUnderWay,
      flush: (group) => send(queue, group),
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
        return await batcherOf(queue).add({ settlement, giveUpAt: clock.now() + patienceMs });
      } finally {
        pending -= 1;
      }
    },
  };
}

function noAnswer(driver: Driver, queue: string, ms: number): SluiceError {
  return new SluiceError(
    "STORE_UNAVAILABLE",
    `${driver.name} has not answered a settle on ${queue} for ${ms} ms. Check the broker.`,
  );
}
