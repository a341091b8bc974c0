import assert from "node:assert/strict";
import type { Delivery, Driver, Failure, Settlement } from "../../core/index.ts";
import { textsOf } from "./sample-messages.ts";

/** Longer than any case takes. */
export const longLeaseMs = 120_000;

/** Short enough to wait for its end, long enough to act within it on a busy machine. */
export const shortLeaseMs = 500;

/** How long a case waits for something that must happen. */
export const patienceMs = 8000;

/** How long a case looks whether something happens that must not. */
export const suspicionMs = 150;

/** How to take messages. */
export interface TakeOptions {
  /** Default {@link longLeaseMs}. */
  readonly leaseMs?: number;
  /** How long all may take to come. Default {@link patienceMs}. */
  readonly waitMs?: number;
}

/** Receives until `count` messages are there; fails when they do not come in time, or more come at once than asked for. */
export async function take(
  driver: Driver,
  queue: string,
  count: number,
  options: TakeOptions = {},
): Promise<readonly Delivery[]> {
  const { leaseMs = longLeaseMs, waitMs = patienceMs } = options;
  const endsAt = Date.now() + waitMs;
  const taken: Delivery[] = [];
  while (taken.length < count) {
    const max = count - taken.length;
    const left = Math.max(0, endsAt - Date.now());
    const got = await driver.receive(queue, { max, waitMs: left, leaseMs });
    assert.ok(got.length <= max, `asked for at most ${max}, received ${got.length}`);
    taken.push(...got);
    if (got.length === 0 && Date.now() >= endsAt) {
      assert.fail(`expected ${count} messages within ${waitMs} ms; received ${taken.length}`);
    }
  }
  return taken;
}

/** Receives one message. */
export async function takeOne(
  driver: Driver,
  queue: string,
  options: TakeOptions = {},
): Promise<Delivery> {
  const [delivery] = await take(driver, queue, 1, options);
  assert.ok(delivery);
  return delivery;
}

/** Fails when anything can be received within `waitMs`. */
export async function takeNothing(
  driver: Driver,
  queue: string,
  waitMs: number = suspicionMs,
): Promise<void> {
  const got = await driver.receive(queue, { max: 10, waitMs, leaseMs: longLeaseMs });
  assert.deepEqual(textsOf(got), [], "expected nothing to receive");
}

/** Settles and expects each settlement to take effect. */
export async function settleAll(
  driver: Driver,
  queue: string,
  settlements: readonly Settlement[],
): Promise<void> {
  const answers = await driver.settle(queue, settlements);
  assert.deepEqual(
    [...answers],
    settlements.map(() => true),
    "every settlement takes effect",
  );
}

/** Acknowledges all. */
export function ackAll(
  driver: Driver,
  queue: string,
  deliveries: readonly Delivery[],
): Promise<void> {
  return settleAll(driver, queue, deliveries.map(ack));
}

/** Takes a message and buries it: receive, then dead-letter. Resolves with the delivery. */
export async function bury(
  driver: Driver,
  queue: string,
  reason: string,
  error?: string,
): Promise<Delivery> {
  const delivery = await takeOne(driver, queue);
  const failure = error === undefined ? {} : { failure: failureOf(delivery, error) };
  const outcome = { outcome: "dead-letter", reason, ...failure } as const;
  await settleAll(driver, queue, [{ receipt: delivery.receipt, ...outcome }]);
  return delivery;
}

/** It succeeded. */
export function ack(delivery: Delivery): Settlement {
  return { receipt: delivery.receipt, outcome: "ack" };
}

/** It was not begun. */
export function release(delivery: Delivery): Settlement {
  return { receipt: delivery.receipt, outcome: "release" };
}

/** It failed and is to be tried again. */
export function retry(delivery: Delivery, delayMs = 0, failure?: Failure): Settlement {
  const recorded = failure === undefined ? {} : { failure };
  return { receipt: delivery.receipt, outcome: "retry", delayMs, ...recorded };
}

/** It failed for good. */
export function deadLetter(delivery: Delivery, reason: string): Settlement {
  return { receipt: delivery.receipt, outcome: "dead-letter", reason };
}

/** How this attempt failed. */
export function failureOf(delivery: Delivery, error: string): Failure {
  return { attempt: delivery.attempt, at: Date.now(), error };
}
