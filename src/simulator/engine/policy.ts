import type {
  Decision,
  MetricSample,
  ReadingFailure,
  ReadingWish,
  TargetStatus,
} from "../../scaler/index.ts";
import type { PlatformDefaults } from "./models.ts";

/** What a policy finds and moves. Times in milliseconds, as in production: `nowMs` is the load's origin plus the time since. */
export interface Plant {
  nowMs(): number;
  /** A look at the queue through the broker: as old, and as unreliable, as the model has it. */
  read(wish?: ReadingWish): QueueReading;
  status(): TargetStatus;
  /** Workers that are kept from now on: starts what is missing, lets go what is too many. */
  scale(to: number): void;
  /** Starts that many more, which leave by themselves. */
  create(count: number): void;
  /** Those that left by themselves since the last call, the oldest first. */
  takeLeft(): readonly LeftStatus[];
  /** Runs `action` once, `ms` from now; among policy ticks of the same moment, in the order of the calls. */
  after(ms: number, action: () => void): void;
  /** Calls at each arrival, where the broker tells of them. */
  onArrival(action: () => void): void;
  /** Notes a decision for the report. */
  record(
    decision: Pick<Decision, "controller" | "current" | "replicas" | "rule" | "reasons">,
  ): void;
  /** A number from 0 up to but without 1, from a stream of the policy's own, such as for the phase of a clock. */
  random(): number;
}

/** A worker that has left by itself. */
export interface LeftStatus {
  readonly id: string;
  readonly startedAt: number;
  readonly readyAt: number;
  readonly leftAt: number;
  /** Jobs that ended well in it, attempts that failed, and the time that they took. */
  readonly completed: number;
  readonly failed: number;
  readonly busyMs: number;
}

/** What a trigger would say of the queue. */
export interface QueueReading {
  /** Empty when the reading failed. */
  readonly samples: readonly MetricSample[];
  readonly failure: ReadingFailure | null;
}

/**
 * Who decides how many workers there are. Production's own decision functions are wrapped, never written again: what is
 * judged here is what runs.
 */
export interface Policy {
  /** For tables and plots, such as `keda` or `fixed 4`. */
  readonly name: string;
  readonly platform?: PlatformDefaults;
  /** Called once, at time 0. State belongs to this call, so that a policy can be run many times. */
  start(plant: Plant): void;
}
