import { type Batcher, createBatcher } from "./batcher.ts";
import { type EncodedJob, type Publishable, undefinedJob } from "./body.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { DeadLetterSelection, Driver, TransactionClient } from "./driver.ts";
import { type Duration, toMs } from "./duration.ts";
import { SluiceError, showValue } from "./errors.ts";
import { createId } from "./id.ts";
import { type Logger, stderrLogger } from "./logger.ts";
import {
  checkHeaders,
  type DeadLetter,
  type Headers,
  isTransportable,
  type OutgoingMessage,
  type WaitingMessage,
} from "./message.ts";
import { checkQueueName, type QueueDepth } from "./queue.ts";
import { noTelemetry, type Telemetry } from "./telemetry.ts";
import { checkTransaction, publisherWithin, sharedTransaction } from "./transaction.ts";

/** What may be said about a message when it is published. */
export interface PublishOptions {
  /** Not to be received before this has passed. */
  readonly delay?: Duration;
  /**
   * The message's id, 1 to 128 characters. Drivers that deduplicate store one message per id within their window, so
   * that publishing again after a doubt is safe. Default: a new UUID.
   */
  readonly id?: string;
  /** Travel with the message; names are made lower case. */
  readonly headers?: Headers;
  /** 0 (default) to the driver's `maxPriority`; higher is received first. */
  readonly priority?: number;
  /**
   * Publish inside this transaction of your own: the job exists if and only if it commits. A connection to the database
   * of the queue, with a transaction under way; where the driver has `transactions`.
   *
   * @example
   * ```ts
   * import type { Sluice, TransactionClient } from "sluice";
   *
   * export async function placeOrder(sluice: Sluice, client: TransactionClient): Promise<void> {
   *   const order = { id: 7 };
   *   await client.query("BEGIN", []);
   *   await client.query("INSERT INTO orders (id) VALUES ($1)", [order.id]);
   *   await sluice.publish("send-receipt", order, { transaction: client });
   *   await client.query("COMMIT", []);
   * }
   * ```
   */
  readonly transaction?: TransactionClient;
}

/** How another thread of this process opens the same queues: a module that exports `openDriver`, and the queue URL. */
export interface DriverAddress {
  readonly module: string;
  readonly url: string;
}

/** What a connection is built with. */
export interface SluiceOptions {
  /** Default: warnings and errors to standard error. */
  readonly logger?: Logger;
  /** Default: the machine's time. */
  readonly clock?: Clock;
  readonly telemetry?: Telemetry;
  /** Set by `connect`; without it, leases cannot be renewed while a handler blocks the event loop. */
  readonly address?: DriverAddress;
}

/**
 * A connection to one broker, the same for every broker. Made by `connect`; safe to share in a program.
 */
export class Sluice {
  /** The driver underneath, for workers and scalers. */
  readonly driver: Driver;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly address: DriverAddress | null;
  readonly #senders = new Map<string, Batcher<OutgoingMessage, string>>();
  /** Of each transaction's connection, so that what is published together keeps its order. */
  readonly #sendersWithin = new WeakMap<
    TransactionClient,
    Map<string, Batcher<OutgoingMessage, string>>
  >();
  #sendsUnderWay = 0;
  #onSent: () => void = () => undefined;
  #closing: Promise<void> | null = null;

  constructor(driver: Driver, options: SluiceOptions = {}) {
    this.driver = driver;
    this.logger = options.logger ?? stderrLogger;
    this.clock = options.clock ?? systemClock;
    this.telemetry = options.telemetry ?? noTelemetry;
    this.address = options.address ?? null;
  }

  /**
   * Publishes one job; resolves with its id when the broker has it safely. Calls that are awaited at the same time
   * share a round trip. Rejects with `INPUT_INVALID`, `BODY_TOO_LARGE`, `HEADERS_INVALID`, `OPTION_INVALID`,
   * `OPTION_UNSUPPORTED`, `QUEUE_NAME_INVALID`, or the driver's error; then nothing was confirmed.
   */
  publish(queue: string, input: unknown, options?: PublishOptions): Promise<string>;
  publish<Input>(
    job: Publishable<Input>,
    input: NoInfer<Input>,
    options?: PublishOptions,
  ): Promise<string>;
  async publish(
    job: string | Publishable<unknown>,
    input: unknown,
    options: PublishOptions = {},
  ): Promise<string> {
    this.#beginSend();
    try {
      const definition = typeof job === "string" ? undefinedJob(job) : job;
      const message = this.#message(await definition.encode(input), options);
      return await this.#send(definition.queue, message, options.transaction);
    } finally {
      this.#endSend();
    }
  }

