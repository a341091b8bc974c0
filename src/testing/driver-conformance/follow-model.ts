import assert from "node:assert/strict";
import type { Delivery, Driver, OutgoingMessage, Settlement } from "../../core/index.ts";
import { expectDepth, method } from "./expectations.ts";
import { type ModelMessage, ModelQueue } from "./model-queue.ts";
import type { Ending, Operation } from "./operations.ts";
import { outgoing, textOf, textsOf } from "./sample-messages.ts";

/** Where operations are carried out. */
export interface FollowModelOptions {
  readonly driver: Driver;
  /** A queue that nobody used before. */
  readonly queue: string;
  readonly operations: readonly Operation[];
  /** Lets that much time pass for the driver, or a little more. */
  readonly advance: (ms: number) => Promise<void>;
  /** How long a message that the model calls ready may take to come. */
  readonly patienceMs: number;
  /** Time is exactly what `advance` makes it, so that ages can be compared. */
  readonly isTimeExact?: boolean;
}

/** Longer than real time takes to run any list of operations. */
const retryDelayMs = 3_600_000;
const leaseMs = 7_200_000;
/** Time between operations: two of them never share a millisecond of a driver's clock. */
const stepMs = 2;

interface Held {
  readonly receipt: string;
  readonly message: ModelMessage;
  readonly attempt: number;
}

/**
 * Carries out the operations on the driver and on the model, and rejects as soon as the two differ. At the end all
 * that is ready is received, so that nothing can have gone missing unseen.
 */
export async function followModel(options: FollowModelOptions): Promise<void> {
  const run = new ModelRun(options);
  for (const [index, operation] of options.operations.entries()) {
    try {
      await run.carryOut(operation);
    } catch (error) {
      throw differs(`operation ${index + 1}, ${JSON.stringify(operation)}`, error);
    }
  }
  try {
    await run.finish();
  } catch (error) {
    throw differs("receiving what was left", error);
  }
}

function differs(where: string, cause: unknown): Error {
  const what = cause instanceof Error ? cause.message : String(cause);
  return new Error(`driver and model differ at ${where}: ${what}`, { cause });
}

class ModelRun {
  readonly #options: FollowModelOptions;
  readonly #driver: Driver;
  readonly #queue: string;
  readonly #model = new ModelQueue();
  #held: readonly Held[] = [];
  #ended: readonly Held[] = [];
  #published = 0;

  constructor(options: FollowModelOptions) {
    this.#options = options;
    this.#driver = options.driver;
    this.#queue = options.queue;
  }

  async carryOut(operation: Operation): Promise<void> {
    await this.#step(operation);
    await this.#advance(stepMs);
  }

  async finish(): Promise<void> {
    while (this.#model.ready().length > 0) await this.#receive(10);
    await this.#compareDepth();
    if (this.#driver.capabilities.deadLetters !== "none") await this.#compareDead();
  }

  #step(operation: Operation): Promise<void> {
    switch (operation.kind) {
      case "publish":
        return this.#publish(operation);
      case "receive":
        return this.#receive(operation.max);
      case "settle":
        return this.#settle(operation.which, operation.endings);
      case "settle again":
        return this.#settleAgain(operation.which, operation.ending);
      case "redrive":
      case "purge dead":
        return this.#takeDead(operation.kind, operation.which);
      case "depth":
        return this.#compareDepth();
      case "peek":
        return this.#comparePeek();
      case "list dead":
        return this.#compareDead();
      case "wait":
        return this.#advance(operation.ms);
    }
  }

  async #publish(operation: Operation & { readonly kind: "publish" }): Promise<void> {
    const { count, priority, isDelayed, key } = operation;
    const messages: OutgoingMessage[] = [];
    for (let index = 0; index < count; index += 1) {
      const text = String(this.#published);
      this.#published += 1;
      const id = key === null ? `own-${text}` : `chosen-${key + index}`;
      const delayMs = isDelayed ? retryDelayMs : 0;
      messages.push(outgoing(text, { id, priority, delayMs, deduplicate: key !== null }));
    }
    const ids = await this.#driver.publish(this.#queue, messages);
    assert.deepEqual(
      [...ids],
      messages.map(({ id }) => id),
    );
    for (const message of messages) this.#model.publish({ ...message, text: textOf(message) });
  }

  async #receive(max: number): Promise<void> {
    const ready = this.#model.ready();
    const waitMs = ready.length > 0 ? this.#options.patienceMs : 0;
    const got = await this.#driver.receive(this.#queue, { max, waitMs, leaseMs });
    assert.ok(got.length <= max, `received ${got.length} of at most ${max}`);
    assert.ok(got.length > 0 || ready.length === 0, `received nothing of ${ready.length}`);
    if (this.#driver.capabilities.ordering === "fifo") {
      const first = ready.slice(0, got.length).map(({ text }) => text);
      assert.deepEqual(textsOf(got), first, "received in order");
    }
    for (const delivery of got) this.#take(delivery, ready);
  }

