import { type BodyFormat, bodyFormats, decodeBody, encodeBody, type Publishable } from "./body.ts";
import { type Duration, toMs } from "./duration.ts";
import { SluiceError, showValue } from "./errors.ts";
import type { Logger } from "./logger.ts";
import type { Failure, Headers } from "./message.ts";
import { checkQueueName } from "./queue.ts";
import { type RetryOptions, type RetryPolicy, toRetryPolicy } from "./retry.ts";
import type { Sluice } from "./sluice.ts";
import {
  describeIssues,
  type SchemaInput,
  type SchemaOutput,
  type StandardSchema,
} from "./standard-schema.ts";

/** What a job is besides its queue. */
export interface JobOptions {
  /** How often and how patiently it is tried. */
  readonly retry?: RetryOptions;
  /** The longest time one attempt may take. Default: no limit. */
  readonly timeout?: Duration;
  /** Default `json`. */
  readonly body?: BodyFormat;
}

/** How a handler asks for something else than success or failure: return it, or just call the method that makes it. */
export type Outcome =
  | { readonly outcome: "retry"; readonly delayMs: number; readonly reason: string }
  | { readonly outcome: "dead-letter"; readonly reason: string };

/** One attempt at one job, as its handler sees it. */
export interface Job {
  readonly id: string;
  readonly queue: string;
  /** 1 for the first try; crashes count. */
  readonly attempt: number;
  /** The attempt after which a failure dead-letters the job. */
  readonly maxAttempts: number;
  readonly headers: Headers;
  /** The body's bytes, as published. */
  readonly body: Uint8Array;
  readonly priority: number;
  readonly publishedAt: Date | null;
  /** When it last became ready to be received (published, delay or backoff over); null when the broker does not say. */
  readonly readyAt: Date | null;
  /** How earlier attempts failed, oldest first. */
  readonly history: readonly Failure[];
  /** Aborts when the lease is lost, the time is up, or the worker must leave before the handler has ended. */
  readonly signal: AbortSignal;
  /** A logger whose entries carry queue, id and attempt. */
  readonly log: Logger;
  /** The worker's own connection, to publish further jobs. */
  readonly sluice: Sluice;
  /** Tries again after `delay`. Counts as an attempt: after the last one the job is dead-lettered with `reason`. */
  retryIn(delay: Duration, reason?: string): Outcome;
  /** Gives up now: the job goes to the dead-letter queue with `reason`. */
  deadLetter(reason: string): Outcome;
}

/** Code that works one queue. `defineJob(…).handle(…)` and `execHandler` make one. */
export interface JobHandler {
  readonly queue: string;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number | null;
  /**
   * Turns a message into the handler's input. Rejects with `BODY_UNDECODABLE` or `INPUT_INVALID` where no retry can help;
   * any other rejection is a failure like one of the handler.
   */
  decode(body: Uint8Array, headers: Headers): Promise<unknown>;
  /** Runs the handler. Resolves with an {@link Outcome} or anything else for success; a rejection is a failure. */
  run(input: unknown, job: Job): Promise<unknown>;
}

/** A typed job: `Input` is what publishers give, `Output` what the schema makes of it for the handler. */
export interface JobDefinition<Input, Output> extends Publishable<Input> {
  readonly retry: RetryPolicy;
  readonly timeoutMs: number | null;
  /** The handler for this job, to be listed in a worker. */
  handle(run: (input: Output, job: Job) => unknown): JobHandler;
}

/**
 * Defines a job once, for publishers and workers: the queue, what its input looks like and how it is retried.
 *
 * With `input`, a schema of any Standard Schema library, the input is validated as it will travel when it is
 * published, and again before the handler runs; both sides get its types. Without it, name the type: `defineJob<{ id: number }>("resize")`.
 * Throws `QUEUE_NAME_INVALID`, `OPTION_INVALID` or `DURATION_INVALID`.
 *
 * @example
 * ```ts
 * import { defineJob } from "sluice";
 *
 * const resize = defineJob<{ id: number; width: number }>("resize", { retry: { attempts: 8 }, timeout: "2m" });
 * export const resizeHandler = resize.handle(async (input, job) => {
 *   if (input.width > 10_000) return job.deadLetter("too wide");
 * });
 * ```
 */
export function defineJob<Schema extends StandardSchema>(
  queue: string,
  options: JobOptions & { readonly input: Schema },
): JobDefinition<SchemaInput<Schema>, SchemaOutput<Schema>>;
export function defineJob<Input = unknown>(
  queue: string,
  options?: JobOptions,
): JobDefinition<Input, Input>;
export function defineJob(
  queue: string,
  options: JobOptions & { readonly input?: StandardSchema } = {},
): JobDefinition<unknown, unknown> {
  const { input: schema, body: format = "json" } = options;
  const retry = toRetryPolicy(options.retry);
  const timeoutMs = toTimeoutMs(options.timeout);
  const name = checkQueueName(queue);
  if (!bodyFormats.includes(format)) {
    const expected = bodyFormats.join(", ");
    throw new SluiceError(
      "OPTION_INVALID",
      `body must be one of ${expected}; got ${showValue(format)}.`,
    );
  }

  return {
    queue: name,
    retry,
    timeoutMs,
    async encode(input) {
      const encoded = encodeBody(input, format);
      if (schema) {
        // What travels is judged, not what was given: a Date in JSON is a text to the worker.
        const travels = decodeBody(encoded.body, encoded.headers, format);
        await validate(schema, travels, `input of job ${name}, sent as ${format},`);
      }
      return encoded;
    },
    handle: (run) => ({
      queue: name,
      retry,
      timeoutMs,
      async decode(body, headers) {
        const value = decodeBody(body, headers, format);
        return schema ? validate(schema, value, `body of a message in queue ${name}`) : value;
      },
      run: async (input, job) => run(input, job),
    }),
  };
}

/** The milliseconds of a time-out; `null` for none. Throws `DURATION_INVALID` or, for 0, `OPTION_INVALID`. */
export function toTimeoutMs(timeout: Duration | undefined): number | null {
  if (timeout === undefined) return null;
  const timeoutMs = toMs(timeout, "timeout");
  if (timeoutMs > 0) return timeoutMs;
  throw new SluiceError(
    "OPTION_INVALID",
    "timeout must be more than 0. Leave it out for no limit.",
  );
}

async function validate(schema: StandardSchema, value: unknown, subject: string): Promise<unknown> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return result.value;
  throw new SluiceError(
    "INPUT_INVALID",
    `${subject} does not match its schema: ${describeIssues(result.issues)}.`,
  );
}
