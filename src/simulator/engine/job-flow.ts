/**
 * The jobs: waiting → running → done, or back to waiting after a failed attempt (with backoff) or a killed worker (after
 * the visibility time-out), or dead after too many deliveries.
 */

import { firstFrom, jobCount, type Load, millisecond } from "../loads/load.ts";
import { type Agenda, turn } from "./agenda.ts";
import type { FinishHeap } from "./finish-heap.ts";
import type { Levels } from "./levels.ts";
import type { Meter } from "./meter.ts";
import type { DecidedBroker } from "./models.ts";
import type { SeriesRecorder } from "./series.ts";
import { WaitHistogram } from "./wait-histogram.ts";
import { WaitingLine } from "./waiting-line.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** What a job's flow is made of. */
export interface JobFlowParts {
  readonly load: Load;
  readonly broker: DecidedBroker;
  readonly maxWaitUs: number;
  readonly downstreamCapacity: number;
  readonly levels: Levels;
  readonly meter: Meter;
  readonly agenda: Agenda;
  readonly pool: WorkerPool;
  readonly heap: FinishHeap;
  readonly series: SeriesRecorder | null;
  /** A slot's job is over and the slot is free; the worker may have to leave. */
  readonly onVacated: (worker: number) => void;
}

interface Attempts {
  deliveries: number;
  failures: number;
}

export class JobFlow {
  /** From the arrival to the first attempt. */
  readonly waits: WaitHistogram = new WaitHistogram();
  /** From the arrival to the good end. */
  readonly sojourns: WaitHistogram = new WaitHistogram();
  readonly line: WaitingLine;
  late = 0;
  done = 0;
  dead = 0;
  /** Attempts that failed, jobs that a killed worker lost. */
  failedAttempts = 0;
  lostAttempts = 0;
  /** Time of attempts that ended well; of failed and of lost ones. */
  usefulUs = 0;
  wastedUs = 0;
  /** Jobs that wait for a backoff or a visibility time-out to pass, and those whose lease no one holds any more. */
  delayed = 0;
  unattended = 0;
  nextArrivalAt: number;
  onArrival: (() => void) | null = null;
  readonly #p: JobFlowParts;
  readonly #arrivalUs: Float64Array;
  readonly #serviceUs: Float64Array;
  readonly #count: number;
  readonly #again = new Map<number, Attempts>();
  /** Of each job that waits for a backoff to pass. */
  readonly #backoffs = new Map<number, { readonly since: number; readonly until: number }>();

