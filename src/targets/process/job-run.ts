/**
 * One job: a command that is run until it succeeds, as a `batch/v1` Job runs its pod.
 *
 * States and transitions:
 *   running → (exit code 0) succeeded
 *   running → (ends otherwise, tries left) pending → (backoff over) running
 *   running → (ends otherwise, no try left, or cannot be started) failed
 *   pending, running → (deadline) failed, once the process is gone
 *   pending, running → (stop) gone, once the process is gone; it is killed when it overruns its grace
 */
import type { Cancel, Clock } from "../../core/index.ts";
import type { JobState, JobStatus, JobWork } from "../../scaler/index.ts";
import type { WorkerMessage } from "./protocol.ts";
import { classifyExit, type WorkerExit } from "./worker-exit.ts";
import {
  type OutputStream,
  startWorkerProcess,
  type WorkerCommand,
  type WorkerProcess,
} from "./worker-process.ts";

/** What a job runs and how often it is tried. */
export interface JobRunOptions {
  readonly id: string;
  readonly generation: number;
  readonly command: WorkerCommand;
  /** Tries after the first that failed. */
  readonly backoffLimit: number;
  /** The pause before try `failures + 1`. */
  readonly retryDelayMs: (failures: number) => number;
  /** From its creation; null: none. */
  readonly deadlineMs: number | null;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  readonly clock: Clock;
  readonly onLine: (stream: OutputStream, line: string) => void;
  /** Called once, when nothing of it runs any more. `exit` is the last one. */
  readonly onEnd: (exit: WorkerExit | null) => void;
}

/** Why a job failed, in Kubernetes' words; `StartError` is a container's. */
export type FailureReason = "BackoffLimitExceeded" | "DeadlineExceeded" | "StartError";

/** See the top of this file. Starts at once. */
export class JobRun {
  readonly #options: JobRunOptions;
  readonly #createdAt: number;
  #state: JobState = "pending";
  #reason: FailureReason | null = null;
  #failures = 0;
  #startedAt = 0;
  /** Null until the present try has said that it is ready. */
  #readyAt: number | null = null;
  #work: JobWork | null = null;
  #heardAt = 0;
  #endedAt: number | null = null;
  #isStopping = false;
  #process: WorkerProcess | null = null;
  #cancelRetry: Cancel = () => undefined;
  #cancelKill: Cancel = () => undefined;
  #cancelDeadline: Cancel = () => undefined;

  constructor(options: JobRunOptions) {
    const { clock, deadlineMs } = options;
    this.#options = options;
    this.#createdAt = clock.now();
    if (deadlineMs !== null)
      this.#cancelDeadline = clock.after(deadlineMs, () => this.#giveUp("DeadlineExceeded"));
    this.#start();
  }

  get status(): JobStatus {
    const pid = this.#process?.pid;
    return {
      id: this.#options.id,
      state: this.#state,
      ready: this.#state === "running",
      generation: this.#options.generation,
      createdAt: this.#createdAt,
      endedAt: this.#endedAt,
      failures: this.#failures,
      startedAt: this.#startedAt,
      ...(this.#readyAt === null ? {} : { readyAt: this.#readyAt }),
      ...(this.#work === null ? {} : { work: this.#workNow(this.#work) }),
      ...(pid === undefined ? {} : { pid }),
      ...(this.#reason === null ? {} : { reason: this.#reason }),
    };
  }

  /** What runs has gone on running since it was heard of. */
  #workNow(work: JobWork): JobWork {
    if (work.busyMs === undefined || this.#process === null) return work;
    const sinceMs = Math.max(0, this.#options.clock.now() - this.#heardAt);
    return { ...work, busyMs: work.busyMs + work.inFlight * sinceMs };
  }

  /** Ends it for good, succeeded or not. Asking again changes nothing. */
  stop(): void {
    if (this.#isStopping || this.#endedAt !== null) return;
    this.#isStopping = true;
    this.#cancelRetry();
    if (this.#process === null) {
      this.#end("failed", null);
      return;
    }
    this.#process.terminate();
    this.#cancelKill = this.#options.clock.after(this.#options.graceMs, () =>
      this.#process?.kill(),
    );
  }

  #giveUp(reason: FailureReason): void {
    if (this.#isStopping) return;
    this.#reason = reason;
    this.stop();
  }

  #start(): void {
    const { command, clock, onLine } = this.#options;
    this.#startedAt = clock.now();
    this.#readyAt = null;
    this.#work = null;
    this.#process = startWorkerProcess(command, clock, {
      onLine,
      onMessage: (message) => this.#onMessage(message),
      onExit: (exit) => this.#onExit(exit),
    });
    this.#state = this.#process.pid === undefined ? "pending" : "running";
  }

  /** A job is left alone until it ends; what it says is for those who count. */
  #onMessage(message: WorkerMessage): void {
    const now = this.#options.clock.now();
    this.#readyAt ??= now;
    if (message.type !== "activity") return;
    const { type: _, ...work } = message;
    this.#work = work;
    this.#heardAt = now;
  }

  #onExit(exit: WorkerExit): void {
    this.#process = null;
    if (this.#work !== null) this.#work = { ...this.#work, inFlight: 0 };
    if (exit.code === 0 && this.#reason === null) {
      this.#end("succeeded", exit);
      return;
    }
    this.#failures += 1;
    const life = { wasReady: true, isDraining: false, mayLeave: true };
    if (classifyExit(exit, life) === "misconfigured") this.#reason ??= "StartError";
    else if (this.#failures > this.#options.backoffLimit) this.#reason ??= "BackoffLimitExceeded";
    if (this.#isStopping || this.#reason !== null) {
      this.#end("failed", exit);
      return;
    }
    this.#state = "pending";
    const delayMs = this.#options.retryDelayMs(this.#failures);
    this.#cancelRetry = this.#options.clock.after(delayMs, () => this.#start());
  }

  #end(state: "succeeded" | "failed", exit: WorkerExit | null): void {
    this.#cancelDeadline();
    this.#cancelKill();
    this.#state = state;
    this.#endedAt = this.#options.clock.now();
    this.#options.onEnd(exit);
  }
}
