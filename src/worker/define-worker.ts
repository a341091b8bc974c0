import {
  checkQueueName,
  type Duration,
  type Job,
  type JobHandler,
  type ScaleOptions,
  SluiceError,
  showValue,
  toMs,
} from "../core/index.ts";

/** Runs around every job of a worker: call `next` to go on; what it resolves with is the handler's outcome. */
export type Middleware = (job: Job, next: () => Promise<unknown>) => Promise<unknown>;

/** What `defineWorker` takes. */
export interface WorkerOptions {
  /** One for each queue that the worker works. */
  readonly handlers: readonly JobHandler[];
  /** Jobs at a time, over all queues together. Default 10. */
  readonly concurrency?: number;
  /** Crash recovery time: how long a job stays taken when its worker dies. Renewed while a handler runs. Default 30s. */
  readonly lease?: Duration;
  /** On leaving, how long running jobs may take to end before they are given back. Default 30s. */
  readonly grace?: Duration;
  /** The first is outermost. */
  readonly middleware?: readonly Middleware[];
  /** How many workers `sluice up` keeps. */
  readonly scale?: ScaleOptions;
}

/** One unit to run, scale and deploy: plain data, made by {@link defineWorker}. */
export interface WorkerDefinition {
  readonly kind: "sluice.worker";
  readonly handlers: readonly JobHandler[];
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly graceMs: number;
  readonly middleware: readonly Middleware[];
  readonly scale: ScaleOptions;
}

/** Leases shorter than this would be lost to an ordinary pause of the process. */
const shortestLeaseMs = 100;

/**
 * Describes a worker. Export it as default from a file and run that with `sluice work FILE` or `sluice up FILE`, or
 * start it yourself with `startWorker`. Throws `OPTION_INVALID`, `DURATION_INVALID` or `QUEUE_NAME_INVALID`.
 *
 * @example
 * ```ts
 * import { defineJob, defineWorker } from "sluice";
 *
 * const greet = defineJob<{ name: string }>("greet");
 * export const worker = defineWorker({
 *   handlers: [greet.handle(async ({ name }) => console.log(`Hello ${name}`))],
 *   concurrency: 4,
 * });
 * ```
 */
export function defineWorker(options: WorkerOptions): WorkerDefinition {
  const concurrency = options.concurrency ?? 10;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new SluiceError(
      "OPTION_INVALID",
      `concurrency must be a whole number from 1; got ${showValue(concurrency)}.`,
    );
  }
  const leaseMs = toMs(options.lease ?? "30s", "lease");
  if (leaseMs < shortestLeaseMs) {
    throw new SluiceError(
      "OPTION_INVALID",
      `lease must be at least ${shortestLeaseMs} ms; got ${leaseMs}.`,
    );
  }
  for (const [index, handler] of options.handlers.entries()) checkHandler(handler, index);
  checkHandlers(options.handlers);
  return {
    kind: "sluice.worker",
    handlers: options.handlers,
    concurrency,
    leaseMs,
    graceMs: toMs(options.grace ?? "30s", "grace"),
    middleware: options.middleware ?? [],
    scale: options.scale ?? {},
  };
}

/** Recognises a definition by its shape, also one made by another copy of the package. */
export function isWorkerDefinition(value: unknown): value is WorkerDefinition {
  return (
    typeof value === "object" && value !== null && "kind" in value && value.kind === "sluice.worker"
  );
}

function checkHandler(handler: JobHandler, index: number): void {
  if (typeof handler?.run !== "function") {
    throw new SluiceError(
      "OPTION_INVALID",
      `handlers[${index}] must be a handler; got ${typeof handler}. Make one with defineJob(…).handle(…).`,
    );
  }
  checkQueueName(handler.queue);
}

function checkHandlers(handlers: readonly JobHandler[]): void {
  if (handlers.length === 0) {
    throw new SluiceError(
      "OPTION_INVALID",
      "handlers must hold at least one handler; got none. Make one with defineJob(…).handle(…).",
    );
  }
  const queues = handlers.map((handler) => handler.queue);
  const twice = queues.find((queue, index) => queues.indexOf(queue) !== index);
  if (twice !== undefined) {
    throw new SluiceError(
      "OPTION_INVALID",
      `handlers must name each queue once; ${twice} has two. Join them into one.`,
    );
  }
}
