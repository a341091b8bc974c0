import { type Cancel, describeError, type Logger } from "../../core/index.ts";
import { createFailureLog, type FailureLog } from "../failure-log.ts";
import type { ScalerTrigger } from "../scaler-trigger.ts";
import { within } from "../within.ts";
import { readTriggers, type TimedReading } from "./read-triggers.ts";
import {
  defaultReadTimeoutMs,
  type ScalerEngineOptions,
  type TurnFigures,
} from "./scaler-engine.ts";
import { createSchedule } from "./schedule.ts";

/** What one kind of engine does in the frame that all have. */
export interface FrameWork<Kind extends string> {
  /** In milliseconds; see the schedule. */
  readonly periods: ReadonlyMap<Kind, number>;
  /** One turn; what it throws is logged. */
  turn(due: ReadonlySet<Kind>): Promise<TurnFigures["readings"]>;
  /** A trigger says by itself that there is work. */
  onPush(trigger: ScalerTrigger): void;
}

/** Clocks, pushes, failure log and time-outs of an engine. */
export interface EngineFrame<Kind extends string> {
  readonly failures: FailureLog;
  readonly isStopped: boolean;
  start(work: FrameWork<Kind>): void;
  soon(kind: Kind, ms: number): void;
  stop(): Promise<void>;
  /** What `read` gives, or null and a line in the log where it fails. */
  read<T>(what: string, read: () => Promise<T>): Promise<ReadResult<T>>;
  /** Reads triggers, with a line in the log for each that fails, changes its failure, or works again. */
  readTriggers(triggers: readonly ScalerTrigger[]): Promise<readonly TimedReading[]>;
}

/** A value, or why there is none. */
export type ReadResult<T> =
  | { readonly value: T; readonly failure: null }
  | { readonly value: null; readonly failure: string };

/** The frame of one engine. */
export function createEngineFrame<Kind extends string>(
  options: ScalerEngineOptions,
): EngineFrame<Kind> {
  const {
    clock,
    triggers,
    startDelayMs = 0,
    readTimeoutMs: limitMs = defaultReadTimeoutMs,
  } = options;
  const failures = createFailureLog(named(options.logger, options.name));
  const watches: Cancel[] = [];
  let schedule: ReturnType<typeof createSchedule<Kind>> | null = null;
  let isStopped = false;

  async function turn(work: FrameWork<Kind>, due: ReadonlySet<Kind>, lateMs: number) {
    const begun = clock.now();
    try {
      const readings = await work.turn(due);
      options.onTurn?.({ lateMs, tookMs: clock.now() - begun, readings });
      failures.note("deciding", null);
    } catch (error) {
      failures.note("deciding", describeError(error));
    }
  }

  return {
    failures,
    get isStopped() {
      return isStopped;
    },
    start(work) {
      if (schedule !== null || isStopped) return;
      schedule = createSchedule({
        ...{ clock, startDelayMs, periods: work.periods },
        turn: (due, lateMs) => turn(work, due, lateMs),
      });
      for (const trigger of triggers) {
        const cancel = trigger.watch?.(() => work.onPush(trigger));
        if (cancel !== undefined) watches.push(cancel);
      }
      schedule.start();
    },
    soon: (kind, ms) => schedule?.soon(kind, ms),
    async stop() {
      isStopped = true;
      for (const cancel of watches.splice(0)) cancel();
      await schedule?.stop();
    },
    async read(what, read) {
      try {
        const value = await within(clock, limitMs, read);
        failures.note(what, null);
        return { value, failure: null };
      } catch (error) {
        const failure = describeError(error);
        failures.note(what, failure);
        return { value: null, failure };
      }
    },
    async readTriggers(asked) {
      const read = await readTriggers(asked, { clock, limitMs });
      for (const [place, { failure }] of read.entries())
        failures.note(`reading ${nameOf(asked[place])}`, failure);
      return read;
    },
  };
}

/** The figures of a reading, for whoever watches the engine. */
export function toFigures({
  index,
  tookMs,
  failure,
}: TimedReading): TurnFigures["readings"][number] {
  return { index, tookMs, isFailure: failure !== null };
}

function nameOf(trigger: ScalerTrigger | undefined): string {
  return `trigger ${trigger?.index} (${trigger?.name || trigger?.type})`;
}

function named(logger: Logger, object: string): Logger {
  return {
    ...logger,
    info: (message, fields) => logger.info(message, { object, ...fields }),
    error: (message, fields) => logger.error(message, { object, ...fields }),
  };
}
