/**
 * The workers, in typed arrays by index; an index is used again after its worker is gone. Worker w has the slots
 * w·k … w·k+k−1, one for each job that it can run at a time.
 *
 * States: absent → starting → ready → (draining →) absent. A starting worker that is told to go is gone at once.
 */

import type { Random } from "../random.ts";
import type { Levels } from "./levels.ts";
import { type Dispatch, SlotLine } from "./slot-line.ts";

/**
 * Who leaves first. `idle-first` is Sluice's own order: idle, longest idle first, then starting, newest first, then busy,
 * fewest jobs first. `replicaset` is the order of a Kubernetes ReplicaSet, which does not know who is busy: starting
 * first, then by age in powers of two (its `LogarithmicScaleDown`), the youngest first, any of the same age.
 */
export type Victims = "idle-first" | "replicaset";

/** What a worker is doing; see the top of this file. */
export const phase = { absent: 0, starting: 1, ready: 2, draining: 3 } as const;

export class WorkerPool {
  readonly concurrency: number;
  readonly levels: Levels;
  readonly free: SlotLine;
  /** Highest index in use so far, plus one. */
  size = 0;
  state: Uint8Array<ArrayBuffer> = new Uint8Array(16);
  requestedAt: Float64Array<ArrayBuffer> = new Float64Array(16);
  readyAt: Float64Array<ArrayBuffer> = new Float64Array(16);
  /** When the worker last became idle, busy or draining. */
  since: Float64Array<ArrayBuffer> = new Float64Array(16);
  running: Int32Array<ArrayBuffer> = new Int32Array(16);
  completed: Float64Array<ArrayBuffer> = new Float64Array(16);
  failed: Float64Array<ArrayBuffer> = new Float64Array(16);
  /** Time that ended attempts took. */
  endedUs: Float64Array<ArrayBuffer> = new Float64Array(16);
  /** How many workers were requested before this one: its name. */
  ordinal: Float64Array<ArrayBuffer> = new Float64Array(16);
  /** The job in each slot, or -1. */
  slotJob: Int32Array<ArrayBuffer>;
  slotFrom: Float64Array<ArrayBuffer>;
  readonly #absent: number[] = [];
  readonly #rank: Random;
  #rankOf = new Float64Array(16);
  #requested = 0;

  constructor(options: {
    readonly concurrency: number;
    readonly dispatch: Dispatch;
    readonly levels: Levels;
    readonly random: Random;
    readonly rank: Random;
  }) {
    this.concurrency = options.concurrency;
    this.levels = options.levels;
    this.free = new SlotLine(options.dispatch, options.random);
    this.#rank = options.rank;
    this.slotJob = new Int32Array(16 * this.concurrency).fill(-1);
    this.slotFrom = new Float64Array(16 * this.concurrency);
  }

  /** Workers that are kept: those that start and those that take jobs. */
  get replicas(): number {
    return this.levels.starting + this.levels.ready;
  }

  /** A new worker, starting. */
  request(now: number): number {
    const worker = this.#absent.pop() ?? this.size++;
    if (worker === this.state.length) this.#grow();
    this.state[worker] = phase.starting;
    this.requestedAt[worker] = now;
    this.since[worker] = now;
    this.running[worker] = 0;
    this.completed[worker] = 0;
    this.failed[worker] = 0;
    this.endedUs[worker] = 0;
    this.ordinal[worker] = this.#requested;
    this.#rankOf[worker] = this.#rank();
    this.#requested += 1;
    this.levels.starting += 1;
    return worker;
  }

  /** A starting worker takes jobs from now on. */
  becomeReady(worker: number, now: number): void {
    this.state[worker] = phase.ready;
    this.readyAt[worker] = now;
    this.since[worker] = now;
    this.levels.starting -= 1;
    this.levels.ready += 1;
    const first = worker * this.concurrency;
    for (let slot = first + this.concurrency - 1; slot >= first; slot -= 1) this.free.add(slot);
  }

  /** A job begins in a slot that was taken from `free`. */
  occupy(slot: number, job: number, now: number): void {
    this.slotJob[slot] = job;
    this.slotFrom[slot] = now;
    this.levels.slots += 1;
    const worker = this.concurrency === 1 ? slot : Math.floor(slot / this.concurrency);
    const before = this.running[worker] as number;
    this.running[worker] = before + 1;
    if (before > 0) return;
    this.levels.busy += 1;
    this.since[worker] = now;
  }

  /** The job of a slot is over; the slot is free again where its worker takes more. Returns the worker. */
  vacate(slot: number, now: number): number {
    const worker = this.concurrency === 1 ? slot : Math.floor(slot / this.concurrency);
    this.slotJob[slot] = -1;
    this.endedUs[worker] = (this.endedUs[worker] as number) + now - (this.slotFrom[slot] as number);
    this.levels.slots -= 1;
    const left = (this.running[worker] as number) - 1;
    this.running[worker] = left;
    if (this.state[worker] !== phase.ready) return worker;
    this.free.add(slot);
    if (left > 0) return worker;
    this.levels.busy -= 1;
    this.since[worker] = now;
    return worker;
  }