  /**
   * Publishes many jobs in as few round trips as the driver's batch size allows; resolves with their ids in order.
   * Every input is validated before the first is sent. `options` may differ per input, but for the transaction. After a
   * rejection some may have been stored; with ids of your own, publishing all again is safe where the driver
   * deduplicates.
   */
  publishMany(
    queue: string,
    inputs: readonly unknown[],
    options?: ManyOptions<unknown>,
  ): Promise<readonly string[]>;
  publishMany<Input>(
    job: Publishable<Input>,
    inputs: readonly NoInfer<Input>[],
    options?: ManyOptions<NoInfer<Input>>,
  ): Promise<readonly string[]>;
  async publishMany(
    job: string | Publishable<unknown>,
    inputs: readonly unknown[],
    options: ManyOptions<unknown> = {},
  ): Promise<readonly string[]> {
    this.#beginSend();
    try {
      const definition = typeof job === "string" ? undefinedJob(job) : job;
      const messages: OutgoingMessage[] = [];
      const transactions = new Set<TransactionClient | undefined>();
      for (const [index, input] of inputs.entries()) {
        const own = typeof options === "function" ? options(input, index) : options;
        messages.push(this.#message(await definition.encode(input), own));
        transactions.add(own.transaction);
      }
      return await this.#publish(definition.queue, messages, sharedTransaction(transactions));
    } finally {
      this.#endSend();
    }
  }

  /** Publishes a body as it is, already encoded: for programs that pass messages on. */
  async publishEncoded(
    queue: string,
    encoded: EncodedJob,
    options: PublishOptions = {},
  ): Promise<string> {
    this.#beginSend();
    try {
      const message = this.#message(encoded, options);
      return await this.#send(checkQueueName(queue), message, options.transaction);
    } finally {
      this.#endSend();
    }
  }

  /** How many messages wait, run and are dead. Unknown figures are `null`. */
  async depth(queue: string): Promise<QueueDepth> {
    return this.driver.depth(checkQueueName(queue));
  }

  /** The names of all queues. Rejects with `OPTION_UNSUPPORTED` where the broker cannot tell. */
  async queues(): Promise<readonly string[]> {
    return this.#extra("queues", "list queues")();
  }

  /** Dead letters of a queue, the oldest first. Default limit 100. */
  async deadLetters(
    queue: string,
    options: { readonly limit?: number } = {},
  ): Promise<readonly DeadLetter[]> {
    return this.#extra("deadLetters", "list dead letters")(checkQueueName(queue), {
      limit: checkLimit(options.limit ?? 100),
    });
  }

  /** Puts dead letters back into their queue, attempts starting anew: all, or those with the given ids. */
  async redrive(queue: string, selection: DeadLetterSelection = {}): Promise<number> {
    return this.#extra("redrive", "redrive dead letters")(checkQueueName(queue), selection);
  }

  /** Deletes dead letters for good: all, or those with the given ids. */
  async purgeDeadLetters(queue: string, selection: DeadLetterSelection = {}): Promise<number> {
    return this.#extra("purgeDeadLetters", "purge dead letters")(checkQueueName(queue), selection);
  }

  /** The next waiting messages, without taking them. Default limit 20. */
  async peek(
    queue: string,
    options: { readonly limit?: number } = {},
  ): Promise<readonly WaitingMessage[]> {
    return this.#extra("peek", "peek at messages")(checkQueueName(queue), {
      limit: checkLimit(options.limit ?? 20),
    });
  }

  /** Deletes every ready and delayed message of a queue; leased and dead ones stay. */
  async purge(queue: string): Promise<number> {
    return this.#extra("purge", "purge a queue")(checkQueueName(queue));
  }

  /** Takes no more publishes, waits for those under way, then closes the driver. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#sendsUnderWay > 0) {
      await new Promise<void>((resolve) => {
        this.#onSent = resolve;
      });
    }
    await this.driver.close();
  }

  /** A send lasts from the first check of its input to its confirmation; close waits for that. */
  #beginSend(): void {
    if (this.#closing !== null)
      throw new SluiceError("CLOSED", "publish was called after close(). Connect anew.");
    this.#sendsUnderWay += 1;
  }

  #endSend(): void {
    this.#sendsUnderWay -= 1;
    if (this.#sendsUnderWay === 0) this.#onSent();
  }

  #send(queue: string, message: OutgoingMessage, transaction?: TransactionClient): Promise<string> {
    const sender = this.#sender(queue, transaction);
    const subject = { queue, id: message.id, headers: message.headers };
    return this.telemetry.produce(subject, (headers) => sender.add({ ...message, headers }));
  }

  #sender(queue: string, transaction?: TransactionClient): Batcher<OutgoingMessage, string> {
    const senders = this.#sendersOf(transaction);
    const existing = senders.get(queue);
    if (existing) return existing;
    const publish = this.#publisher(transaction);
    const sender = createBatcher<OutgoingMessage, string>({
      maxItems: this.driver.capabilities.limits.maxPublishBatch,
      maxFlushes: this.driver.capabilities.limits.maxCallsUnderWay,
      flush: (messages) => publish(queue, messages),
    });
    senders.set(queue, sender);
    return sender;
  }

  #sendersOf(transaction?: TransactionClient): Map<string, Batcher<OutgoingMessage, string>> {
    if (transaction === undefined) return this.#senders;
    checkTransaction(transaction);
    const existing = this.#sendersWithin.get(transaction);
    if (existing) return existing;
    const senders = new Map<string, Batcher<OutgoingMessage, string>>();
    this.#sendersWithin.set(transaction, senders);
    return senders;
  }

  /** What sends a batch: into the transaction, if there is one. Throws where that cannot be. */
  #publisher(
    transaction?: TransactionClient,
  ): (queue: string, messages: readonly OutgoingMessage[]) => Promise<readonly string[]> {
    const { driver } = this;
    if (transaction === undefined) return (queue, messages) => driver.publish(queue, messages);
    const publishWithin = publisherWithin(driver, transaction);
    return (queue, messages) => publishWithin(transaction, queue, messages);
  }

  async #publish(
    queue: string,
    messages: readonly OutgoingMessage[],
    transaction?: TransactionClient,
  ): Promise<readonly string[]> {
    const ids: string[] = [];
    const publish = this.#publisher(transaction);
    const size = this.driver.capabilities.limits.maxPublishBatch;
    for (let start = 0; start < messages.length; start += size) {
      const group = messages.slice(start, start + size);
      const sent =
        this.telemetry === noTelemetry
          ? publish(queue, group)
          : Promise.all(group.map((message) => this.#send(queue, message, transaction)));
      ids.push(...(await sent));
    }
    return ids;
  }

  #message(encoded: EncodedJob, options: PublishOptions): OutgoingMessage {
    const { limits } = this.driver.capabilities;
    if (encoded.body.byteLength > limits.maxBodyBytes) {
      const { maxBodySetting: setting } = limits;
      const fix =
        setting === undefined
          ? "Store large data elsewhere and publish a reference to it"
          : `Raise ${setting} of the server, or publish a reference to data that is stored elsewhere`;
      throw new SluiceError(
        "BODY_TOO_LARGE",
        `${this.driver.name} takes bodies up to ${limits.maxBodyBytes} bytes; got ${encoded.body.byteLength}. ${fix}.`,
      );
    }
    const headers = { ...encoded.headers, ...options.headers };
    return {
      id: options.id === undefined ? createId(this.clock.now()) : checkId(options.id),
      body: encoded.body,
      headers: checkHeaders(headers, limits.maxHeaderBytes),
      delayMs: options.delay === undefined ? 0 : this.#delayMs(options.delay),
      priority: options.priority === undefined ? 0 : this.#priority(options.priority),
      deduplicate: options.id !== undefined,
    };
  }

  #delayMs(delay: Duration): number {
    const { capabilities, name } = this.driver;
    const delayMs = toMs(delay, "delay");
    if (delayMs > 0 && capabilities.delay === "none")
      throw unsupported(name, "delay messages", "Publish without delay");
    if (delayMs > capabilities.limits.maxDelayMs) {
      throw new SluiceError(
        "OPTION_INVALID",
        `delay must be at most ${capabilities.limits.maxDelayMs} ms with ${name}; got ${delayMs}.`,
      );
    }
    return delayMs;
  }

  #priority(priority: number): number {
    const { capabilities, name } = this.driver;
    if (priority !== 0 && capabilities.priority === "none") {
      throw unsupported(
        name,
        "order messages by priority",
        "Publish without priority, or use a queue per urgency",
      );
    }
    const { maxPriority } = capabilities.limits;
    if (!Number.isInteger(priority) || priority < 0 || priority > maxPriority) {
      throw new SluiceError(
        "OPTION_INVALID",
        `priority must be a whole number from 0 to ${maxPriority} (received first); got ${showValue(priority)}.`,
      );
    }
    return priority;
  }

  #extra<Name extends ExtraName>(name: Name, what: string): NonNullable<Driver[Name]> {
    const method = this.driver[name];
    if (method === undefined)
      throw unsupported(this.driver.name, what, "Use the broker's own tools");
    return method.bind(this.driver) as NonNullable<Driver[Name]>;
  }
}

/** Options of `publishMany`: the same for all, or made for each input. */
export type ManyOptions<Input> = PublishOptions | ((input: Input, index: number) => PublishOptions);

type ExtraName = "queues" | "deadLetters" | "redrive" | "purgeDeadLetters" | "peek" | "purge";

function unsupported(driver: string, what: string, fix: string): SluiceError {
  return new SluiceError(
    "OPTION_UNSUPPORTED",
    `the ${driver} driver cannot ${what}. ${fix}, or use another queue URL.`,
  );
}

function checkId(id: string): string {
  if (typeof id === "string" && id.length >= 1 && id.length <= 128 && isTransportable(id))
    return id;
  throw new SluiceError(
    "OPTION_INVALID",
    `id must be a text of 1 to 128 characters without control characters and lone surrogates; got ${showValue(id)}.`,
  );
}

function checkLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 1) return limit;
  throw new SluiceError(
    "OPTION_INVALID",
    `limit must be a whole number from 1; got ${showValue(limit)}.`,
  );
}
