import type { Period } from "./duration.ts";

/**
 * What is dear: `cost` starts as few workers as keep the objective and uses the wait that it allows; `balanced` aims at 60 %
 * of it; `latency` at 20 %, and starts from zero at once. No mode aims at less than what start-up allows.
 */
export type ObjectiveMode = "cost" | "balanced" | "latency";

/** Times at which workers shall be ready whatever the load is; fields are spelled as those of KEDA's `cron` trigger. */
export interface PrewarmWindow {
  /** An IANA name, such as `Europe/Berlin`. */
  readonly timezone: string;
  /** When it opens: five fields of cron. */
  readonly start: string;
  /** When it closes. */
  readonly end: string;
  /** Workers that are ready when it opens, and until it closes. */
  readonly desiredReplicas: number;
}

/** What to have while the queue cannot be read; fields are spelled as KEDA spells them. */
export interface ObjectiveFallback {
  /** So many looks in a row may fail, each of which holds the count. */
  readonly failureThreshold: number;
  /** Workers from the next one on, until a reading succeeds. */
  readonly replicas: number;
  /** `static` (default): `replicas`. Or the present count, or the higher or the lower of both. */
  readonly behavior?:
    | "static"
    | "currentReplicas"
    | "currentReplicasIfHigher"
    | "currentReplicasIfLower";
}

/** A wait to keep: no job waits longer from when it could be received to its first start, save a few in a hundred. */
export interface ObjectiveOptions {
  /** Seconds, or a text such as `"5s"`. */
  readonly maxWait: Period;
  /** Default `cost`. */
  readonly mode?: ObjectiveMode;
  /** What a start takes, until five were measured. Default: 0.5 s for processes, 10 s in a cluster. */
  readonly startupDelay?: Period;
  /** The share of jobs that may wait longer. Default 0.05. */
  readonly lateShare?: number;
  /** The share of the objective that is aimed at, in place of the mode's: above 0, at most 1. */
  readonly theta?: number;
  /** Moves theta by the share of late jobs. Default false. */
  readonly adaptive?: boolean;
  /** What a start costs besides its time, in seconds of a running worker. Default 0. */
  readonly startCost?: Period;
  /** Most workers that one decision adds. Default: no limit. */
  readonly maxStepUp?: number;
  /** Most starts within a minute. Default 4 × maxReplicaCount + 10. */
  readonly maxStartsPerMinute?: number;
  /**
   * Lets workers with jobs finish and go when the others have slots for them, once jobs are known to end long before the
   * grace of a worker that leaves. Default false: only idle workers leave.
   */
  readonly drainBusy?: boolean;
  /** What to have while the queue cannot be read. Default: what there is. */
  readonly fallback?: ObjectiveFallback;
  /** Workers that are started ahead of certain times, so that they are ready by then. */
  readonly prewarm?: readonly PrewarmWindow[];
}
