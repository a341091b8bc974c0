/**
 * A place for one worker: keeps a process in it until told to drain.
 *
 * States and transitions:
 *   starting → (says ready) idle ⇄ (says activity) busy
 *   starting, idle, busy → (dies unasked) crashed → (backoff over) starting
 *   starting, idle, busy → (drain) draining → (exits, or is killed `killMarginMs` after its grace) gone
 *   idle, busy → (exits with code 0) gone        crashed → (drain, or no restart allowed) gone
 *   starting → (exits as misconfigured) gone, with an error
 *
 * A command that need not speak our protocol is taken for ready and busy as soon as it has started, until it says more;
 * is asked to leave with SIGTERM; and is started again whatever its exit code, as a pod of a Deployment is.
 */
import {
  type Cancel,
  type Clock,
  formatMs,
  type Logger,
  type SluiceError,
} from "../../core/index.ts";
import type { WorkerState, WorkerStatus } from "../../scaler/index.ts";
import type { ActivityMessage, WorkerMessage } from "./protocol.ts";
import { healthyAfterMs, restartDelayMs } from "./restart-backoff.ts";
import type { UsageMeter } from "./usage-meter.ts";
import { classifyExit, configurationError, describeExit, type WorkerExit } from "./worker-exit.ts";
import {
  type OutputStream,
  startWorkerProcess,
  type WorkerCommand,
  type WorkerProcess,
} from "./worker-process.ts";

/** How long after its grace a draining worker may take to leave by itself. */
export const killMarginMs = 5000;

/** What a slot needs to know and whom it tells. */
export interface WorkerSlotOptions {
  readonly id: string;
  readonly command: WorkerCommand;
  /** Whether the worker says what it does. */
  readonly protocol: "required" | "optional";
  readonly maxRestartBackoffMs: number;
  /** Asked after a crash; no: the slot is given up. */
  readonly mayRestart: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meter: UsageMeter;
  readonly onLine: (stream: OutputStream, line: string) => void;
  /** Called once, when the slot is empty for good; with an error when its worker is misconfigured. */
  readonly onGone: (error: SluiceError | null) => void;
}

type Activity = Omit<ActivityMessage, "type">;

const idleActivity: Activity = { inFlight: 0, completed: 0, failed: 0 };

/** See the top of this file. Starts its worker at once. */
export class WorkerSlot {
  readonly #options: WorkerSlotOptions;
  #state: WorkerState = "starting";
  #since = 0;
  #startedAt = 0;
  #wasReady = false;
  #readyAt: number | null = null;
  #hasSpoken = false;
  /** Null while nothing is known of it. */
  #activity: Activity | null = null;
  #heardAt = 0;
  #crashesInARow = 0;
  #process: WorkerProcess | null = null;
  #endMeter: () => void = () => undefined;
  #cancelTimer: Cancel = () => undefined;

  constructor(options: WorkerSlotOptions) {
    this.#options = options;
    this.#start();
  }

  /** Where the worker stands now. */
  get status(): WorkerStatus {
    const pid = this.#process?.pid;
    return {
      id: this.#options.id,
      state: this.#state,
      startedAt: this.#startedAt,
      since: this.#since,
      ...(this.#readyAt === null ? {} : { readyAt: this.#readyAt }),
      ...this.#activity,
      ...this.#runningMs(),
      ...(pid === undefined ? {} : { pid }),
    };
  }

  /** Asks the worker to finish and leave; it is killed when it overruns. Asking again changes nothing. */
  drain(graceMs: number): void {
    if (this.#state === "draining") return;
    const before = this.#state;
    this.#enter("draining");
    if (before === "crashed") {
      this.#leave(null);
      return;
    }
    // One that never spoke would not hear a message, and gets what Kubernetes gives: SIGTERM, the grace, SIGKILL.
    const isForeign = this.#options.protocol === "optional" && !this.#hasSpoken;
    if (isForeign) this.#process?.terminate();
    else this.#process?.drain(graceMs);
    this.#after(isForeign ? graceMs : graceMs + killMarginMs, () => {
      const { id, logger } = this.#options;
      logger.warn("worker overran its grace and is killed", { worker: id, graceMs });
      this.#process?.kill();
    });
  }

  /** What runs has gone on running since it was heard of. */
  #runningMs(): Pick<WorkerStatus, "busyMs" | "oldestMs"> {
    const { busyMs, oldestMs, inFlight = 0 } = this.#activity ?? {};
    const since = Math.max(0, this.#options.clock.now() - this.#heardAt);
    return {
      ...(busyMs !== undefined && { busyMs: busyMs + inFlight * since }),
      ...(oldestMs !== undefined && { oldestMs: oldestMs + since }),
    };
  }

  #start(): void {
    const { command, clock, meter, onLine, protocol } = this.#options;
    this.#enter("starting");
    this.#startedAt = this.#since;
    this.#wasReady = false;
    this.#readyAt = null;
    this.#hasSpoken = false;
    this.#activity = protocol === "required" ? idleActivity : null;
    this.#endMeter = meter.begin();
    this.#process = startWorkerProcess(command, clock, {
      onLine,
      onMessage: (message) => this.#onMessage(message),
      onExit: (exit) => this.#onExit(exit),
    });
    if (protocol === "optional" && this.#process.pid !== undefined) {
      this.#wasReady = true;
      this.#enter("busy");
    }
  }

  #onMessage(message: WorkerMessage): void {
    if (this.#process === null) return;
    this.#wasReady = true;
    this.#readyAt ??= this.#options.clock.now();
    this.#hasSpoken = true;
    this.#activity ??= idleActivity;
    if (message.type === "activity") {
      const { type: _, ...activity } = message;
      this.#activity = activity;
      this.#heardAt = this.#options.clock.now();
    }
    if (this.#state === "draining") return;
    const state = this.#activity.inFlight > 0 ? "busy" : "idle";
    if (state !== this.#state) this.#enter(state);
  }

  #onExit(exit: WorkerExit): void {
    this.#endMeter();
    this.#process = null;
    if (this.#activity !== null) this.#activity = { ...this.#activity, inFlight: 0 };
    const life = {
      wasReady: this.#wasReady,
      isDraining: this.#state === "draining",
      mayLeave: this.#options.protocol === "required",
    };
    const kind = classifyExit(exit, life);
    const { command } = this.#options.command;
    if (kind === "crashed") this.#onCrash(exit);
    else this.#leave(kind === "misconfigured" ? configurationError(command, exit) : null);
  }

  #onCrash(exit: WorkerExit): void {
    const { id, clock, logger, meter, maxRestartBackoffMs, mayRestart } = this.#options;
    meter.crashed();
    const lived = clock.now() - this.#startedAt;
    this.#crashesInARow = lived >= healthyAfterMs ? 1 : this.#crashesInARow + 1;
    const delayMs = restartDelayMs(this.#crashesInARow, maxRestartBackoffMs);
    const fields = { worker: id, exit: describeExit(exit), lived: formatMs(lived) };
    if (!mayRestart()) {
      logger.warn("worker crashed", fields);
      this.#leave(null);
      return;
    }
    logger.warn("worker crashed", { ...fields, restartIn: formatMs(delayMs) });
    this.#enter("crashed");
    this.#after(delayMs, () => this.#start());
  }

  #leave(error: SluiceError | null): void {
    this.#cancelTimer();
    this.#options.onGone(error);
  }

  #enter(state: WorkerState): void {
    this.#state = state;
    this.#since = this.#options.clock.now();
  }

  #after(ms: number, callback: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.after(ms, callback);
  }
}
