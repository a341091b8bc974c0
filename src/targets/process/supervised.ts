/**
 * The worker's side of the protocol: runs inside a worker process and does nothing in one that no target started.
 *
 * States: reporting → (drain message) draining → drained: the program closes what it has and leaves by itself. From each
 * of them, when the channel closes because the parent died: orphaned → exit, at the latest `exitMarginMs` after the short
 * grace. A handler that blocks the event loop delays everything here until it yields.
 */
import {
  type Cancel,
  type Clock,
  describeError,
  type Logger,
  stderrLogger,
  systemClock,
} from "../../core/index.ts";
import { createActivityReporter } from "./activity-reporter.ts";
import { decodeDrainMessage, type WorkerMessage } from "./protocol.ts";

/** What a worker offers to be supervised. */
export interface SupervisedWorker {
  /** Jobs that run now. */
  readonly inFlight: number;
  /** Jobs that ended well so far. */
  readonly completed: number;
  /** Attempts that failed so far. */
  readonly failed: number;
  /** When the oldest of the jobs that run now was begun; null when none runs. */
  readonly oldestSince?: number | null;
  /** Calls `listener` after any of the figures changed. */
  onActivity(listener: () => void): Cancel;
  /**
   * Takes no more jobs; resolves when those under way are over, or given up at the end of the grace. Called again, with
   * a shorter grace, when the parent dies meanwhile.
   */
  drain(graceMs: number): Promise<void>;
}

/** The channel to the parent; `process` is one. */
export interface SupervisorChannel {
  readonly connected?: boolean;
  send?(message: WorkerMessage, callback?: (error: Error | null) => void): boolean;
  on(event: "message", listener: (message: unknown) => void): unknown;
  on(event: "disconnect", listener: () => void): unknown;
  off(event: "message", listener: (message: unknown) => void): unknown;
  off(event: "disconnect", listener: () => void): unknown;
}

/** A stream that may break when the parent dies. */
export interface BreakableOutput {
  on(event: "error", listener: () => void): unknown;
}

/** All optional: the defaults are those of a real process. */
export interface SuperviseOptions {
  readonly channel?: SupervisorChannel;
  /** Ends the process when the parent has died. */
  readonly exit?: (code: number) => void;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** How long jobs may go on when the parent has died. Default 2 s. */
  readonly orphanGraceMs?: number;
  readonly outputs?: readonly BreakableOutput[];
}

const exitMarginMs = 1000;

/**
 * Reports a worker to the target that started its process, drains it when told to, and drains it and ends the process
 * when the parent is gone. Without a parent that listens it does nothing. The result ends reporting and listening; call
 * it when the worker has stopped, since the open channel keeps the process alive until then.
 *
 * @example
 * const stop = superviseWorker(worker);
 * await worker.closed;
 * stop();
 */
export function superviseWorker(worker: SupervisedWorker, options: SuperviseOptions = {}): Cancel {
  const channel = options.channel ?? process;
  if (channel.send === undefined) return () => undefined;
  const clock = options.clock ?? systemClock;
  const send = (message: WorkerMessage): void => {
    // The callback takes the error of a channel that closed meanwhile; its event tells the same.
    if (channel.connected) channel.send?.(message, () => undefined);
  };
  const reporter = createActivityReporter(worker, clock, send);
  const leave = createLeaving(worker, options, clock, reporter.flush);

  const onMessage = (value: unknown): void => {
    const drain = decodeDrainMessage(value);
    if (drain !== null) leave.asked(drain.graceMs);
  };
  channel.on("message", onMessage);
  channel.on("disconnect", leave.orphaned);
  // Log lines of the last seconds find a broken pipe when the parent died; that must not cut the drain short.
  for (const output of options.outputs ?? [process.stdout, process.stderr])
    output.on("error", () => undefined);

  if (!channel.connected) leave.orphaned();
  else send({ type: "ready" });
  const stopReporting = reporter.start();
  return () => {
    stopReporting();
    channel.off("message", onMessage);
    channel.off("disconnect", leave.orphaned);
  };
}

interface Leaving {
  asked(graceMs: number): void;
  orphaned(): void;
}

function createLeaving(
  worker: SupervisedWorker,
  options: SuperviseOptions,
  clock: Clock,
  flush: () => void,
): Leaving {
  const exit = options.exit ?? ((code: number) => process.exit(code));
  const logger = options.logger ?? stderrLogger;
  let isAsked = false;
  let isOrphaned = false;
  let isOver = false;

  function end(code: number): void {
    if (isOver) return;
    isOver = true;
    exit(code);
  }

  /** Whether it went well. */
  async function drain(graceMs: number): Promise<boolean> {
    try {
      await worker.drain(graceMs);
      return true;
    } catch (error) {
      logger.error("draining failed", { error: describeError(error) });
      return false;
    }
  }

  return {
    asked(graceMs) {
      if (isAsked || isOrphaned) return;
      isAsked = true;
      void drain(graceMs).then(flush);
    },
    orphaned() {
      if (isOrphaned) return;
      isOrphaned = true;
      const graceMs = options.orphanGraceMs ?? 2000;
      logger.warn("the parent process is gone; draining", { graceMs });
      clock.after(graceMs + exitMarginMs, () => end(1));
      void drain(graceMs).then((isDrained) => end(isDrained ? 0 : 1));
    },
  };
}