  /** A ready worker takes no more jobs. */
  drain(worker: number, now: number): void {
    this.state[worker] = phase.draining;
    this.since[worker] = now;
    this.levels.ready -= 1;
    this.levels.draining += 1;
    if ((this.running[worker] as number) > 0) this.levels.busy -= 1;
    this.free.removeWithin(worker * this.concurrency, (worker + 1) * this.concurrency);
  }

  /** Time that a worker's jobs have taken up to now. */
  spentUs(worker: number, now: number): number {
    let spent = this.endedUs[worker] as number;
    const first = worker * this.concurrency;
    for (let slot = first; slot < first + this.concurrency; slot += 1)
      if ((this.slotJob[slot] as number) >= 0) spent += now - (this.slotFrom[slot] as number);
    return spent;
  }

  /** How long the oldest of a worker's jobs has run. */
  oldestUs(worker: number, now: number): number {
    let from = now;
    const first = worker * this.concurrency;
    for (let slot = first; slot < first + this.concurrency; slot += 1)
      if ((this.slotJob[slot] as number) >= 0) from = Math.min(from, this.slotFrom[slot] as number);
    return now - from;
  }

  /** A starting worker, or a draining one without jobs, is gone. */
  leave(worker: number): void {
    if (this.state[worker] === phase.starting) this.levels.starting -= 1;
    else this.levels.draining -= 1;
    this.state[worker] = phase.absent;
    this.#absent.push(worker);
  }

  /** The workers in one of the phases. */
  inPhase(...wanted: readonly number[]): readonly number[] {
    const found: number[] = [];
    for (let worker = 0; worker < this.size; worker += 1)
      if (wanted.includes(this.state[worker] as number)) found.push(worker);
    return found;
  }

  /** The `count` workers that leave first. */
  victims(count: number, order: Victims, now: number): readonly number[] {
    const compare =
      order === "idle-first"
        ? (a: number, b: number) => this.#compareIdleFirst(a, b)
        : (a: number, b: number) => this.#compareReplicaSet(a, b, now);
    return this.inPhase(phase.starting, phase.ready).toSorted(compare).slice(0, count);
  }

  #compareIdleFirst(a: number, b: number): number {
    const [classA, classB] = [this.#idleClass(a), this.#idleClass(b)];
    if (classA !== classB) return classA - classB;
    const [sinceA = 0, sinceB = 0] = [this.since[a], this.since[b]];
    if (classA === 1) return sinceB - sinceA || b - a;
    const jobs = (this.running[a] as number) - (this.running[b] as number);
    return jobs || sinceA - sinceB || a - b;
  }

  #idleClass(worker: number): number {
    if (this.state[worker] === phase.starting) return 1;
    return this.running[worker] === 0 ? 0 : 2;
  }

  #compareReplicaSet(a: number, b: number, now: number): number {
    const [startsA, startsB] = [this.state[a] === phase.starting, this.state[b] === phase.starting];
    if (startsA !== startsB) return startsA ? -1 : 1;
    const clock = startsA ? this.requestedAt : this.readyAt;
    const age = (worker: number): number => ageRank(now - (clock[worker] as number));
    return age(a) - age(b) || (this.#rankOf[a] as number) - (this.#rankOf[b] as number);
  }

  #grow(): void {
    this.state = copied(this.state, new Uint8Array(this.state.length * 2));
    const wider = (values: Float64Array): Float64Array<ArrayBuffer> =>
      copied(values, new Float64Array(values.length * 2));
    this.requestedAt = wider(this.requestedAt);
    this.readyAt = wider(this.readyAt);
    this.since = wider(this.since);
    this.completed = wider(this.completed);
    this.failed = wider(this.failed);
    this.endedUs = wider(this.endedUs);
    this.ordinal = wider(this.ordinal);
    this.#rankOf = wider(this.#rankOf);
    this.running = copied(this.running, new Int32Array(this.running.length * 2));
    const slots = this.slotJob.length;
    this.slotJob = copied(this.slotJob, new Int32Array(slots * 2).fill(-1));
    this.slotFrom = wider(this.slotFrom);
  }
}

/** Kubernetes compares ages in whole powers of two of their nanoseconds; less than one is one class. */
function ageRank(us: number): number {
  return us <= 0 ? -1 : Math.floor(Math.log2(us * 1000));
}

function copied<T extends { set(values: ArrayLike<number>): void }>(
  from: ArrayLike<number>,
  to: T,
): T {
  to.set(from);
  return to;
}
