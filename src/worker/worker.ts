/**
 * A running worker: fetch loops (one per queue) → attempts (as many as there are slots) → settlements (in groups).
 *
 * working → (drain) draining: takes nothing more, running jobs may end within the grace period, the rest is given back
 * → closed. A broker that cannot be worked with any more leads to closed as well, with its error.
 */
import { setMaxListeners } from "node:events";
import {
  type Cancel,
  type Delivery,
  formatMs,
  type JobHandler,
  type Settlement,
  type Sluice,
} from "../core/index.ts";
import type { WorkerDefinition } from "./define-worker.ts";
import { runFetchLoop } from "./fetch-loop.ts";
import { createLeaseKeeper, type LeaseKeeper } from "./lease-keeper.ts";
import { startLeaseStandIn } from "./lease-stand-in.ts";
import { type Attempt, startAttempt } from "./run-attempt.ts";
import { decideSettlement, exhaustedByCrashes } from "./settlement.ts";
import { createSettler, type Settler } from "./settler.ts";
import { createSlots, type Slots } from "./slots.ts";

/** What `startWorker` may be given besides definition and connection. */
export interface StartOptions {
  /** Leave once nothing has run and nothing has come for this long. */
  readonly exitWhenIdleMs?: number;
  /** How long the broker may leave a receive unanswered. Default 60,000. */
  readonly stallMs?: number;
  /** For backoff; yields 0 ≤ x < 1. */
  readonly random?: () => number;
}

/** A worker that runs in this process. */
export interface Worker {
  /** Jobs running now. */
  readonly inFlight: number;
  /** Jobs that ended as their handler wished, since the start. */
  readonly completed: number;
  /** Attempts that failed, were refused or lost their lease, since the start. */
  readonly failed: number;
  /** When the oldest of the jobs that run now was begun, in milliseconds since 1970; null when none runs. */
  readonly oldestSince: number | null;
  /** When the broker last answered or a job last ended, in milliseconds since 1970: what a liveness probe should ask. */
  readonly lastProgressAt: number;
  /** Calls back after each change of the figures above. */
  onActivity(listener: () => void): Cancel;
  /** Takes nothing more, lets jobs end for up to `graceMs` (default: the definition's), gives back the rest. */
  drain(graceMs?: number): Promise<void>;
  /** Settles once the worker has stopped for whatever reason; rejects when the broker made it stop. */
  readonly closed: Promise<void>;
}

/**
 * Starts to work the definition's queues over a connection, which stays the caller's to close, after the worker.
 *
 * @example
 * ```ts
 * import { connect, defineJob, defineWorker, startWorker } from "sluice";
 *
 * const greet = defineJob<{ name: string }>("greet");
 * const sluice = await connect("memory:");
 * await sluice.publish(greet, { name: "Ada" });
 * const definition = defineWorker({
 *   handlers: [greet.handle(({ name }) => console.log(`Hello ${name}`))],
 * });
 * await startWorker(definition, sluice, { exitWhenIdleMs: 100 }).closed;
 * await sluice.close();
 * ```
 */
export function startWorker(
  definition: WorkerDefinition,
  sluice: Sluice,
  options: StartOptions = {},
): Worker {
  return new WorkerRun(definition, sluice, options);
}

/** Settlements under way beyond this many hold their slots, so that a slow broker slows fetching down. */
const mostUnsettled = 1000;

class WorkerRun implements Worker {
  completed = 0;
  failed = 0;
  lastProgressAt: number;
  readonly closed: Promise<void>;
  readonly #definition: WorkerDefinition;
  readonly #sluice: Sluice;
  readonly #options: StartOptions;
  readonly #slots: Slots;
  readonly #leases: LeaseKeeper;
  readonly #settler: Settler;
  readonly #attempts = new Set<Attempt>();
  /** The running jobs, and when each was begun; the oldest first. */
  readonly #jobs = new Map<Promise<void>, number>();
  readonly #listeners = new Set<() => void>();
  readonly #timers = new Set<Cancel>();
  readonly #leaving = new AbortController();
  /** Queues whose broker did not answer the last receive: whether they are empty is not known. */
  readonly #unanswered: Set<string>;
  #lastBusyAt: number;
  #isClosed = false;

