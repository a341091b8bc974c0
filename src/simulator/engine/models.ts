import { SluiceError } from "../../core/index.ts";
import { constant, type Distribution } from "../distribution.ts";
import type { Dispatch } from "./slot-line.ts";
import type { Victims } from "./worker-pool.ts";

/** How workers behave. Periods in milliseconds. */
export interface WorkerModel {
  /** Jobs that one worker runs at a time. Default 1. */
  readonly concurrency?: number;
  /** From the request to the first job it could take. Default 10 s. */
  readonly startup?: Distribution;
  /** From when a worker that must leave has no job any more until it is gone. Default 0. */
  readonly shutdown?: Distribution;
  /** How long a worker that is told to go may finish what it has before it is killed; infinity: for ever. Default 30 s. */
  readonly graceMs?: number;
  /** Default `lifo`. */
  readonly dispatch?: Dispatch;
  /** Who leaves first. Default: what the policy's platform does. */
  readonly victims?: Victims;
  /** Whether start-up is paid for. Default `request`: from the request on. */
  readonly billing?: "request" | "ready";
  /** Workers that are ready when the load begins. Default 0. */
  readonly initialReplicas?: number;
  /** Machines that workers need; without them there is always room. */
  readonly nodes?: NodeModel;
  /** Workers that leave by themselves, as those of a ScaledJob do. Default: what the policy's platform does. */
  readonly lifetime?: WorkerLifetime;
  /** Beyond this many running jobs everything takes longer in proportion: what they all call has no more to give. */
  readonly downstreamCapacity?: number;
}

/** A worker leaves after `jobs` jobs, or when it has been idle for `idleMs`. */
export interface WorkerLifetime {
  readonly jobs?: number;
  readonly idleMs?: number;
}

/** A machine boots when no other has room, and leaves when it has been empty for `keepMs`. */
export interface NodeModel {
  readonly slotsPerNode: number;
  readonly boot: Distribution;
  readonly keepMs: number;
}

/** How the broker behaves. Periods in milliseconds. */
export interface BrokerModel {
  /** How often the figures that triggers read are refreshed; 0: live. Default 0. */
  readonly metricIntervalMs?: number;
  /** How old a figure is before it can be read. Default 0. */
  readonly metricLagMs?: number;
  /** The share of readings that fail. Default 0. */
  readonly errorRate?: number;
  /** Times, from the beginning of the load, during which no reading succeeds. */
  readonly outages?: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** Whether it says how long the oldest message has waited. Default true. */
  readonly tellsAge?: boolean;
  /** Whether it says how many messages are in flight. Default true. */
  readonly tellsInFlight?: boolean;
  /** Whether it says when delayed messages become ready, those of a backoff included. Default true. */
  readonly tellsDue?: boolean;
  /** Jobs are published this long before they are ready: delayed, to start at their time. Default 0. */
  readonly delayMs?: number;
  /** Whether it tells of each new message, which brings the next look of a policy that heeds it. Default false. */
  readonly pushes?: boolean;
  /** After how long the jobs of a killed worker are delivered again. Default 30 s. */
  readonly visibilityTimeoutMs?: number;
  /** After as many deliveries a job that does not end well is dead. Default 10. */
  readonly maxDeliveries?: number;
  /** The pause after a failed attempt, doubling with each up to the cap. Default 1 s to 5 min. */
  readonly backoff?: { readonly baseMs: number; readonly capMs: number };
}

/** {@link WorkerModel} with every field decided. */
export type DecidedWorkers = Required<Omit<WorkerModel, "nodes" | "lifetime">> & {
  readonly nodes: NodeModel | null;
  readonly lifetime: WorkerLifetime | null;
};

/** {@link BrokerModel} with every field decided. */
export type DecidedBroker = Required<BrokerModel>;

/** What the platform of a policy does where the model does not say. */
export interface PlatformDefaults {
  readonly victims?: Victims;
  readonly lifetime?: WorkerLifetime | null;
}

/** Throws `OPTION_INVALID`. */
export function decideWorkers(model: WorkerModel, platform: PlatformDefaults): DecidedWorkers {
  const workers: DecidedWorkers = {
    concurrency: model.concurrency ?? 1,
    startup: model.startup ?? constant(10_000),
    shutdown: model.shutdown ?? constant(0),
    graceMs: model.graceMs ?? 30_000,
    dispatch: model.dispatch ?? "lifo",
    victims: model.victims ?? platform.victims ?? "idle-first",
    billing: model.billing ?? "request",
    initialReplicas: model.initialReplicas ?? 0,
    nodes: model.nodes ?? null,
    lifetime: model.lifetime ?? platform.lifetime ?? null,
    downstreamCapacity: model.downstreamCapacity ?? Number.POSITIVE_INFINITY,
  };
  check("concurrency", workers.concurrency, { least: 1, whole: true });
  check("graceMs", workers.graceMs, { least: 0 });
  check("initialReplicas", workers.initialReplicas, { least: 0, whole: true });
  check("downstreamCapacity", workers.downstreamCapacity, { least: 1 });
  if (workers.nodes !== null) {
    check("slotsPerNode", workers.nodes.slotsPerNode, { least: 1, whole: true });
    check("keepMs", workers.nodes.keepMs, { least: 0 });
  }
  return workers;
}

/** Throws `OPTION_INVALID`. */
export function decideBroker(model: BrokerModel): DecidedBroker {
  const broker: DecidedBroker = {
    metricIntervalMs: model.metricIntervalMs ?? 0,
    metricLagMs: model.metricLagMs ?? 0,
    errorRate: model.errorRate ?? 0,
    outages: model.outages ?? [],
    tellsAge: model.tellsAge ?? true,
    tellsInFlight: model.tellsInFlight ?? true,
    tellsDue: model.tellsDue ?? true,
    delayMs: model.delayMs ?? 0,
    pushes: model.pushes ?? false,
    visibilityTimeoutMs: model.visibilityTimeoutMs ?? 30_000,
    maxDeliveries: model.maxDeliveries ?? 10,
    backoff: model.backoff ?? { baseMs: 1000, capMs: 300_000 },
  };
  check("metricIntervalMs", broker.metricIntervalMs, { least: 0 });
  check("metricLagMs", broker.metricLagMs, { least: 0 });
  check("delayMs", broker.delayMs, { least: 0 });
  check("visibilityTimeoutMs", broker.visibilityTimeoutMs, { least: 0 });
  check("maxDeliveries", broker.maxDeliveries, { least: 1, whole: true });
  check("backoff.baseMs", broker.backoff.baseMs, { least: 0 });
  check("backoff.capMs", broker.backoff.capMs, { least: broker.backoff.baseMs });
  if (!(broker.errorRate >= 0 && broker.errorRate <= 1))
    throw new SluiceError(
      "OPTION_INVALID",
      `errorRate must be from 0 to 1; got ${broker.errorRate}.`,
    );
  return broker;
}

function check(
  name: string,
  value: number,
  rule: { readonly least: number; readonly whole?: boolean },
): void {
  if (value >= rule.least && !(rule.whole && !Number.isSafeInteger(value))) return;
  const kind = rule.whole ? "a whole number" : "a number";
  throw new SluiceError(
    "OPTION_INVALID",
    `${name} must be ${kind} from ${rule.least}; got ${value}.`,
  );
}
