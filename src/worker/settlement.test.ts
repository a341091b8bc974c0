import { describe, expect, test } from "vitest";
import { delivery } from "../../test/support/stub-driver.ts";
import { failureTextLimit, SluiceError, toRetryPolicy } from "../core/index.ts";
import { type AttemptEnd, decideSettlement, exhaustedByCrashes } from "./settlement.ts";

const retry = toRetryPolicy({ attempts: 3, initial: 1000, factor: 2, max: 60_000 });
const now = 1_000_000;

function decide(ended: AttemptEnd, attempt = 1, maxDelayMs = Number.POSITIVE_INFINITY) {
  const context = { delivery: delivery({ attempt }), retry, now, maxDelayMs, random: () => 0.5 };
  return decideSettlement(ended, context);
}
const returned = (value: unknown): AttemptEnd => ({ end: "returned", value });
const failed = (error: unknown): AttemptEnd => ({ end: "failed", error });
const boom = new Error("boom");

describe("a handler that returned", () => {
  test.each([
    ["nothing", undefined],
    ["a value of its own", { outcome: "fine", rows: 7 }],
    ["null", null],
    ["a text that only sounds like an outcome", "retry"],
    ["an object that only looks a little like a retry", { outcome: "retry" }],
    ["a delay that is none", { outcome: "retry", delayMs: Number.NaN, reason: "x" }],
  ])("%s has succeeded, also at the last attempt", (_what, value) => {
    expect(decide(returned(value), 3)).toEqual({ receipt: "r1", outcome: "ack" });
  });

  test("a retry is tried again after its delay, not after the backoff", () => {
    const asked = { outcome: "retry", delayMs: 20_000, reason: "rate limit" };
    expect(decide(returned(asked), 2)).toEqual({
      receipt: "r1",
      outcome: "retry",
      delayMs: 20_000,
      failure: { attempt: 2, at: now, error: "rate limit" },
    });
  });

  test("a retry at the last attempt is dead-lettered with its reason", () => {
    const asked = { outcome: "retry", delayMs: 20_000, reason: "rate limit" };
    expect(decide(returned(asked), 3)).toEqual({
      receipt: "r1",
      outcome: "dead-letter",
      reason: "failed 3 of 3 attempts; the last: rate limit",
      failure: { attempt: 3, at: now, error: "rate limit" },
    });
  });

  test("a dead-letter is dead-lettered at once", () => {
    const asked = { outcome: "dead-letter", reason: "no such user" };
    expect(decide(returned(asked), 1)).toEqual({
      receipt: "r1",
      outcome: "dead-letter",
      reason: "no such user",
      failure: { attempt: 1, at: now, error: "no such user" },
    });
  });

  test("an error given as reason is shown as one", () => {
    const asked = { outcome: "dead-letter", reason: boom };
    expect(decide(returned(asked))).toMatchObject({ reason: "Error: boom" });
  });
});

describe("a handler that failed", () => {
  test.each([
    [1, 500],
    [2, 1000],
  ])("attempt %d is tried again after the backoff, %d ms", (attempt, delayMs) => {
    expect(decide(failed(boom), attempt)).toEqual({
      receipt: "r1",
      outcome: "retry",
      delayMs,
      failure: { attempt, at: now, error: "Error: boom" },
    });
  });

  test.each([3, 4])("attempt %d of 3 is dead-lettered", (attempt) => {
    expect(decide(failed(boom), attempt)).toEqual({
      receipt: "r1",
      outcome: "dead-letter",
      reason: `failed ${attempt} of 3 attempts; the last: Error: boom`,
      failure: { attempt, at: now, error: "Error: boom" },
    });
  });

  test.each([
    ["nothing", undefined],
    ["an object without a prototype", Object.create(null)],
    ["a symbol", Symbol("x")],
  ])("with %s thrown has failed like any other", (_what, thrown) => {
    expect(decide(failed(thrown))).toMatchObject({
      outcome: "retry",
      failure: { error: expect.any(String) },
    });
  });

  test("waits no longer than the driver can delay", () => {
    expect(decide(failed(boom), 2, 300)).toMatchObject({ outcome: "retry", delayMs: 300 });
  });

  test.each([1, 3])("has a reason that every store can take, at attempt %d", (attempt) => {
    const settlement = decide(failed(new Error(`\0${"x".repeat(100_000)}`)), attempt);
    const { failure } = settlement as { failure: { error: string } };
    expect(failure.error.length).toBeLessThanOrEqual(failureTextLimit);
    expect(JSON.stringify(settlement)).not.toContain("\\u0000");
    if (settlement.outcome === "dead-letter")
      expect(settlement.reason.length).toBeLessThanOrEqual(failureTextLimit);
  });
});

describe("other ends", () => {
  test("a refused message is dead-lettered at the first attempt", () => {
    const error = new SluiceError("INPUT_INVALID", "width: expected number");
    expect(decide({ end: "refused", error })).toEqual({
      receipt: "r1",
      outcome: "dead-letter",
      reason: "INPUT_INVALID: width: expected number",
      failure: { attempt: 1, at: now, error: "INPUT_INVALID: width: expected number" },
    });
  });

  test("a job that the worker leaves is released", () => {
    expect(decide({ end: "left" }, 3)).toEqual({ receipt: "r1", outcome: "release" });
  });
});

describe("exhaustedByCrashes", () => {
  test("says that the last attempt ended without an outcome", () => {
    const history = [{ attempt: 1, at: 5, error: "boom" }];
    const settlement = exhaustedByCrashes(delivery({ attempt: 4, history }), retry, now);
    expect(settlement).toEqual({
      receipt: "r1",
      outcome: "dead-letter",
      reason: expect.stringMatching(/^given up after 3 of 3 attempts: .*crashed or lost its lease/),
      failure: { attempt: 3, at: now, error: "the worker crashed or lost its lease" },
    });
  });

  test("does not speak of a crash when the last attempt has failed in the ordinary way", () => {
    const history = [{ attempt: 5, at: 5, error: "boom" }];
    expect(exhaustedByCrashes(delivery({ attempt: 6, history }), retry, now)).toEqual({
      receipt: "r1",
      outcome: "dead-letter",
      reason: "failed 5 attempts where 3 are allowed; the last: boom",
    });
  });
});
