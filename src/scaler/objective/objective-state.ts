import { type ArrivalRate, noArrivals } from "./arrival-rate.ts";
import type { IdleWindow } from "./idle-window.ts";
import { type IdleGaps, type KeepAlive, noIdleGaps } from "./keep-alive.ts";
import type { Margins } from "./margins.ts";
import type { ObjectivePolicy } from "./objective-policy.ts";
import { notSaturated, type Saturation } from "./saturation.ts";
import { noShift, type ServiceShift } from "./service-shift.ts";
import { declaredService, type ServiceTime } from "./service-time.ts";
import type { RecentStarts } from "./start-budget.ts";
import type { StartupTimes } from "./startup-times.ts";
import type { WaitingJobs } from "./waiting-jobs.ts";
import type { WorkerMemories } from "./worker-flow.ts";

/** The last reading of the queue that was taken in. */
export interface QueueMark {
  readonly at: number;
  readonly ready: number;
  /** Jobs that had been started by then, all added up. */
  readonly started: number;
  /** What the last two readings contradicted each other by, 0 or less. */
  readonly debt: number;
}

/** How many jobs had been started at a time. */
export interface StartedMark {
  readonly at: number;
  readonly started: number;
}

/** The memory of the policy between two decisions: plain data. */
export interface ObjectiveState {
  /** When it looked last; null: never. */
  readonly at: number | null;
  /** When it looked first. */
  readonly firstAt: number | null;
  readonly workers: WorkerMemories;
  /** Attempts that ended so far. */
  readonly ended: number;
  /** Jobs that ran at the last look. */
  readonly inFlight: number;
  readonly starts: readonly StartedMark[];
  readonly queue: QueueMark | null;
  readonly waiting: WaitingJobs;
  readonly rate: ArrivalRate;
  readonly service: ServiceTime;
  readonly shift: ServiceShift;
  /** For how long a job has run at most, forgotten by 0.01 % with every job that ends. */
  readonly longestMs: number;
  readonly startups: StartupTimes;
  readonly gaps: IdleGaps;
  readonly keepAlive: KeepAlive | null;
  /** When the keep-alive was chosen last. */
  readonly keepAliveAt: number | null;
  readonly idle: IdleWindow | null;
  readonly margins: Margins;
  readonly saturation: Saturation;
  readonly recentStarts: RecentStarts;
  /** Looks in a row whose reading failed. */
  readonly failures: number;
}

/** Before the first look. */
export function initialObjectiveState(policy: ObjectivePolicy): ObjectiveState {
  return {
    ...{ at: null, firstAt: null },
    workers: {},
    ended: 0,
    inFlight: 0,
    starts: [],
    queue: null,
    waiting: [],
    rate: noArrivals,
    service: declaredService(policy.serviceMs),
    shift: noShift,
    longestMs: 0,
    startups: [],
    gaps: noIdleGaps,
    keepAlive: null,
    keepAliveAt: null,
    idle: null,
    margins: { theta: policy.theta, reserve: 0 },
    saturation: notSaturated,
    recentStarts: [],
    failures: 0,
  };
}
