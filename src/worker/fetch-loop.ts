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
import { answerWithin } from "./answer-within.ts";
import type { Slots } from "./slots.ts";

/** What a loop needs from its worker. */
export interface FetchLoopOptions {
  readonly queue: string;
  readonly driver: Driver;
  readonly slots: Slots;
  /** No other queue is worked with the same slots. */
  readonly isAlone: boolean;
  readonly leaseMs: number;
  /** How long a receive may take beyond its own wait before it counts as stalled. */
  readonly stallMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** Ends the loop. */
  readonly signal: AbortSignal;
  /** Owns a slot and the delivery from here on. Must not throw. */
  readonly onDelivery: (delivery: Delivery, leasedAt: number) => void;
  /** Something came of a receive, be it nothing to do: the broker answers. */
  readonly onProgress: () => void;
  /** A receive failed: whether there is something to do is not known. */
  readonly onTrouble: () => void;
  /** Gives back a delivery that came too late. */
  readonly release: (delivery: Delivery) => void;
}

/**
 * Receives wait this long where the driver cannot wake us. They hold every free slot meanwhile, so only a queue that
 * shares its slots with no other may wait like that; the others look, let go of the slots and sleep.
 */
const longPollMs = 10_000;
const lookEveryMs = 1000;
/** The polite look in case a wake-up was lost. */
const sleepLimitMs = 30_000;
/** How long a receive may take to end once the loop has to. */
const obeyMs = 2000;
const longestPauseMs = 5000;
/** Receives in a row without an answer before the worker gives up. */
const stallLimit = 3;

/** Runs until `signal` aborts. Rejects only with an error that trying again cannot cure, or `WORKER_STALLED`. */
export async function runFetchLoop(options: FetchLoopOptions): Promise<void> {
  const { driver, queue, slots, clock, signal } = options;
  const bell = createBell(clock, signal);
  const unwatch = driver.watch?.(queue, bell.ring);
  signal.addEventListener("abort", bell.ring, { once: true });
  const waitMs = driver.watch === undefined && options.isAlone ? longPollMs : 0;
  const sleepMs = driver.watch === undefined ? lookEveryMs : sleepLimitMs;
  const trouble = { failures: 0, stalls: 0 };
  try {
    while (!signal.aborted) {
      const free = await slots.take(Number.POSITIVE_INFINITY, signal);
      bell.reset();
      const askedAt = clock.now();
      const got = signal.aborted ? 0 : await receiveOnce(options, { max: free, waitMs }, trouble);
      slots.give(free - got);
      if (got > 0) continue;
      // A driver that answers sooner than it was asked to wait must not be asked again and again.
      const hasWaited = waitMs > 0 && clock.now() - askedAt >= waitMs / 2;
      if (trouble.failures > 0) await pause(options, trouble.failures);
      else if (!hasWaited) await bell.wait(sleepMs);
    }
  } finally {
    signal.removeEventListener("abort", bell.ring);
    unwatch?.();
  }
}

interface Trouble {
  failures: number;
  stalls: number;
}

/** Receives and hands on; returns how many. */
async function receiveOnce(
  options: FetchLoopOptions,
  ask: { readonly max: number; readonly waitMs: number },
  trouble: Trouble,
): Promise<number> {
  const { queue, clock, logger, signal } = options;
  const askedAt = clock.now();
  let deliveries: readonly Delivery[];
  try {
    deliveries = await receiveOrStall(options, ask);
  } catch (error) {
    if (signal.aborted) return 0;
    options.onTrouble();
    if (isSluiceError(error) && error.code === "WORKER_STALLED") {
      trouble.stalls += 1;
      if (trouble.stalls >= stallLimit) throw error;
    } else if (isSluiceError(error) && !error.retryable) throw error;
    trouble.failures += 1;
    logger.warn("receiving failed; trying again", { queue, failures: trouble.failures, error });
    return 0;
  }
  if (trouble.failures > 0) logger.info("the broker answers again", { queue });
  trouble.failures = 0;
  trouble.stalls = 0;
  options.onProgress();
  // The lease of a receive that waited began at some time since; without a wait, when it was asked for at the earliest.
  const leasedAt = ask.waitMs === 0 ? askedAt : clock.now();
  for (const delivery of deliveries) options.onDelivery(delivery, leasedAt);
  return deliveries.length;
}

async function pause(options: FetchLoopOptions, failures: number): Promise<void> {
  const ms = Math.min(100 * 2 ** failures, longestPauseMs);
  await sleep(options.clock, ms * (0.5 + options.random() / 2), options.signal).catch(
    (error: unknown) => {
      if (!options.signal.aborted) throw error;
    },
  );
}

/** The deliveries, or `WORKER_STALLED` when the driver does not answer in time; then late ones are given back. */
async function receiveOrStall(
  options: FetchLoopOptions,
  ask: { readonly max: number; readonly waitMs: number },
): Promise<readonly Delivery[]> {
  const { driver, queue, clock, leaseMs, stallMs, signal } = options;
  const ms = ask.waitMs + stallMs;
  let isLate = false;
  function late(): SluiceError {
    isLate = true;
    return new SluiceError(
      "WORKER_STALLED",
      `${driver.name} has not answered a receive on ${queue} for ${ms} ms. Check the broker; the worker stops if this goes on.`,
    );
  }
  const receiving = driver.receive(queue, { ...ask, leaseMs, signal }).then((deliveries) => {
    if (isLate) for (const delivery of deliveries) options.release(delivery);
    return deliveries;
  });
  return answerWithin(receiving, { clock, ms, signal, obeyMs, late });
}

/** Remembers a ring until someone waits for it. */
function createBell(clock: Clock, signal: AbortSignal) {
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
    /** Returns when it rings, has rung since the reset, `signal` has aborted, or `ms` have passed. */
    async wait(ms: number): Promise<void> {
      if (rung || signal.aborted) return;
      let cancelTimer: Cancel = () => undefined;
      await new Promise<void>((resolve) => {
        wake = resolve;
        cancelTimer = clock.after(ms, resolve);
      });
      wake = null;
      cancelTimer();
    },
  };
}
