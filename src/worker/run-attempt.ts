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
  type Failure,
  type Headers,
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
  const abort = new LazyAbort();
  let cause: StopCause | null = null;
  let hasEnded = false;
  let cancelTimer: Cancel | null = null;
  let end: (end: AttemptEnd) => void;
  const ended = new Promise<AttemptEnd>((resolve) => {
    end = resolve;
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
      finish(stoppedEnd(why, error));
    });
  }

  function finish(how: AttemptEnd): void {
    if (hasEnded) return;
    hasEnded = true;
    cancelTimer?.();
    end(cause === null || how.end === "returned" ? how : stoppedEnd(cause, abort.reason));
  }

  if (handler.timeoutMs !== null)
    cancelTimer = clock.after(handler.timeoutMs, () => stop("timeout"));
  void work({ delivery, handler, context, abort }).then(finish);
  return { ended, stop };
}

/**
 * An abort signal that exists once somebody asks for it: most handlers never do, and a controller per job costs as much
 * memory as all else about it.
 */
class LazyAbort {
  #controller: AbortController | null = null;
  isAborted = false;
  reason: unknown = undefined;

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.isAborted) this.#controller.abort(this.reason);
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.isAborted = true;
    this.reason = reason;
    this.#controller?.abort(reason);
  }
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

interface Work {
  readonly delivery: Delivery;
  readonly handler: JobHandler;
  readonly context: AttemptContext;
  readonly abort: LazyAbort;
}

/** Never rejects. */
async function work(subject: Work): Promise<AttemptEnd> {
  const { delivery, handler, context, abort } = subject;
  let input: unknown;
  try {
    input = await handler.decode(delivery.body, delivery.headers);
  } catch (error) {
    return { end: isRefusal(error) ? "refused" : "failed", error };
  }
  if (abort.isAborted) return { end: "failed", error: abort.reason };
  const job = new RunningJob(subject);
  try {
    const chain = compose(context.middleware, job, () => handler.run(input, job));
    const value = await context.sluice.telemetry.consume(job, chain);
    return { end: "returned", value: job.asked ?? value };
  } catch (error) {
    const outcome = job.asked;
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
class RunningJob implements Job {
  readonly id: string;
  readonly queue: string;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly priority: number;
  readonly history: readonly Failure[];
  readonly sluice: Sluice;
  asked: Outcome | null = null;
  readonly #publishedAt: number | null;
  readonly #readyAt: number | null;
  readonly #logger: Logger;
  readonly #abort: LazyAbort;

  constructor({ delivery, handler, context, abort }: Work) {
    this.id = delivery.id;
    this.queue = handler.queue;
    this.attempt = delivery.attempt;
    this.maxAttempts = handler.retry.attempts;
    this.headers = delivery.headers;
    this.body = delivery.body;
    this.priority = delivery.priority;
    this.history = delivery.history;
    this.sluice = context.sluice;
    this.#publishedAt = delivery.publishedAt;
    this.#readyAt = delivery.readyAt;
    this.#logger = context.logger;
    this.#abort = abort;
  }

  get readyAt(): Date | null {
    return this.#readyAt === null ? null : new Date(this.#readyAt);
  }

  get publishedAt(): Date | null {
    return this.#publishedAt === null ? null : new Date(this.#publishedAt);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get log(): Logger {
    const { queue, id, attempt } = this;
    return jobLogger(this.#logger, { queue, id, attempt });
  }

  // Handlers may take these two out of the job.
  readonly retryIn = (delay: Duration, reason: string = unexplained): Outcome => {
    this.asked = { outcome: "retry", delayMs: delayMs(delay, this.sluice), reason };
    return this.asked;
  };

  readonly deadLetter = (reason: string): Outcome => {
    this.asked = { outcome: "dead-letter", reason };
    return this.asked;
  };
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
