/**
 * One run: a load, workers, a broker and a policy under a virtual time of whole microseconds. Events of the same
 * microsecond happen in a fixed order: completions, workers that become ready, arrivals and returns, refreshes of the
 * broker's figures, policy ticks, kills; those of one kind in the order in which they were scheduled. Randomness comes
 * from a stream for each purpose, so that the same seed makes the same run, and another policy meets the same load.
 *
 * The run ends when the load's span is over and no job is left, or `drainLimitMs` after the span.
 */

import { type Load, millisecond } from "../loads/load.ts";
import { type Random, randomStream } from "../random.ts";
import { Agenda, turn } from "./agenda.ts";
import { FinishHeap } from "./finish-heap.ts";
import { Fleet } from "./fleet.ts";
import { JobFlow } from "./job-flow.ts";
import { zeroLevels } from "./levels.ts";
import { Meter } from "./meter.ts";
import { MetricFeed } from "./metric-feed.ts";
import {
  type BrokerModel,
  type DecidedBroker,
  type DecidedWorkers,
  decideBroker,
  decideWorkers,
  type WorkerModel,
} from "./models.ts";
import { createPlant, type DecisionLog, type PlantParts } from "./plant.ts";
import type { Policy } from "./policy.ts";
import { type Series, SeriesRecorder } from "./series.ts";
import { WorkerPool } from "./worker-pool.ts";

/** What is simulated. */
export interface SimulationOptions {
  readonly load: Load;
  readonly policy: Policy;
  /** For everything random besides the load. Default 1. */
  readonly seed?: number;
  /** Jobs that wait longer than this are late. Default: none is. */
  readonly maxWaitMs?: number;
  readonly workers?: WorkerModel;
  readonly broker?: BrokerModel;
  /** Columns of the series over time; 0 records neither series nor single decisions. Default 480. */
  readonly columns?: number;
  /** How long after the span of the load jobs may still be under way. Default 24 h. */
  readonly drainLimitMs?: number;
}

/** What a run left behind; `toReport` makes figures of it. */
export interface Outcome {
  readonly load: Load;
  readonly policy: string;
  readonly seed: number;
  readonly maxWaitMs: number | null;
  readonly workers: DecidedWorkers;
  readonly broker: DecidedBroker;
  readonly jobs: JobFlow;
  readonly fleet: Fleet;
  readonly meter: Meter;
  readonly log: DecisionLog;
  readonly running: number;
  readonly series: Series | null;
}

const dayMs = 86_400_000;

/**
 * Runs a load against a policy. Throws `OPTION_INVALID` for a model that cannot be.
 *
 * @example
 * const outcome = simulate({ load: generateLoad("spike"), policy: fixedPolicy(4), maxWaitMs: 30_000 });
 * console.log(toReport(outcome).waitMs.p95);
 */
export function simulate(options: SimulationOptions): Outcome {
  const run = prepareRun(options);
  const { parts } = run;
  runLoop(parts, parts.load.spanUs + drainLimitUs(options));
  return run.finish();
}

/** How long after the span of the load jobs may still be under way. */
export function drainLimitUs({ drainLimitMs }: Pick<SimulationOptions, "drainLimitMs">): number {
  return (drainLimitMs ?? dayMs) * millisecond;
}

/** A run that has begun and that somebody else moves on. */
export interface PreparedRun {
  readonly parts: RunParts;
  finish(): Outcome;
}

/** A run at time 0, its policy started. Throws as {@link simulate} does. */
export function prepareRun(options: SimulationOptions): PreparedRun {
  const { load, policy, seed = 1 } = options;
  const workers = decideWorkers(options.workers ?? {}, policy.platform ?? {});
  const broker = decideBroker(options.broker ?? {});
  const maxWaitMs = options.maxWaitMs ?? null;
  const columns = options.columns ?? 480;
  const parts = assemble({ load, seed, workers, broker, maxWaitMs, columns });
  const { fleet, jobs, meter, levels, log } = parts;

  fleet.begin();
  refreshRegularly(parts);
  policy.start(createPlant(parts));
  return {
    parts,
    finish: () => ({
      ...{ load, seed, maxWaitMs, workers, broker, jobs, fleet, meter, log },
      policy: policy.name,
      running: levels.slots,
      series: meter.finish(),
    }),
  };
}