  #take(delivery: Delivery, ready: readonly ModelMessage[]): void {
    const message = ready.find(({ text }) => text === textOf(delivery));
    assert.ok(message?.state === "ready", `${textOf(delivery)} was not ready`);
    this.#model.lease(message, leaseMs);
    const { id, priority, attempt, history } = delivery;
    const keeps = this.#driver.capabilities.failureHistory !== "none";
    assert.deepEqual(
      { id, priority, attempt, failures: keeps ? history.length : message.failures },
      {
        id: message.id,
        priority: message.priority,
        attempt: message.attempts,
        failures: message.failures,
      },
    );
    this.#held = [...this.#held, { receipt: delivery.receipt, message, attempt }];
  }

  async #settle(which: number, wanted: readonly Ending[]): Promise<void> {
    const chosen = wanted.slice(0, this.#held.length).map((ending, index) => {
      const held = this.#held[(which + index) % this.#held.length] as Held;
      return { held, ending };
    });
    const settlements = chosen.map(({ held, ending }) => settlementOf(held, ending));
    const answers = await this.#driver.settle(this.#queue, settlements);
    assert.deepEqual(
      [...answers],
      chosen.map(() => true),
      "settlements of held leases take effect",
    );
    for (const { held, ending } of chosen) this.#model.end(held.message, ending, retryDelayMs);
    const ended = chosen.map(({ held }) => held);
    this.#held = this.#held.filter((held) => !ended.includes(held));
    this.#ended = [...this.#ended, ...ended];
  }

  async #settleAgain(which: number, ending: Ending): Promise<void> {
    const held = this.#ended[which % this.#ended.length];
    if (held === undefined) return;
    const answers = await this.#driver.settle(this.#queue, [settlementOf(held, ending)]);
    assert.deepEqual([...answers], [false], "a second settlement takes no effect");
  }

  async #takeDead(kind: "redrive" | "purge dead", which: number | null): Promise<void> {
    const dead = this.#model.dead();
    const one = which === null ? undefined : dead[which % dead.length];
    const ids = which === null ? null : [one?.id ?? "nobody"];
    const call = method(this.#driver, kind === "redrive" ? "redrive" : "purgeDeadLetters");
    const count = await call(this.#queue, ids === null ? {} : { ids });
    assert.equal(count, kind === "redrive" ? this.#model.redrive(ids) : this.#model.purgeDead(ids));
  }

  async #compareDepth(): Promise<void> {
    const { oldestAgeMs, ...counts } = this.#model.depth();
    await expectDepth(this.#driver, this.#queue, counts);
    if (this.#options.isTimeExact)
      assert.equal((await this.#driver.depth(this.#queue)).oldestAgeMs, oldestAgeMs);
  }

  async #comparePeek(): Promise<void> {
    const shown = await method(this.#driver, "peek")(this.#queue, { limit: 1000 });
    const line = (text: string, state: string, attempts: number) => `${text} ${state} ${attempts}`;
    const lines = shown.map((one) => line(textOf(one), one.state, one.attempts));
    const expected = [...this.#model.ready(), ...this.#model.delayed()].map((message) =>
      line(message.text, message.state, message.attempts),
    );
    const waiting = lines.filter((text) => !text.includes("in flight"));
    const isFifo = this.#driver.capabilities.ordering === "fifo";
    assert.deepEqual(isFifo ? waiting : waiting.sort(), isFifo ? expected : expected.sort());
  }

  async #compareDead(): Promise<void> {
    const letters = await method(this.#driver, "deadLetters")(this.#queue, { limit: 1000 });
    assert.deepEqual(
      letters.map((letter) => `${textOf(letter)} ${letter.attempts}`),
      this.#model.dead().map((message) => `${message.text} ${message.attempts}`),
      "dead letters",
    );
  }

  async #advance(ms: number): Promise<void> {
    await this.#options.advance(ms);
    this.#model.advance(ms);
    this.#held = this.#held.filter(({ message }) => message.state === "leased");
  }
}

function settlementOf({ receipt, attempt }: Held, ending: Ending): Settlement {
  const failure = { attempt, at: Date.now(), error: `attempt ${attempt} failed` };
  switch (ending) {
    case "ack":
    case "release":
      return { receipt, outcome: ending };
    case "retry":
      return { receipt, outcome: "retry", delayMs: 0, failure };
    case "retry later":
      return { receipt, outcome: "retry", delayMs: retryDelayMs, failure };
    case "dead-letter":
      return { receipt, outcome: "dead-letter", reason: "enough", failure };
  }
}
