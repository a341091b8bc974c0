import type { Clock, Logger } from "../../core/index.ts";
import type { Decision } from "../decision.ts";
import type { ScalerTrigger } from "../scaler-trigger.ts";

/** A scaled object or job at work. */
export interface ScalerEngine<State> {
  /** What its clocks remember: plain data, to go on from after a restart. */
  readonly state: State;
  /** Decides at once, or after the start delay, and from then on by its clocks. */
  start(): void;
  /** No more decisions; resolves when the one under way is carried out. Idempotent. */
  stop(): Promise<void>;
}

/** What both kinds of engine take. Triggers and target stay open when the engine stops; they belong to whoever built them. */
export interface ScalerEngineOptions {
  /** For the log: `ScaledObject default/worker`. */
  readonly name: string;
  /** The external ones; cpu and memory are the target's to measure. */
  readonly triggers: readonly ScalerTrigger[];
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Gets every decision, before it is carried out. The engine keeps none: kept until the next one, the records of
   * thousands of objects would fill the old generation of the heap with garbage.
   */
  readonly onDecision?: (decision: Decision) => void;
  /** Gets the figures of every turn. */
  readonly onTurn?: (turn: TurnFigures) => void;
  /** Before the first turn, so that many objects do not all look at the same time. Default 0. */
  readonly startDelayMs?: number;
  /** For a reading that ignores its own time-out. Default 30 s. */
  readonly readTimeoutMs?: number;
}

/** How a turn went. */
export interface TurnFigures {
  /** By how much it came later than it was due. */
  readonly lateMs: number;
  /** From its beginning until its decisions were carried out. */
  readonly tookMs: number;
  /** How long each trigger that was read took. */
  readonly readings: readonly {
    readonly index: number;
    readonly tookMs: number;
    readonly isFailure: boolean;
  }[];
}

/** For a reading that ignores its own time-out. */
export const defaultReadTimeoutMs = 30_000;

/** Shortest time from one turn to another that a push brings. */
export const pushGapMs = 50;
