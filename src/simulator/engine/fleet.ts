/** The workers' lives: requested, on a node, ready, told to go, gone or killed. `worker-pool.ts` has the states. */

import { sampler } from "../distribution.ts";
import { millisecond } from "../loads/load.ts";
import type { Random } from "../random.ts";
import { type Agenda, turn } from "./agenda.ts";
import type { JobFlow } from "./job-flow.ts";
import type { Meter } from "./meter.ts";
import type { DecidedWorkers } from "./models.ts";
import { NodePool } from "./node-pool.ts";
import { phase, type WorkerPool } from "./worker-pool.ts";

/** What a fleet is made of. */
export interface FleetParts {
  readonly workers: DecidedWorkers;
  readonly meter: Meter;
  readonly agenda: Agenda;
  readonly pool: WorkerPool;
  readonly random: (purpose: string) => Random;
}

/** A worker that left by itself, in microseconds and counts. */
export interface LeftWorker {
  readonly ordinal: number;
  readonly requestedAt: number;
  readonly readyAt: number;
  readonly leftAt: number;
  readonly spentUs: number;
  readonly completed: number;
  readonly failed: number;
}

/** As many are remembered at most. */
const mostLeft = 1000;

export class Fleet {
  starts = 0;
  /** Workers that left, killed ones included. */
  stops = 0;
  /** Workers that still had jobs when their grace was over. */
  kills = 0;
  /** How often the wanted count changed. */
  changes = 0;
  #left: LeftWorker[] = [];
  readonly #p: FleetParts;
  readonly #jobs: () => JobFlow;
  readonly #startup: () => number;
  readonly #shutdown: () => number;
  readonly #nodes: NodePool | null;

  constructor(parts: FleetParts, jobs: () => JobFlow) {
    const { workers, random } = parts;
    this.#p = parts;
    this.#jobs = jobs;
    this.#startup = sampler(workers.startup, random("start-up"));
    this.#shutdown = sampler(workers.shutdown, random("shutdown"));
    this.#nodes =
      workers.nodes === null
        ? null
        : new NodePool(workers.nodes, sampler(workers.nodes.boot, random("boot")));
  }

  /** The workers that are there at the beginning. */
  begin(): void {
    const { pool, workers, meter } = this.#p;
    for (let count = 0; count < workers.initialReplicas; count += 1) {
      const worker = pool.request(0);
      this.#nodes?.place(worker, 0, true);
      pool.becomeReady(worker, 0);
    }
    pool.levels.desired = workers.initialReplicas;
    meter.notePeak();
  }

  scaleTo(count: number): void {
    const { pool, workers, meter } = this.#p;
    const wanted = Math.max(0, Math.floor(count));
    const surplus = pool.replicas - wanted;
    pool.levels.desired = wanted;
    if (surplus === 0) return;
    this.changes += 1;
    if (surplus < 0) this.create(-surplus);
    else
      for (const worker of pool.victims(surplus, workers.victims, meter.now)) this.#letGo(worker);
  }

  create(count: number): void {
    for (let made = 0; made < count; made += 1) this.#request();
    this.#p.meter.notePeak();
  }

  /** Those that left by themselves since the last call, the oldest first; the last of them where nobody has asked for long. */
  takeLeft(): readonly LeftWorker[] {
    const left = this.#left;
    this.#left = [];
    return left;
  }

  #request(): void {
    const { pool, agenda, meter } = this.#p;
    const worker = pool.request(meter.now);
    const ordinal = pool.ordinal[worker];
    this.starts += 1;
    const placedAt = this.#nodes?.place(worker, meter.now) ?? meter.now;
    agenda.add(placedAt + this.#startup(), turn.ready, () => {
      if (pool.state[worker] !== phase.starting || pool.ordinal[worker] !== ordinal) return;
      pool.becomeReady(worker, meter.now);
      this.#jobs().dispatch(meter.now);
      this.#leaveWhenIdle(worker);
    });
  }

  /** A job of the worker is over. */
  onVacated(worker: number): void {
    const { pool, meter, workers } = this.#p;
    if (pool.state[worker] === phase.draining) {
      if (pool.running[worker] === 0) this.#shutDown(worker);
      return;
    }
    if (workers.lifetime === null) return;
    const ended = (pool.completed[worker] as number) + (pool.failed[worker] as number);
    if (ended >= (workers.lifetime.jobs ?? Number.POSITIVE_INFINITY)) {
      pool.drain(worker, meter.now);
      if (pool.running[worker] === 0) this.#shutDown(worker);
    } else this.#leaveWhenIdle(worker);
  }

  /** By itself, when nothing comes. */
  #leaveWhenIdle(worker: number): void {
    const { pool, agenda, meter, workers } = this.#p;
    const idleMs = workers.lifetime?.idleMs;
    if (idleMs === undefined || pool.running[worker] !== 0) return;
    const [ordinal, since] = [pool.ordinal[worker], pool.since[worker]];
    agenda.add(meter.now + idleMs * millisecond, turn.metric, () => {
      const isSame = pool.state[worker] === phase.ready && pool.ordinal[worker] === ordinal;
      if (!isSame || pool.running[worker] !== 0 || pool.since[worker] !== since) return;
      this.#letGo(worker);
    });
  }

  #letGo(worker: number): void {
    const { pool, meter, agenda, workers } = this.#p;
    if (pool.state[worker] === phase.starting) {
      this.#leave(worker);
      return;
    }
    pool.drain(worker, meter.now);
    if (pool.running[worker] === 0) this.#shutDown(worker);
    else if (Number.isFinite(workers.graceMs)) {
      const ordinal = pool.ordinal[worker];
      agenda.add(meter.now + workers.graceMs * millisecond, turn.kill, () => {
        const isSame = pool.state[worker] === phase.draining && pool.ordinal[worker] === ordinal;
        if (isSame && pool.running[worker] !== 0) this.#kill(worker);
      });
    }
  }

  /** A draining worker has no job any more. */
  #shutDown(worker: number): void {
    const { pool, meter, agenda } = this.#p;
    const takesUs = this.#shutdown();
    if (takesUs === 0) {
      this.#leave(worker);
      return;
    }
    const ordinal = pool.ordinal[worker];
    agenda.add(meter.now + takesUs, turn.kill, () => {
      if (pool.state[worker] === phase.draining && pool.ordinal[worker] === ordinal)
        this.#leave(worker);
    });
  }

  #kill(worker: number): void {
    const { pool, meter } = this.#p;
    const first = worker * pool.concurrency;
    this.kills += 1;
    for (let slot = first; slot < first + pool.concurrency; slot += 1)
      if ((pool.slotJob[slot] as number) >= 0) this.#jobs().lose(slot, meter.now);
    this.#leave(worker);
  }

  #leave(worker: number): void {
    const { pool, meter, workers } = this.#p;
    if (workers.lifetime !== null) this.#remember(worker);
    pool.leave(worker);
    this.#nodes?.release(worker, meter.now);
    this.stops += 1;
  }

  #remember(worker: number): void {
    const { pool, meter } = this.#p;
    this.#left.push({
      ordinal: pool.ordinal[worker] as number,
      requestedAt: pool.requestedAt[worker] as number,
      readyAt: pool.readyAt[worker] as number,
      leftAt: meter.now,
      spentUs: pool.endedUs[worker] as number,
      completed: pool.completed[worker] as number,
      failed: pool.failed[worker] as number,
    });
    if (this.#left.length > mostLeft) this.#left = this.#left.slice(mostLeft / 2);
  }
}
