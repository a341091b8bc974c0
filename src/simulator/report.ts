import { createHash } from "node:crypto";
import type { LowerBound } from "./bound/lower-bound.ts";
import type { DecisionEntry } from "./engine/plant.ts";
import type { Series } from "./engine/series.ts";
import type { Outcome } from "./engine/simulation.ts";
import { jobCount } from "./loads/load.ts";

/** The figures of one run. Plain data of a stable shape: `version` changes when a field changes its meaning. */
export interface Report {
  readonly version: 1;
  readonly load: LoadFigures;
  readonly policy: string;
  readonly seed: number;
  readonly maxWaitMs: number | null;
  readonly jobs: JobFigures;
  readonly waitMs: WaitFigures;
  /** From the arrival to the good end. */
  readonly sojournMs: WaitFigures;
  readonly workerSeconds: CostFigures;
  readonly workers: WorkerFigures;
  /** The least that any policy can pay for the objective; null where it was not asked for. */
  readonly bound: BoundFigures | null;
  readonly checks: CheckFigures;
  readonly decisions: DecisionFigures;
  /** Shares of the waits up to each edge: what a plot of the distribution is drawn from. */
  readonly waitShares: readonly { readonly upToMs: number; readonly share: number }[];
  readonly series: Series | null;
}

export interface LoadFigures {
  readonly name: string;
  readonly jobs: number;
  readonly spanSeconds: number;
  readonly workSeconds: number;
  readonly notes: readonly string[];
}

export interface JobFigures {
  readonly arrived: number;
  readonly done: number;
  readonly dead: number;
  /** At the end: not started, waiting for another attempt, running. */
  readonly waiting: number;
  readonly delayed: number;
  readonly running: number;
  /** Those that waited longer than the objective, also those that still do. */
  readonly late: number;
  readonly latePercent: number;
}