interface Settings {
  readonly load: Load;
  readonly seed: number;
  readonly workers: DecidedWorkers;
  readonly broker: DecidedBroker;
  readonly maxWaitMs: number | null;
  readonly columns: number;
}

/** What a run is made of. */
export interface RunParts extends PlantParts {
  readonly heap: FinishHeap;
}

function assemble({ load, seed, workers, broker, maxWaitMs, columns }: Settings): RunParts {
  const series = columns > 0 ? new SeriesRecorder(load.spanUs, columns) : null;
  const random = (purpose: string): Random => randomStream(seed, purpose);
  const levels = zeroLevels();
  const agenda = new Agenda();
  const heap = new FinishHeap();
  const meter = new Meter(levels, series);
  const pool = new WorkerPool({
    concurrency: workers.concurrency,
    dispatch: workers.dispatch,
    levels,
    random: random("dispatch"),
    rank: random("victims"),
  });
  const fleet = new Fleet({ workers, meter, agenda, pool, random }, () => jobs);
  const jobs = new JobFlow({
    ...{ load, broker, levels, meter, agenda, pool, heap, series },
    maxWaitUs: maxWaitMs === null ? Number.POSITIVE_INFINITY : maxWaitMs * millisecond,
    downstreamCapacity: workers.downstreamCapacity,
    onVacated: (worker) => fleet.onVacated(worker),
  });
  const feed = new MetricFeed(broker, random("readings"), (now) => ({
    at: now,
    ready: levels.queue,
    inFlight: levels.slots + jobs.unattended,
    delayed: broker.delayMs > 0 ? jobs.dueWithin(now, Number.POSITIVE_INFINITY) : jobs.delayed,
    oldestAgeUs: now - jobs.line.oldestSince(now),
  }));
  if (series !== null) series.ageUs = (now) => now - jobs.line.oldestSince(now);
  const log: DecisionLog = {
    ...{ keeps: columns > 0, rules: series?.rules ?? null, entries: [], dropped: 0 },
    ...{ counts: new Map(), lastRules: new Map() },
  };
  return { load, broker, levels, agenda, heap, meter, pool, fleet, jobs, feed, log, random };
}

function refreshRegularly({ feed, agenda, meter }: RunParts): void {
  const everyUs = feed.refreshEveryUs;
  if (everyUs === null) return;
  const refresh = (): void => {
    feed.refresh(meter.now);
    agenda.add(meter.now + everyUs, turn.metric, refresh);
  };
  agenda.add(0, turn.metric, refresh);
}

function runLoop(parts: RunParts, limitUs: number): void {
  const { load, jobs } = parts;
  for (;;) {
    const next = nextEventAt(parts);
    if (next > load.spanUs && (jobs.left === 0 || next > limitUs)) break;
    takeEvent(parts, next);
  }
  endAt(parts, jobs.left === 0 ? load.spanUs : limitUs);
}

/** When the next event is. */
export function nextEventAt({ heap, jobs, agenda }: RunParts): number {
  return Math.min(heap.topAt, jobs.nextArrivalAt, agenda.topAt);
}

/** Lets the event happen that is next, at the time of it. */
export function takeEvent({ jobs, agenda, heap, meter }: RunParts, next: number): void {
  if (heap.topAt === next) jobs.finish(next);
  else if (jobs.nextArrivalAt === next && (agenda.topAt > next || agenda.topTurn !== turn.ready))
    jobs.arrive(next);
  else {
    meter.advance(next);
    agenda.runTop();
  }
}

/** Lets the time pass up to the end, if it is still to come. */
export function endAt({ meter }: RunParts, at: number): void {
  meter.advance(Math.max(meter.now, at));
}