  constructor(definition: WorkerDefinition, sluice: Sluice, options: StartOptions) {
    const { driver, clock, logger } = sluice;
    const { leaseMs, concurrency } = definition;
    this.#definition = definition;
    this.#sluice = sluice;
    this.#options = options;
    this.#slots = createSlots(concurrency);
    const standIn = startLeaseStandIn(sluice.address, leaseMs, logger);
    const onProgress = () => this.#progress();
    this.#leases = createLeaseKeeper({ driver, leaseMs, clock, logger, standIn, onProgress });
    this.#settler = createSettler({ driver, patienceMs: leaseMs, clock, logger });
    this.#unanswered = new Set(definition.handlers.map((handler) => handler.queue));
    this.lastProgressAt = clock.now();
    this.#lastBusyAt = clock.now();
    setMaxListeners(0, this.#leaving.signal); // one for each queue and each receive: many are no leak
    this.closed = this.#work();
    this.closed.catch(() => undefined); // for callers that only drain; the promise itself keeps its error
    if (options.exitWhenIdleMs !== undefined) this.#leaveWhenIdle(options.exitWhenIdleMs);
  }

  get inFlight(): number {
    return this.#jobs.size;
  }

  get oldestSince(): number | null {
    const [oldest = null] = this.#jobs.values();
    return oldest;
  }

  onActivity(listener: () => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  drain(graceMs: number = this.#definition.graceMs): Promise<void> {
    this.#leaving.abort();
    this.#after(graceMs, () => {
      for (const attempt of this.#attempts) attempt.stop("leaving");
    });
    return this.closed;
  }

  async #work(): Promise<void> {
    const loops = this.#definition.handlers.map((handler) =>
      this.#fetch(handler).catch((error: unknown) => {
        this.#sluice.logger.error("the worker stops", { queue: handler.queue, error });
        void this.drain();
        throw error;
      }),
    );
    const ends = await Promise.allSettled(loops);
    while (this.#jobs.size > 0) await Promise.all(this.#jobs.keys());
    this.#isClosed = true;
    for (const cancel of this.#timers) cancel();
    this.#leases.close();
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  #fetch(handler: JobHandler): Promise<void> {
    const { driver, clock, logger } = this.#sluice;
    return runFetchLoop({
      queue: handler.queue,
      driver,
      slots: this.#slots,
      isAlone: this.#definition.handlers.length === 1,
      leaseMs: this.#definition.leaseMs,
      stallMs: this.#options.stallMs ?? 60_000,
      clock,
      logger,
      random: this.#options.random ?? Math.random,
      signal: this.#leaving.signal,
      onDelivery: (delivery, leasedAt) => this.#accept(this.#run(handler, delivery, leasedAt)),
      onProgress: () => {
        this.#unanswered.delete(handler.queue);
        this.#progress();
      },
      onTrouble: () => {
        this.#unanswered.add(handler.queue);
      },
      release: (delivery) => this.#accept(this.#settle(handler, delivery, released(delivery))),
    });
  }

  /** Counts a job, which never rejects, as running until it is settled. */
  #accept(job: Promise<void>): void {
    this.#jobs.set(job, this.#sluice.clock.now());
    this.#changed();
    void job.then(() => {
      this.#jobs.delete(job);
      this.#progress();
      this.#changed();
    });
  }

  #progress(): void {
    this.lastProgressAt = this.#sluice.clock.now();
  }

  #changed(): void {
    this.#lastBusyAt = this.#sluice.clock.now();
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (error) {
        this.#sluice.logger.error("an activity listener failed", { error });
      }
    }
  }

  /** One job from delivery to settlement; never rejects. Owns a slot. */
  async #run(handler: JobHandler, delivery: Delivery, leasedAt: number): Promise<void> {
    let isLost = false;
    let attempt: Attempt | null = null;
    const letGo = this.#leases.keep(
      { queue: handler.queue, receipt: delivery.receipt, leasedAt },
      () => {
        isLost = true;
        attempt?.stop("lease lost");
      },
    );
    const settlement =
      this.#early(handler, delivery, leasedAt) ??
      (await this.#attempt(handler, delivery, (started) => {
        attempt = started;
      }));
    const settled = isLost
      ? this.#lost(handler, delivery)
      : this.#settle(handler, delivery, settlement);
    if (this.#settler.pending > mostUnsettled) await settled;
    this.#slots.give(1);
    await settled;
    letGo();
  }

  /** How a delivery ends that must not run at all. */
  #early(handler: JobHandler, delivery: Delivery, leasedAt: number): Settlement | null {
    const now = this.#sluice.clock.now();
    if (this.#leaving.signal.aborted) return released(delivery);
    // It took so long to arrive that its lease is over: another worker may have it by now.
    if (now - leasedAt >= this.#definition.leaseMs) return released(delivery);
    if (delivery.attempt <= handler.retry.attempts) return null;
    return exhaustedByCrashes(delivery, handler.retry, now);
  }

  async #attempt(
    handler: JobHandler,
    delivery: Delivery,
    onStart: (attempt: Attempt) => void,
  ): Promise<Settlement> {
    const { clock, logger } = this.#sluice;
    const attempt = startAttempt(delivery, handler, {
      sluice: this.#sluice,
      clock,
      logger,
      middleware: this.#definition.middleware,
    });
    this.#attempts.add(attempt);
    onStart(attempt);
    const ended = await attempt.ended;
    this.#attempts.delete(attempt);
    return decideSettlement(ended, {
      delivery,
      retry: handler.retry,
      now: clock.now(),
      maxDelayMs: this.#sluice.driver.capabilities.limits.maxDelayMs,
      random: this.#options.random ?? Math.random,
    });
  }

  async #settle(handler: JobHandler, delivery: Delivery, settlement: Settlement): Promise<void> {
    const { logger } = this.#sluice;
    const { queue } = handler;
    const { id, attempt } = delivery;
    try {
      const isSettled = await this.#settler.settle(queue, settlement);
      if (settlement.outcome === "release") return;
      if (!isSettled) return this.#lost(handler, delivery);
      if (settlement.outcome === "ack") {
        this.completed += 1;
        return;
      }
      this.failed += 1;
      const error = settlement.outcome === "retry" ? settlement.failure?.error : settlement.reason;
      logger.warn(failureText(settlement), { queue, id, attempt, error });
    } catch (error) {
      this.failed += 1;
      logger.error("settling failed; the job runs again when its lease ends", {
        queue,
        id,
        attempt,
        error,
      });
    }
  }

  async #lost(handler: JobHandler, delivery: Delivery): Promise<void> {
    this.failed += 1;
    this.#sluice.logger.warn("lease lost; the job runs again", {
      queue: handler.queue,
      id: delivery.id,
      attempt: delivery.attempt,
    });
  }

  #leaveWhenIdle(idleMs: number): void {
    const isBusy = this.inFlight > 0 || this.#unanswered.size > 0;
    const idleFor = isBusy ? 0 : this.#sluice.clock.now() - this.#lastBusyAt;
    if (!isBusy && idleFor >= idleMs) void this.drain();
    else this.#after(Math.max(idleMs - idleFor, 50), () => this.#leaveWhenIdle(idleMs));
  }

  /** A timer that ends with the worker. */
  #after(ms: number, callback: () => void): void {
    if (this.#isClosed) return;
    const cancel = this.#sluice.clock.after(ms, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
  }
}

function failureText(settlement: Settlement): string {
  if (settlement.outcome !== "retry") return "job failed; moved to the dead-letter queue";
  return `job failed; trying again in ${formatMs(settlement.delayMs)}`;
}

function released(delivery: Delivery): Settlement {
  return { receipt: delivery.receipt, outcome: "release" };
}