export interface WaitFigures {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Worker-seconds, and what they went into. With several jobs at a time, a worker is busy by the share of its slots. */
export interface CostFigures {
  readonly total: number;
  readonly busy: number;
  readonly idle: number;
  /** From request to ready; not part of the total where start-up is not billed. */
  readonly starting: number;
  /** Attempts that failed or were lost with their worker. */
  readonly wasted: number;
}

export interface WorkerFigures {
  readonly peak: number;
  readonly starts: number;
  readonly stops: number;
  /** How often the wanted count changed. */
  readonly changes: number;
  /** Workers that were killed with jobs, and the jobs that ran again for it. */
  readonly kills: number;
  readonly redoneJobs: number;
  readonly failedAttempts: number;
  readonly zeroSeconds: number;
}

export interface BoundFigures extends Omit<LowerBound, "needed"> {
  /** What was paid as a multiple of the bound. */
  readonly ratio: number;
}

/** What must hold in every run, measured in two ways each; the differences are relative. */
export interface CheckFigures {
  /** arrived = done + dead + waiting + delayed + running. */
  readonly conserved: boolean;
  /** Little's law for those that wait: the integral of the queue against the sum of the waits. */
  readonly littleWaiting: number;
  /** The same for those that run. */
  readonly littleRunning: number;
}

export interface DecisionFigures {
  readonly made: number;
  /** By the rule that settled them. */
  readonly byRule: Readonly<Record<string, number>>;
  readonly entries: readonly DecisionEntry[];
  readonly dropped: number;
}

/** The figures of a run, with the bound where one is given. */
export function toReport(outcome: Outcome, bound: LowerBound | null = null): Report {
  const { load, jobs, fleet, meter, log } = outcome;
  const workerSeconds = costFigures(outcome);
  return {
    version: 1,
    load: {
      name: load.name,
      jobs: jobCount(load),
      spanSeconds: load.spanUs / second,
      workSeconds: workSeconds(load.serviceUs),
      notes: load.notes,
    },
    policy: outcome.policy,
    seed: outcome.seed,
    maxWaitMs: outcome.maxWaitMs,
    jobs: jobFigures(outcome),
    waitMs: waitFigures(jobs.waits),
    sojournMs: waitFigures(jobs.sojourns),
    workerSeconds,
    workers: {
      peak: meter.peak,
      starts: fleet.starts,
      stops: fleet.stops,
      changes: fleet.changes,
      kills: fleet.kills,
      redoneJobs: jobs.lostAttempts,
      failedAttempts: jobs.failedAttempts,
      zeroSeconds: meter.areas.zero / second,
    },
    bound: boundFigures(bound, workerSeconds.total),
    checks: checkFigures(outcome),
    decisions: {
      made: [...log.counts.values()].reduce((sum, count) => sum + count, 0),
      byRule: Object.fromEntries(log.counts),
      entries: log.entries,
      dropped: log.dropped,
    },
    waitShares: waitShares(outcome),
    series: outcome.series,
  };
}

const second = 1_000_000;

function workSeconds(services: Float64Array): number {
  let sum = 0;
  for (const service of services) sum += service;
  return sum / second;
}

function boundFigures(bound: LowerBound | null, paid: number): BoundFigures | null {
  if (bound === null || bound.workerSeconds === 0) return null;
  const { needed: _, ...figures } = bound;
  return { ...figures, ratio: paid / bound.workerSeconds };
}

/** Those that never started count with the wait that they have had. */
function jobFigures({ load, jobs, meter, maxWaitMs, running }: Outcome): JobFigures {
  const arrived = jobs.line.arrived;
  const limitUs = maxWaitMs === null ? Number.POSITIVE_INFINITY : maxWaitMs * 1000;
  const late = jobs.late + jobs.line.leftAt(meter.now, limitUs).late;
  return {
    arrived,
    done: jobs.done,
    dead: jobs.dead,
    waiting: jobs.line.size,
    delayed: jobs.delayed + jobs.unattended,
    running,
    late,
    latePercent: jobCount(load) === 0 ? 0 : (100 * late) / jobCount(load),
  };
}

function waitFigures(waits: Outcome["jobs"]["waits"]): WaitFigures {
  const ms = (share: number): number => waits.percentileUs(share) / 1000;
  return {
    mean: waits.meanUs / 1000,
    p50: ms(0.5),
    p95: ms(0.95),
    p99: ms(0.99),
    max: waits.maxUs / 1000,
  };
}

function costFigures({ meter, jobs, workers }: Outcome): CostFigures {
  const { areas } = meter;
  const starting = areas.starting / second;
  const present = (areas.ready + areas.draining) / second;
  const wasted = jobs.wastedUs / second / workers.concurrency;
  const busy = areas.slots / second / workers.concurrency - wasted;
  return {
    total: present + (workers.billing === "request" ? starting : 0),
    busy,
    idle: Math.max(0, present - busy - wasted),
    starting,
    wasted,
  };
}

function checkFigures({ jobs, meter, running, running: still }: Outcome): CheckFigures {
  const { line } = jobs;
  const accounted = jobs.done + jobs.dead + line.size + jobs.delayed + jobs.unattended + running;
  const waited =
    jobs.waits.sumUs +
    line.returnedWaitUs +
    line.leftAt(meter.now, Number.POSITIVE_INFINITY).waitUs;
  return {
    conserved: accounted === line.arrived,
    littleWaiting: difference(meter.areas.queue, waited),
    littleRunning: still === 0 ? difference(meter.areas.slots, jobs.usefulUs + jobs.wastedUs) : 0,
  };
}

function difference(a: number, b: number): number {
  const most = Math.max(Math.abs(a), Math.abs(b));
  return most === 0 ? 0 : Math.abs(a - b) / most;
}

/** Eight edges to each doubling, from 1 ms to the longest wait. */
function waitShares({ jobs }: Outcome): Report["waitShares"] {
  const edges = [0];
  for (let ms = 1; ms < 2 * (jobs.waits.maxUs / 1000) && edges.length < 400; ms *= 2 ** 0.125)
    edges.push(ms);
  const shares = jobs.waits.sharesUpTo(edges.map((ms) => (ms === 0 ? 1 : ms * 1000)));
  return edges.map((upToMs, index) => ({ upToMs, share: shares[index] ?? 1 }));
}

/** SHA-256 over the report with its keys sorted: the same load, policy, models and seed have the same, on every machine. */
export function hashReport(report: Report): string {
  return createHash("sha256").update(canonical(report)).digest("hex");
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(",")}}`;
}
