/**
 * Publishers that never give up and a worker, both of which keep book: what was confirmed when, what was handled when.
 */
import { setTimeout as wait } from "node:timers/promises";
import {
  defineJob,
  defineWorker,
  isSluiceError,
  type JobDefinition,
  type Sluice,
  startWorker,
  type Worker,
} from "../../src/index.ts";

/** What a run is about. */
export interface LoadOptions {
  readonly queue: string;
  /** The publishers' connection. */
  readonly publisher: Sluice;
  /** The worker's. */
  readonly consumer: Sluice;
  /** How many jobs are published in all. */
  readonly count: number;
  readonly handlerMs?: number;
}

/** What resumes after a fault. */
export type Activity = "publishing" | "working";

const publisherCount = 20;
const pauseMs = 100;
/** How long to wait for what comes too late, to tell how late it is. */
const resumePatienceMs = 25_000;
/** How long the end of a run may take; a connection of a broken driver may never end. */
const closeMs = 5000;

/** A run under way: publishers stop at {@link Load.allow} and at `count`. */
export class Load {
  /** When each id was confirmed. */
  readonly confirmedAt: Map<string, number> = new Map();
  /** How often each id was handled. */
  readonly handled: Map<string, number> = new Map();
  /** Publishes that were rejected and tried again. */
  rejections = 0;
  /** The longest that a publish took to confirm or to reject. */
  slowestMs = 0;
  readonly #options: LoadOptions;
  readonly #job: JobDefinition<number, number>;
  readonly #worker: Worker;
  readonly #publishing: readonly Promise<void>[];
  readonly #lastAt: Record<Activity, number> = { publishing: 0, working: 0 };
  #given = 0;
  #allowed = 0;
  #isOver = false;
  #failure: unknown = null;

  constructor(options: LoadOptions) {
    const fail = (error: unknown): void => {
      this.#failure ??= error;
    };
    this.#options = options;
    this.#job = defineJob<number>(options.queue, { retry: { attempts: 1000 } });
    const handler = this.#job.handle((_input, { id }) => this.#handle(id));
    const leases = { lease: "5s", grace: "2s" } as const;
    const definition = defineWorker({ handlers: [handler], concurrency: 50, ...leases });
    this.#worker = startWorker(definition, options.consumer);
    this.#worker.closed.catch(fail);
    const publishers = Array.from({ length: publisherCount }, () => this.#publishAll());
    this.#publishing = publishers.map((publisher) => publisher.catch(fail));
  }

  /** Lets publishers go on until this many ids were given out. */
  allow(count: number): void {
    this.#allowed = count;
  }

  /** Resolves once this many are confirmed; rejects when a publisher or the worker failed for good. */
  async confirmed(count: number): Promise<void> {
    const seen = (): number => this.confirmedAt.size;
    await this.#until(() => seen() >= count, {
      withinMs: 60_000,
      what: () => `${seen()} of ${count} confirmed`,
    });
  }

  /** Resolves when every confirmed id was handled, those apart that `mayBeLost`; rejects with how many were not. */
  async allHandled(
    withinMs: number,
    mayBeLost: (confirmedAt: number) => boolean = () => false,
  ): Promise<void> {
    const missing = (): number =>
      [...this.confirmedAt].filter(([id, at]) => !this.handled.has(id) && !mayBeLost(at)).length;
    await this.#until(() => missing() === 0, {
      withinMs,
      what: () => `${missing()} of ${this.confirmedAt.size} confirmed jobs are not handled`,
    });
  }

  /**
   * Resolves with how long after `at` there was the first confirmation, or the first job; rejects when that is longer
   * than `withinMs`, and tells how long it took if it is not forever.
   */
  async resumed(what: Activity, at: number, withinMs: number): Promise<number> {
    const patienceMs = Math.max(withinMs, resumePatienceMs);
    await this.#until(() => this.#lastAt[what] > at, {
      withinMs: patienceMs,
      what: () => `${what} has not resumed`,
    });
    const ms = this.#lastAt[what] - at;
    if (ms > withinMs) throw new Error(`${what} resumed after ${ms} ms, later than ${withinMs}`);
    return ms;
  }

  /** Confirmed and never handled. */
  get lost(): number {
    return [...this.confirmedAt.keys()].filter((id) => !this.handled.has(id)).length;
  }

  /** Handled before their publish was confirmed: the publisher is in doubt about them. */
  get inDoubt(): number {
    return [...this.handled.keys()].filter((id) => !this.confirmedAt.has(id)).length;
  }

  /** Resolves once a publisher is in doubt about this many. */
  doubted(count: number): Promise<void> {
    return this.#until(() => this.inDoubt >= count, {
      withinMs: 20_000,
      what: () => `publishers are in doubt about ${this.inDoubt} of ${count}`,
    });
  }

  /** Jobs beyond the first for each id. */
  get duplicates(): number {
    return [...this.handled.values()].reduce((sum, times) => sum + times - 1, 0);
  }

  /** Ends publishers and worker; the connections stay the caller's. */
  async close(): Promise<void> {
    this.#isOver = true;
    const ended = Promise.all([
      this.#worker.drain(500).catch(() => undefined),
      ...this.#publishing,
    ]);
    await Promise.race([ended, wait(closeMs, undefined, { ref: false })]);
  }

  async #handle(id: string): Promise<void> {
    if (this.#options.handlerMs !== undefined) await wait(this.#options.handlerMs);
    this.#lastAt.working = Date.now();
    this.handled.set(id, (this.handled.get(id) ?? 0) + 1);
  }

  async #publishAll(): Promise<void> {
    while (!this.#isOver && this.#given < this.#options.count) {
      if (this.#given >= this.#allowed) {
        await wait(5);
        continue;
      }
      this.#given += 1;
      await this.#publish(this.#given);
    }
  }

  /** With the same id until it is confirmed, so that a doubt ends in one message. */
  async #publish(index: number): Promise<void> {
    const id = `${this.#options.queue}-${index}`;
    while (!this.#isOver) {
      const startedAt = Date.now();
      try {
        await this.#options.publisher.publish(this.#job, index, { id });
        this.#lastAt.publishing = Date.now();
        this.confirmedAt.set(id, this.#lastAt.publishing);
        return;
      } catch (error) {
        if (!(isSluiceError(error) && error.retryable)) throw error;
        this.rejections += 1;
      } finally {
        this.slowestMs = Math.max(this.slowestMs, Date.now() - startedAt);
      }
      await wait(pauseMs);
    }
  }

  async #until(
    isTrue: () => boolean,
    { withinMs, what }: { readonly withinMs: number; readonly what: () => string },
  ): Promise<void> {
    const giveUpAt = Date.now() + withinMs;
    while (!isTrue()) {
      if (this.#failure !== null) throw this.#failure;
      if (Date.now() > giveUpAt) throw new Error(`${what()} after ${withinMs} ms`);
      await wait(10);
    }
  }
}
