/**
 * Fetches messages of one queue for as long as the worker takes work: waits for a free slot, receives at most as many
 * as can start now, and, when there are none, sleeps until the driver says that there may be some.
 *
 * waiting for a slot → receiving → (got some) waiting for a slot | (got none) asleep → receiving | (error) pausing →
 * receiving | (no answer for too long) stalled → receiving anew. Errors of a broker never end the loop unless trying
 * again cannot help; a receive that does not answer is abandoned, and what it may yet bring is given back.
 */
import {
  type Cancel,
  type Clock,
  type Delivery,
  type Driver,
  isSluiceError,
  type Logger,
  SluiceError,
  sleep,
} from "../core/index.ts";
import type { Slots } from "./slots.ts";

/** What a loop needs from its worker. */
export interface FetchLoopOptions {
  readonly queue: string;
  readonly driver: Driver;
  readonly slots: Slots;
  readonly leaseMs: number;
  /** How long a receive may take beyond its own wait before it counts as stalled. */
  readonly stallMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** Ends the loop. */
  readonly signal: AbortSignal;
  /** Owns a slot and the delivery from here on. */
  readonly onDelivery: (delivery: Delivery, leasedAt: number) => void;
  /** Something came of a receive, be it nothing to do: the broker answers. */
  readonly onProgress: () => void;
  /** Gives back a delivery that came too late. */
  readonly release: (delivery: Delivery) => void;
}

/** Receives wait this long where the driver cannot wake us. */
const longPollMs = 10_000;
/** The polite look in case a wake-up was lost. */
const sleepLimitMs = 30_000;
const longestPauseMs = 5000;
/** Receives in a row without an answer before the worker gives up. */
const stallLimit = 3;

/** Runs until `signal` aborts. Rejects only with an error that trying again cannot cure, or `WORKER_STALLED`. */
export async function runFetchLoop(options: FetchLoopOptions): Promise<void> {
  const { driver, queue, slots, signal } = options;
  const bell = createBell();
  const unwatch = driver.watch?.(queue, bell.ring);
  const waitMs = driver.watch === undefined ? longPollMs : 0;
  const trouble = { failures: 0, stalls: 0 };
  try {
    while (!signal.aborted) {
      const free = await slots.take(Number.POSITIVE_INFINITY, signal);
      if (free === 0) break;
      bell.reset();
      const got = await receiveOnce(options, { max: free, waitMs }, trouble);
      slots.give(free - got);
      if (got === 0 && trouble.failures === 0 && waitMs === 0)
        await bell.wait(options.clock, signal);
    }
  } finally {
    unwatch?.();
  }
}

interface Trouble {
  failures: number;
  stalls: number;
}

/** Receives and hands on; returns how many. Pauses after a failure. */
async function receiveOnce(
  options: FetchLoopOptions,
  ask: { readonly max: number; readonly waitMs: number },
  trouble: Trouble,
): Promise<number> {
  const { queue, clock, logger, signal } = options;
  const leasedAt = clock.now();
  try {
    const deliveries = await receiveOrStall(options, ask);
    if (trouble.failures + trouble.stalls > 0) logger.info("the broker answers again", { queue });
    trouble.failures = 0;
    trouble.stalls = 0;
    options.onProgress();
    for (const delivery of deliveries) options.onDelivery(delivery, leasedAt);
    return deliveries.length;
  } catch (error) {
    if (signal.aborted) return 0;
    if (isSluiceError(error) && error.code === "WORKER_STALLED") {
      trouble.stalls += 1;
      if (trouble.stalls >= stallLimit) throw error;
    } else if (isSluiceError(error) && !error.retryable) throw error;
    trouble.failures += 1;
    logger.warn("receiving failed; trying again", { queue, failures: trouble.failures, error });
    await pause(options, Math.min(100 * 2 ** trouble.failures, longestPauseMs));
    return 0;
  }
}

async function pause(options: FetchLoopOptions, ms: number): Promise<void> {
  await sleep(options.clock, ms * (0.5 + options.random() / 2), options.signal).catch(
    (error: unknown) => {
      if (!options.signal.aborted) throw error;
    },
  );
}

/** The deliveries, or `WORKER_STALLED` when the driver does not answer in time. */
async function receiveOrStall(
  options: FetchLoopOptions,
  ask: { readonly max: number; readonly waitMs: number },
): Promise<readonly Delivery[]> {
  const { driver, queue, clock, leaseMs, stallMs, signal } = options;
  let isLate = false;
  let cancelTimer: Cancel = () => undefined;
  const stalled = new Promise<never>((_, reject) => {
    cancelTimer = clock.after(ask.waitMs + stallMs, () => {
      isLate = true;
      reject(
        new SluiceError(
          "WORKER_STALLED",
          `${driver.name} has not answered a receive on ${queue} for ${ask.waitMs + stallMs} ms. Check the broker; the worker restarts if this goes on.`,
        ),
      );
    });
  });
  const receiving = driver.receive(queue, { ...ask, leaseMs, signal }).then((deliveries) => {
    if (isLate) for (const delivery of deliveries) options.release(delivery);
    return deliveries;
  });
  try {
    return await Promise.race([receiving, stalled]);
  } finally {
    cancelTimer();
  }
}

/** Remembers a ring until someone waits for it. */
function createBell() {
  let rung = false;
  let wake: (() => void) | null = null;
  return {
    ring(): void {
      rung = true;
      wake?.();
    },
    reset(): void {
      rung = false;
    },
    /** Returns when it rings, has rung since the reset, `signal` aborts, or it is time for the polite look. */
    async wait(clock: Clock, signal: AbortSignal): Promise<void> {
      if (rung || signal.aborted) return;
      await new Promise<void>((resolve) => {
        const cancelTimer = clock.after(sleepLimitMs, resolve);
        const done = (): void => {
          cancelTimer();
          signal.removeEventListener("abort", done);
          resolve();
        };
        wake = done;
        signal.addEventListener("abort", done, { once: true });
      });
      wake = null;
    },
  };
}
