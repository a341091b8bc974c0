/**
 * Runs a handler on one delivery, from bytes to its end.
 *
 * running → returned | failed (the handler's own end) | refused (the message cannot be decoded). When it is stopped
 * (time is up, the lease is lost, the worker leaves) its signal aborts and it has a short patience to end by itself;
 * after that its end is decided without it. A handler that succeeds although it was stopped has succeeded.
 */
import {
  type Cancel,
  type Clock,
  type Delivery,
  type Duration,
  describeError,
  isSluiceError,
  type Job,
  type JobHandler,
  type Logger,
  type Outcome,
  type Sluice,
  SluiceError,
  toMs,
} from "../core/index.ts";
import type { Middleware } from "./define-worker.ts";
import type { AttemptEnd } from "./settlement.ts";

/** Why an attempt is stopped from outside. */
export type StopCause = "timeout" | "lease lost" | "leaving";

/** An attempt under way. */
export interface Attempt {
  readonly ended: Promise<AttemptEnd>;
  /** Asks it to end; the first cause counts. Does nothing once it has ended. */
  stop(cause: StopCause): void;
}

/** What an attempt needs from its worker. */
export interface AttemptContext {
  readonly sluice: Sluice;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly middleware: readonly Middleware[];
}

/** How long a stopped handler may take to end by itself. */
const patienceMs: Readonly<Record<StopCause, number>> = {
  timeout: 5000,
  "lease lost": 5000,
  leaving: 1000,
};

/** Starts the handler. */
export function startAttempt(
  delivery: Delivery,
  handler: JobHandler,
  context: AttemptContext,
): Attempt {
  const { clock } = context;
  const abort = new AbortController();
  let cause: StopCause | null = null;
  let hasEnded = false;
  let cancelTimer: Cancel | null = null;
  let abandon: (end: AttemptEnd) => void;
  const abandoned = new Promise<AttemptEnd>((resolve) => {
    abandon = resolve;
  });

  function stop(why: StopCause): void {
    if (cause !== null || hasEnded) return;
    cause = why;
    cancelTimer?.();
    const error = stopError(why, handler, delivery);
    abort.abort(error);
    cancelTimer = clock.after(patienceMs[why], () => {
      context.logger.warn("a stopped handler goes on; not waiting for it any longer", {
        queue: handler.queue,
        id: delivery.id,
        cause: why,
      });
      abandon(stoppedEnd(why, error));
    });
  }

  async function run(): Promise<AttemptEnd> {
    const ended = await Promise.race([
      work(delivery, handler, { ...context, signal: abort.signal }),
      abandoned,
    ]);
    hasEnded = true;
    cancelTimer?.();
    return cause === null || ended.end === "returned"
      ? ended
      : stoppedEnd(cause, abort.signal.reason);
  }

  if (handler.timeoutMs !== null)
    cancelTimer = clock.after(handler.timeoutMs, () => stop("timeout"));
  return { ended: run(), stop };
}

function stoppedEnd(cause: StopCause, error: unknown): AttemptEnd {
  return cause === "leaving" ? { end: "left" } : { end: "failed", error };
}

function stopError(cause: StopCause, handler: JobHandler, delivery: Delivery): SluiceError {
  const job = `job ${delivery.id} of queue ${handler.queue}`;
  if (cause === "timeout") {
    return new SluiceError(
      "HANDLER_TIMEOUT",
      `${job} may take ${handler.timeoutMs} ms and has not ended. Raise its timeout, or end on job.signal.`,
    );
  }
  if (cause === "lease lost") {
    return new SluiceError(
      "LEASE_LOST",
      `the lease on ${job} ran out or was taken back; another worker may run it. Stop without side effects.`,
    );
  }
  return new SluiceError(
    "ABORTED",
    `the worker leaves before ${job} has ended; it is given back to the queue.`,
  );
}

type WorkContext = AttemptContext & { readonly signal: AbortSignal };

async function work(
  delivery: Delivery,
  handler: JobHandler,
  context: WorkContext,
): Promise<AttemptEnd> {
  let input: unknown;
  try {
    input = await handler.decode(delivery.body, delivery.headers);
  } catch (error) {
    return { end: isRefusal(error) ? "refused" : "failed", error };
  }
  if (context.signal.aborted) return { end: "failed", error: context.signal.reason };
  const { job, asked } = createJob(delivery, handler, context);
  const subject = {
    queue: handler.queue,
    id: delivery.id,
    headers: delivery.headers,
    attempt: delivery.attempt,
  };
  try {
    const chain = compose(context.middleware, job, () => handler.run(input, job));
    const value = await context.sluice.telemetry.consume(subject, chain);
    return { end: "returned", value: asked() ?? value };
  } catch (error) {
    const outcome = asked();
    if (outcome === null) return { end: "failed", error };
    const isUnexplained = outcome.outcome === "retry" && outcome.reason === unexplained;
    const value = isUnexplained ? { ...outcome, reason: describeError(error) } : outcome;
    return { end: "returned", value };
  }
}

/** Whether the message itself is wrong, so that no retry can help. A schema that fails in another way may work later. */
function isRefusal(error: unknown): boolean {
  return (
    isSluiceError(error) && (error.code === "BODY_UNDECODABLE" || error.code === "INPUT_INVALID")
  );
}

/** The reason of a retry that was asked for without one. */
const unexplained = "the handler asked for another try";

function compose(
  middleware: readonly Middleware[],
  job: Job,
  handler: () => Promise<unknown>,
): () => Promise<unknown> {
  return middleware.reduceRight<() => Promise<unknown>>(
    (next, layer) => async () => layer(job, next),
    handler,
  );
}

/** The handler's view of the delivery, and what it last asked for through it. */
function createJob(
  delivery: Delivery,
  handler: JobHandler,
  context: WorkContext,
): { readonly job: Job; readonly asked: () => Outcome | null } {
  let outcome: Outcome | null = null;
  const ask = (wanted: Outcome): Outcome => {
    outcome = wanted;
    return wanted;
  };
  const job: Job = {
    id: delivery.id,
    queue: handler.queue,
    attempt: delivery.attempt,
    maxAttempts: handler.retry.attempts,
    headers: delivery.headers,
    body: delivery.body,
    priority: delivery.priority,
    publishedAt: delivery.publishedAt === null ? null : new Date(delivery.publishedAt),
    history: delivery.history,
    signal: context.signal,
    log: jobLogger(context.logger, {
      queue: handler.queue,
      id: delivery.id,
      attempt: delivery.attempt,
    }),
    sluice: context.sluice,
    retryIn: (delay, reason = unexplained) =>
      ask({ outcome: "retry", delayMs: delayMs(delay, context.sluice), reason }),
    deadLetter: (reason) => ask({ outcome: "dead-letter", reason }),
  };
  return { job, asked: () => outcome };
}

function delayMs(delay: Duration, sluice: Sluice): number {
  const { name, capabilities } = sluice.driver;
  const ms = toMs(delay, "delay");
  if (ms <= capabilities.limits.maxDelayMs) return ms;
  throw new SluiceError(
    "OPTION_INVALID",
    `delay must be at most ${capabilities.limits.maxDelayMs} ms with ${name}; got ${ms}.`,
  );
}

function jobLogger(logger: Logger, fields: Readonly<Record<string, unknown>>): Logger {
  return {
    debug: (message, more) => logger.debug(message, { ...fields, ...more }),
    info: (message, more) => logger.info(message, { ...fields, ...more }),
    warn: (message, more) => logger.warn(message, { ...fields, ...more }),
    error: (message, more) => logger.error(message, { ...fields, ...more }),
  };
}
