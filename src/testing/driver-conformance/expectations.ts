import assert from "node:assert/strict";
import {
  type Accuracy,
  type Driver,
  isSluiceError,
  type QueueDepth,
  sleep,
  systemClock,
} from "../../core/index.ts";
import { patienceMs } from "./consumer.ts";

type Counts = Pick<QueueDepth, "ready" | "delayed" | "inFlight" | "dead">;
type CountName = keyof Counts;
/** The figures of a depth that count messages. */
export const countNames: readonly CountName[] = ["ready", "delayed", "inFlight", "dead"];

/**
 * Fails unless the counts are as given, those left out zero: at once where the driver declares them exact, before long
 * where approximate, and `null` where unknown. One figure for ready and leased messages must be their sum before long.
 * Sampled counts are of another moment and may be anything.
 */
export async function expectDepth(
  driver: Driver,
  queue: string,
  counts: Partial<Counts>,
): Promise<void> {
  const expected = { ready: 0, delayed: 0, inFlight: 0, dead: 0, ...counts };
  const accuracy = driver.capabilities.depth;
  const pick = (depth: Counts, wanted: Accuracy) =>
    Object.fromEntries(
      countNames.filter((name) => accuracy[name] === wanted).map((name) => [name, depth[name]]),
    );
  const depth = await driver.depth(queue);
  if (accuracy.ready === "with in flight") {
    const together = (expected.ready ?? 0) + (expected.inFlight ?? 0);
    await eventually(async () => assert.equal((await driver.depth(queue)).ready, together));
  }
  assert.deepEqual(pick(depth, "exact"), pick(expected, "exact"), "exact counts");
  for (const name of countNames)
    if (accuracy[name] === "unknown") assert.equal(depth[name], null, `unknown count: ${name}`);
  const approximate = pick(expected, "approximate");
  if (Object.keys(approximate).length > 0) {
    await eventually(async () =>
      assert.deepEqual(pick(await driver.depth(queue), "approximate"), approximate),
    );
  }
}

/** Tries again until `check` stops failing; fails as it does when that takes longer than `withinMs`. */
export async function eventually(
  check: () => Promise<void>,
  withinMs: number = patienceMs,
): Promise<void> {
  const endsAt = Date.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() >= endsAt) throw error;
      await pause(25);
    }
  }
}

/** Real time passes. */
export function pause(ms: number): Promise<void> {
  return sleep(systemClock, ms);
}

/** Fails unless `low` ≤ `ms` ≤ `high`. */
export function expectBetween(ms: number, low: number, high: number, what: string): void {
  assert.ok(ms >= low && ms <= high, `${what}: expected ${low} to ${high} ms, took ${ms} ms`);
}

/** Fails unless `call` throws or rejects with the code `CLOSED`. */
export async function expectClosed(call: () => unknown, method: string): Promise<void> {
  try {
    await call();
  } catch (error) {
    assert.ok(isSluiceError(error), `${method} rejects with a SluiceError; got ${String(error)}`);
    assert.equal(error.code, "CLOSED", method);
    return;
  }
  assert.fail(`${method} after close() rejects with CLOSED; it succeeded`);
}

/** An optional method, which the case's requirements promise. */
export function method<Name extends OptionalName>(
  driver: Driver,
  name: Name,
): NonNullable<Driver[Name]> {
  const found = driver[name];
  assert.ok(found !== undefined, `${driver.name} has the method ${name}`);
  return found.bind(driver) as NonNullable<Driver[Name]>;
}

/** The methods that a driver may lack. */
export type OptionalName =
  | "extend"
  | "watch"
  | "deadLetters"
  | "redrive"
  | "purgeDeadLetters"
  | "peek"
  | "queues"
  | "dueWithin"
  | "purge";