  constructor(parts: JobFlowParts) {
    this.#p = parts;
    this.#arrivalUs = parts.load.arrivalUs;
    this.#serviceUs = parts.load.serviceUs;
    this.#count = jobCount(parts.load);
    this.line = new WaitingLine(this.#arrivalUs);
    this.nextArrivalAt = this.#arrivalUs[0] ?? Number.POSITIVE_INFINITY;
  }

  /** Jobs that have neither ended well nor died. */
  get left(): number {
    return this.#count - this.done - this.dead;
  }

  arrive(now: number): void {
    const { levels, meter, series } = this.#p;
    meter.advance(now);
    this.line.arrived += 1;
    levels.queue += 1;
    this.nextArrivalAt =
      this.line.arrived < this.#count
        ? (this.#arrivalUs[this.line.arrived] as number)
        : Number.POSITIVE_INFINITY;
    this.dispatch(now);
    if (series !== null && levels.queue > series.mostWaiting) series.mostWaiting = levels.queue;
    this.onArrival?.();
  }

  /** Jobs of which the broker knew at `at` that they will be ready `ms` later or before. */
  dueWithin(at: number, ms: number): number {
    const until = at + Math.min(ms, this.#p.broker.delayMs) * millisecond;
    let due =
      until > at ? firstFrom(this.#arrivalUs, until + 1) - firstFrom(this.#arrivalUs, at + 1) : 0;
    for (const backoff of this.#backoffs.values())
      if (backoff.since <= at && backoff.until > at && backoff.until <= at + ms * millisecond)
        due += 1;
    return due;
  }

  /** Jobs that wait meet slots that are free. */
  dispatch(now: number): void {
    const { levels, pool } = this.#p;
    while (levels.queue > 0 && pool.free.size > 0) this.#start(this.line.take(now), now);
  }

  #start(taken: number, now: number): void {
    const { levels, pool, heap, series, maxWaitUs, downstreamCapacity } = this.#p;
    levels.queue -= 1;
    const job = taken < 0 ? ~taken : taken;
    if (taken >= 0) {
      const wait = now - (this.#arrivalUs[job] as number);
      this.waits.add(wait);
      if (wait > maxWaitUs) this.late += 1;
      if (series !== null && wait > series.oldestUs) series.oldestUs = wait;
    }
    const slot = pool.free.take();
    pool.occupy(slot, job, now);
    let service = this.#serviceUs[job] as number;
    if (levels.slots > downstreamCapacity)
      service = Math.round((service * levels.slots) / downstreamCapacity);
    heap.push(now + service, slot);
  }

  /** The job that is done next is done. */
  finish(now: number): void {
    const { meter, pool, heap, onVacated } = this.#p;
    meter.advance(now);
    const slot = heap.pop();
    const job = pool.slotJob[slot] as number;
    const spent = now - (pool.slotFrom[slot] as number);
    const worker = pool.vacate(slot, now);
    if (this.#fails(job)) {
      pool.failed[worker] = (pool.failed[worker] as number) + 1;
      this.failedAttempts += 1;
      this.wastedUs += spent;
      this.#retry(job, now);
    } else {
      pool.completed[worker] = (pool.completed[worker] as number) + 1;
      this.usefulUs += spent;
      this.done += 1;
      this.sojourns.add(now - (this.#arrivalUs[job] as number));
    }
    onVacated(worker);
    this.dispatch(now);
  }

  /** The worker of a slot was killed, and what it did is lost. */
  lose(slot: number, now: number): void {
    const { pool, heap, agenda, broker } = this.#p;
    const job = pool.slotJob[slot] as number;
    this.wastedUs += now - (pool.slotFrom[slot] as number);
    this.lostAttempts += 1;
    heap.remove(slot);
    pool.vacate(slot, now);
    if (this.#isSpent(job)) return;
    this.unattended += 1;
    agenda.add(now + broker.visibilityTimeoutMs * millisecond, turn.arrival, () => {
      this.unattended -= 1;
      this.#return(job);
    });
  }

  #fails(job: number): boolean {
    const failures = this.#p.load.failures?.[job] ?? 0;
    return failures > 0 && (this.#again.get(job)?.failures ?? 0) < failures;
  }

  #retry(job: number, now: number): void {
    const { agenda, broker } = this.#p;
    const attempts = this.#attemptsOf(job);
    attempts.failures += 1;
    if (this.#isSpent(job)) return;
    const { baseMs, capMs } = broker.backoff;
    const pauseMs = Math.min(capMs, baseMs * 2 ** (attempts.failures - 1));
    const until = now + Math.round(pauseMs * millisecond);
    this.delayed += 1;
    this.#backoffs.set(job, { since: now, until });
    agenda.add(until, turn.arrival, () => {
      this.delayed -= 1;
      this.#backoffs.delete(job);
      this.#return(job);
    });
  }

  /** Counts a delivery that did not end well; the last allowed one makes the job dead. */
  #isSpent(job: number): boolean {
    const attempts = this.#attemptsOf(job);
    attempts.deliveries += 1;
    if (attempts.deliveries < this.#p.broker.maxDeliveries) return false;
    this.dead += 1;
    return true;
  }

  #attemptsOf(job: number): Attempts {
    const known = this.#again.get(job);
    if (known !== undefined) return known;
    const attempts = { deliveries: 0, failures: 0 };
    this.#again.set(job, attempts);
    return attempts;
  }

  #return(job: number): void {
    const { meter, levels } = this.#p;
    this.line.giveBack(job, meter.now);
    levels.queue += 1;
    this.dispatch(meter.now);
    this.onArrival?.();
  }
}
