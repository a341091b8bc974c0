/**
 * Workers as processes of this machine. Each runs in a process group of its own, so Ctrl-C in a terminal reaches only
 * the program that owns the target; that program closes the target. When it dies instead, even by kill -9, the IPC
 * channel of each worker closes and the worker drains by itself (see `supervised.ts`).
 *
 * States: open → (a worker is misconfigured) failed: keeps and drains what runs, starts nothing → (close) closed.
 */
import { type Clock, type Logger, SluiceError, systemClock } from "../../core/index.ts";
import { type Target, toTargetStatus } from "../../scaler/index.ts";
import { workerIdVariable } from "./protocol.ts";
import { createUsageMeter, type ProcessTargetStats } from "./usage-meter.ts";
import { pickVictims } from "./victims.ts";
import type { OutputStream } from "./worker-process.ts";
import { WorkerSlot } from "./worker-slot.ts";

/** What is run and how patiently. */
export interface ProcessTargetOptions {
  /** The executable and its arguments; no shell reads them. Keep secrets out: other users can see arguments. */
  readonly command: readonly string[];
  /** The whole environment of the workers, besides `SLUICE_WORKER_ID`. Default: this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Their working directory. Default: this process's own. */
  readonly cwd?: string;
  /**
   * Whether the workers speak the protocol of `superviseWorker`. `optional` takes any command: see the top of
   * `worker-slot.ts` for what holds then. Default `required`.
   */
  readonly protocol?: "required" | "optional";
  /** How long a draining worker may work on; 5 s later it is killed. Default 30 s. */
  readonly graceMs?: number;
  /** The longest pause before a crashed worker is started again. Default 30 s. */
  readonly maxRestartBackoffMs?: number;
  readonly clock?: Clock;
  readonly logger: Logger;
  /** Gets each line that a worker writes. Default: to standard error, with the worker's id in front. */
  readonly onOutput?: (workerId: string, stream: OutputStream, line: string) => void;
  /**
   * Called once when a worker cannot be started at all or says by its exit code (2, 78, 127 before it is ready) that it
   * is misconfigured: `COMMAND_NOT_FOUND` or `WORKER_FILE_INVALID`. From then on nothing is started, and `scale` to
   * more workers rejects with the same error. Default: an error in the log.
   */
  readonly onFatal?: (error: SluiceError) => void;
}

/** A target that counts what it costs. */
export interface ProcessTarget extends Target {
  /** What the workers have cost so far. */
  stats(): ProcessTargetStats;
}

/**
 * A target of local processes; see the top of this file. Throws `OPTION_INVALID` for an empty command.
 *
 * @example
 * const target = createProcessTarget({
 *   command: [process.execPath, "worker.js"],
 *   graceMs: 30_000,
 *   logger: stderrLogger,
 * });
 * await target.scale(2);
 * await target.close();
 */
export function createProcessTarget(options: ProcessTargetOptions): ProcessTarget {
  const clock = options.clock ?? systemClock;
  const graceMs = options.graceMs ?? 30_000;
  const meter = createUsageMeter(clock);
  const slots = new Map<string, WorkerSlot>();
  const whenEmpty = new Set<() => void>();
  let lastNumber = 0;
  let fatal: SluiceError | null = null;
  let closing: Promise<void> | null = null;
  checkCommand(options.command);

  function add(): void {
    lastNumber += 1;
    const id = `w${lastNumber}`;
    const slot = new WorkerSlot({
      id,
      command: workerCommand(options, id),
      protocol: options.protocol ?? "required",
      maxRestartBackoffMs: options.maxRestartBackoffMs ?? 30_000,
      mayRestart: () => fatal === null,
      clock,
      logger: options.logger,
      meter,
      onLine: (stream, line) => (options.onOutput ?? writePrefixed)(id, stream, line),
      onGone: (error) => remove(id, error),
    });
    slots.set(id, slot);
  }

  function remove(id: string, error: SluiceError | null): void {
    slots.delete(id);
    if (error !== null && fatal === null) fail(error);
    if (slots.size === 0) for (const resolve of whenEmpty) resolve();
  }

  function fail(error: SluiceError): void {
    fatal = error;
    for (const slot of [...slots.values()]) if (slot.status.state === "crashed") slot.drain(0);
    if (options.onFatal !== undefined) options.onFatal(error);
    else options.logger.error("no worker can be started", { error });
  }

  function status() {
    return toTargetStatus([...slots.values()].map((slot) => slot.status));
  }

  async function drainAll(): Promise<void> {
    const empty = new Promise<void>((resolve) => whenEmpty.add(resolve));
    for (const slot of [...slots.values()]) slot.drain(graceMs);
    if (slots.size > 0) await empty;
  }

  return {
    status: async () => status(),
    async scale(to) {
      checkCount(to);
      if (closing !== null) throw new SluiceError("CLOSED", "the process target was closed.");
      const { replicas, workers } = status();
      for (const id of pickVictims(workers, to)) slots.get(id)?.drain(graceMs);
      if (to > replicas && fatal !== null) throw fatal;
      for (let count = replicas; count < to; count += 1) add();
    },
    stats: meter.stats,
    close() {
      closing ??= drainAll();
      return closing;
    },
  };
}

function workerCommand({ command, env, cwd }: ProcessTargetOptions, id: string) {
  return {
    command,
    env: { ...(env ?? process.env), [workerIdVariable]: id },
    ...(cwd === undefined ? {} : { cwd }),
  };
}

function writePrefixed(id: string, _stream: OutputStream, line: string): void {
  process.stderr.write(`[${id}] ${line}\n`);
}

function checkCommand(command: readonly string[]): void {
  if (command.length > 0 && command.every((part) => typeof part === "string") && command[0] !== "")
    return;
  throw new SluiceError(
    "OPTION_INVALID",
    `command must be an executable and its arguments as a list of texts; got ${command.length} of them. Write [process.execPath, "worker.js"].`,
  );
}

function checkCount(to: number): void {
  if (Number.isSafeInteger(to) && to >= 0) return;
  throw new SluiceError("OPTION_INVALID", `scale takes a whole number from 0; got ${to}.`);
}
