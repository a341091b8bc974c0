/** What a policy's cost and late jobs come from: each cause is taken away by itself, and the difference is its share. */
import { constant } from "../distribution.ts";
import type { BrokerModel, WorkerModel } from "../engine/models.ts";
import type { Policy } from "../engine/policy.ts";
import { simulate } from "../engine/simulation.ts";
import type { Load } from "../loads/load.ts";
import { toReport } from "../report.ts";
import { type TuneSubject, tunableOf } from "./evaluate.ts";
import type { Cause } from "./parameter.ts";

/** What is run. */
export interface AttributionOptions {
  readonly subject: TuneSubject;
  readonly load: Load;
  readonly maxWaitMs: number;
  readonly seed: number;
  readonly workers: WorkerModel;
  readonly broker: BrokerModel;
}

/** One cause: the run without it, and what is less then. Both shares can be negative: causes may hide each other. */
export interface Attribution {
  readonly cause: string;
  /** What was done to take it away. */
  readonly without: string;
  readonly latePercent: number;
  readonly workerSeconds: number;
  /** The share of the late jobs, up to 1, that it is responsible for; null where none is late. */
  readonly lateShare: number | null;
  /** The same of the worker-seconds. */
  readonly costShare: number;
}

interface Variant extends Cause {
  readonly workers?: WorkerModel;
  readonly broker?: BrokerModel;
}

/** The causes on a load, in the order in which they act. */
export function attribute(options: AttributionOptions): readonly Attribution[] {
  const { current, causes } = tunableOf(options.subject);
  const base = run(options, { policy: current });
  return [...causes, ...surroundings(options, current)].map((variant) => {
    const { late, latePercent, workerSeconds } = run(options, variant);
    return {
      ...{ cause: variant.cause, without: variant.without, latePercent, workerSeconds },
      lateShare: base.late === 0 ? null : 1 - late / base.late,
      costShare: base.workerSeconds === 0 ? 0 : 1 - workerSeconds / base.workerSeconds,
    };
  });
}

function run(options: AttributionOptions, variant: Pick<Variant, "policy" | "workers" | "broker">) {
  const { load, maxWaitMs, seed } = options;
  const { policy, workers = options.workers, broker = options.broker } = variant;
  const outcome = simulate({ load, policy, maxWaitMs, seed, workers, broker, columns: 0 });
  const { jobs, workerSeconds } = toReport(outcome);
  return { late: jobs.late, latePercent: jobs.latePercent, workerSeconds: workerSeconds.total };
}

/** What lies with the workers and the broker, whoever scales. */
function surroundings({ workers, broker }: AttributionOptions, policy: Policy): readonly Variant[] {
  const startup: Variant = {
    ...{ cause: "start-up", without: "workers are ready at once", policy },
    workers: withoutStartup(workers),
  };
  const stale: Variant = {
    ...{ cause: "stale figures", without: "the broker's figures are live", policy },
    broker: { ...broker, metricIntervalMs: 0, metricLagMs: 0 },
  };
  const isStale = (broker.metricIntervalMs ?? 0) + (broker.metricLagMs ?? 0) > 0;
  return isStale ? [startup, stale] : [startup];
}

function withoutStartup({ nodes, ...workers }: WorkerModel): WorkerModel {
  const atOnce = { ...workers, startup: constant(0) };
  return nodes === undefined ? atOnce : { ...atOnce, nodes: { ...nodes, boot: constant(0) } };
}
