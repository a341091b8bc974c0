/**
 * What a namespace that says `server-busy` asks for: less, and later. Nothing was done by a call that got this answer, so
 * it is made again after a pause; other calls wait for the same pause. Pauses grow to the ten seconds that Microsoft
 * recommends.
 */
import { type Clock, type Logger, sleep } from "../../core/index.ts";
import { isThrottled } from "./errors.ts";

/** See the top of this file. */
export interface Throttle {
  /** The result of `call`, made again while the namespace is busy, at most for a while: then rejects as it does. */
  run<T>(doing: string, call: () => Promise<T>): Promise<T>;
}

const firstPauseMs = 500;
const longestPauseMs = 10_000;
const patienceMs = 30_000;

/** A throttle for all calls of one driver. */
export function createThrottle(options: {
  readonly namespace: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly closed: AbortSignal;
}): Throttle {
  const { namespace, clock, logger, closed } = options;
  let pausedUntil = 0;
  let pauseMs = 0;

  function slowDown(doing: string): void {
    // Calls that were under way together are one answer.
    if (clock.now() < pausedUntil) return;
    pauseMs = Math.min(Math.max(pauseMs * 2, firstPauseMs), longestPauseMs);
    pausedUntil = clock.now() + pauseMs;
    logger.warn("Service Bus is busy and throttles; slowing down", { namespace, doing, pauseMs });
  }

  async function waitOutPause(): Promise<void> {
    const ms = pausedUntil - clock.now();
    if (ms > 0) await sleep(clock, ms, closed).catch(() => undefined); // what comes next tells that it is closed
  }

  async function attempt<T>(call: () => Promise<T>): Promise<T> {
    await waitOutPause();
    const result = await call();
    if (clock.now() >= pausedUntil) pauseMs = 0;
    return result;
  }

  return {
    async run(doing, call) {
      const giveUpAt = clock.now() + patienceMs;
      for (;;) {
        try {
          return await attempt(call);
        } catch (error) {
          if (!isThrottled(error)) throw error;
          slowDown(doing);
          if (pausedUntil > giveUpAt || closed.aborted) throw error;
        }
      }
    },
  };
}
