import type { ReadingWish, TargetStatus, WorkerState, WorkerStatus } from "../../scaler/index.ts";
import { type Load, millisecond } from "../loads/load.ts";
import type { Random } from "../random.ts";
import { type Agenda, turn } from "./agenda.ts";
import type { Fleet, LeftWorker } from "./fleet.ts";
import type { JobFlow } from "./job-flow.ts";
import type { Levels } from "./levels.ts";
import type { Meter } from "./meter.ts";
import type { MetricFeed } from "./metric-feed.ts";
import type { DecidedBroker } from "./models.ts";
import type { LeftStatus, Plant, QueueReading } from "./policy.ts";
import type { RuleColumns } from "./rule-columns.ts";
import { phase, type WorkerPool } from "./worker-pool.ts";

/** One decision of a run, in short. Times in milliseconds from the beginning of the load. */
export interface DecisionEntry {
  readonly atMs: number;
  /** Which loop decided: `keda`, `hpa`, `objective`, … */
  readonly controller: string;
  readonly from: number;
  readonly to: number;
  readonly rule: string;
  readonly code: string;
  readonly text: string;
}

/** What was decided. Only changes of the count, or of a controller's rule, are entries; at most {@link mostEntries}. */
export interface DecisionLog {
  /** Whether entries are kept. */
  readonly keeps: boolean;
  /** The same by columns of time; null where there are none. */
  readonly rules: RuleColumns | null;
  readonly entries: DecisionEntry[];
  /** All decisions by the rule that settled them. */
  readonly counts: Map<string, number>;
  /** The rule of each controller's last decision. */
  readonly lastRules: Map<string, string>;
  /** Changes beyond the last entry. */
  dropped: number;
}

const mostEntries = 5000;

/** The parts of a run that a policy meets. */
export interface PlantParts {
  readonly load: Load;
  readonly broker: DecidedBroker;
  readonly levels: Levels;
  readonly agenda: Agenda;
  readonly meter: Meter;
  readonly pool: WorkerPool;
  readonly fleet: Fleet;
  readonly jobs: JobFlow;
  readonly feed: MetricFeed;
  readonly log: DecisionLog;
  readonly random: (purpose: string) => Random;
}

/** What the policy of a run finds and moves. */
export function createPlant(parts: PlantParts): Plant {
  const { load, agenda, meter, fleet, jobs, broker } = parts;
  return {
    nowMs: () => load.originMs + meter.now / millisecond,
    read: (wish) => readQueue(parts, wish),
    status: () => statusOf(parts),
    scale: (to) => fleet.scaleTo(to),
    create: (count) => fleet.create(count),
    takeLeft: () => fleet.takeLeft().map((worker) => describeLeft(worker, load.originMs)),
    after(ms, action) {
      agenda.add(meter.now + Math.round(ms * millisecond), turn.tick, action);
    },
    onArrival(action) {
      if (broker.pushes) jobs.onArrival = action;
    },
    record: (decision) => note(parts, decision),
    random: parts.random("policy"),
  };
}

function readQueue(
  { load, broker, feed, meter, jobs }: PlantParts,
  { dueEdgesMs = [] }: ReadingWish = {},
): QueueReading {
  const figures = feed.read(meter.now);
  if (figures === null)
    return { samples: [], failure: { of: "trigger", text: "the simulated broker did not answer" } };
  const { ready, inFlight, delayed, oldestAgeUs } = figures;
  const tells = broker.tellsInFlight;
  const sample = {
    name: load.name,
    value: tells ? ready + inFlight : ready,
    at: load.originMs + figures.at / millisecond,
    ready,
    inFlight: tells ? inFlight : null,
    delayed,
    oldestAgeMs: broker.tellsAge ? oldestAgeUs / millisecond : null,
    ...(broker.tellsDue && {
      due: dueEdgesMs.map((inMs) => ({ inMs, count: jobs.dueWithin(figures.at, inMs) })),
    }),
  };
  return { samples: [sample], failure: null };
}

/** Single workers are described only when asked for, since most policies look at the counts alone. */
function statusOf(parts: PlantParts): TargetStatus {
  const { starting, ready, busy, draining } = parts.levels;
  let workers: readonly WorkerStatus[] | null = null;
  return {
    replicas: starting + ready,
    ready,
    starting,
    busy,
    idle: ready - busy,
    draining,
    get workers() {
      workers ??= describeWorkers(parts);
      return workers;
    },
  };
}

function describeLeft(worker: LeftWorker, originMs: number): LeftStatus {
  return {
    id: `w${worker.ordinal}`,
    startedAt: originMs + worker.requestedAt / millisecond,
    readyAt: originMs + worker.readyAt / millisecond,
    leftAt: originMs + worker.leftAt / millisecond,
    completed: worker.completed,
    failed: worker.failed,
    busyMs: worker.spentUs / millisecond,
  };
}

function describeWorkers({ load, pool, meter }: PlantParts): readonly WorkerStatus[] {
  const toMs = (us: number | undefined): number => load.originMs + (us ?? 0) / millisecond;
  return pool.inPhase(phase.starting, phase.ready, phase.draining).map((worker) => ({
    id: `w${pool.ordinal[worker]}`,
    state: stateOf(pool, worker),
    startedAt: toMs(pool.requestedAt[worker]),
    since: toMs(pool.since[worker]),
    ...(pool.state[worker] === phase.starting ? {} : { readyAt: toMs(pool.readyAt[worker]) }),
    inFlight: pool.running[worker] ?? 0,
    completed: pool.completed[worker] ?? 0,
    failed: pool.failed[worker] ?? 0,
    busyMs: pool.spentUs(worker, meter.now) / millisecond,
    ...(pool.running[worker] === 0
      ? {}
      : { oldestMs: pool.oldestUs(worker, meter.now) / millisecond }),
  }));
}

function stateOf(pool: WorkerPool, worker: number): WorkerState {
  if (pool.state[worker] === phase.starting) return "starting";
  if (pool.state[worker] === phase.draining) return "draining";
  return pool.running[worker] === 0 ? "idle" : "busy";
}

function note({ log, meter }: PlantParts, decision: Parameters<Plant["record"]>[0]): void {
  const { current: from, replicas: to, rule, controller } = decision;
  log.counts.set(rule, (log.counts.get(rule) ?? 0) + 1);
  log.rules?.note(controller, rule, from !== to);
  if (!log.keeps) return;
  const isNews = from !== to || log.lastRules.get(controller) !== rule;
  log.lastRules.set(controller, rule);
  if (!isNews) return;
  if (log.entries.length >= mostEntries) {
    log.dropped += 1;
    return;
  }
  const [reason] = decision.reasons;
  log.entries.push({
    atMs: meter.now / millisecond,
    controller,
    from,
    to,
    rule,
    code: reason?.code ?? rule,
    text: reason?.text ?? "",
  });
}
