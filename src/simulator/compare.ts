import { type LowerBound, lowerBound } from "./bound/lower-bound.ts";
import { type BrokerModel, decideWorkers, type WorkerModel } from "./engine/models.ts";
import type { Policy } from "./engine/policy.ts";
import { simulate } from "./engine/simulation.ts";
import type { Load } from "./loads/load.ts";
import { type Report, toReport } from "./report.ts";

/** Policies that are to be judged on one load. */
export interface ComparisonOptions {
  readonly load: Load;
  readonly policies: readonly Policy[];
  readonly maxWaitMs: number;
  /** The share of jobs that must keep it, from 0 to 1. Default 0.95. */
  readonly share?: number;
  readonly seed?: number;
  readonly workers?: WorkerModel;
  readonly broker?: BrokerModel;
}

/** All of them under the same load, seed and models, beside what is possible. */
export interface Comparison {
  readonly bound: LowerBound;
  readonly reports: readonly Report[];
}

/**
 * Runs each policy on the load. Throws as `simulate` does.
 *
 * @example
 * const { reports, bound } = await comparePolicies({
 *   load: generateLoad("step"),
 *   policies: [fixedPolicy(25), backlogPolicy({ maxReplicaCount: 40 })],
 *   maxWaitMs: 30_000,
 * });
 */
export async function comparePolicies(options: ComparisonOptions): Promise<Comparison> {
  const { load, policies, maxWaitMs, share = 0.95, workers = {}, broker = {}, seed = 1 } = options;
  const { concurrency, startup, billing, initialReplicas } = decideWorkers(workers, {});
  const bound = await lowerBound({
    ...{ load, maxWaitMs, lateShare: 1 - share },
    ...{ concurrency, startup, billing, initialReplicas },
  });
  const reports = policies.map((policy) =>
    toReport(simulate({ load, policy, maxWaitMs, seed, workers, broker }), bound),
  );
  return { bound, reports };
}

/** Whether a run kept its objective for that share of its jobs. */
export function keepsObjective({ jobs, load }: Report, share: number): boolean {
  return jobs.late <= (1 - share) * load.jobs + 1e-9;
}
