import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backoffMs, type RetryOptions, type RetryPolicy, toRetryPolicy } from "./retry.ts";

describe("toRetryPolicy", () => {
  test("fills in the defaults", () => {
    expect(toRetryPolicy()).toEqual({
      attempts: 10,
      initialMs: 1000,
      factor: 2,
      maxMs: 600_000,
      jitter: "full",
    });
  });

  test("reads durations and takes what is given", () => {
    const options: RetryOptions = {
      attempts: 1,
      initial: "250ms",
      factor: 1,
      max: "1m",
      jitter: "none",
    };
    expect(toRetryPolicy(options)).toEqual({
      attempts: 1,
      initialMs: 250,
      factor: 1,
      maxMs: 60_000,
      jitter: "none",
    });
  });

  test.each<[RetryOptions, string, RegExp]>([
    [{ attempts: 0 }, "OPTION_INVALID", /^retry\.attempts/],
    [{ attempts: -1 }, "OPTION_INVALID", /^retry\.attempts/],
    [{ attempts: 2.5 }, "OPTION_INVALID", /^retry\.attempts/],
    [{ attempts: Number.NaN }, "OPTION_INVALID", /^retry\.attempts/],
    [{ attempts: Number.POSITIVE_INFINITY }, "OPTION_INVALID", /^retry\.attempts/],
    [{ attempts: "3" as unknown as number }, "OPTION_INVALID", /^retry\.attempts/],
    [{ factor: 0.5 }, "OPTION_INVALID", /^retry\.factor/],
    [{ factor: Number.NaN }, "OPTION_INVALID", /^retry\.factor/],
    [{ factor: Number.POSITIVE_INFINITY }, "OPTION_INVALID", /^retry\.factor/],
    [{ jitter: "half" as unknown as "full" }, "OPTION_INVALID", /^retry\.jitter.*got "half"/],
    [{ initial: "soon" }, "DURATION_INVALID", /^retry\.initial/],
    [{ initial: -1 }, "DURATION_INVALID", /^retry\.initial/],
    [{ max: "1 minute" }, "DURATION_INVALID", /^retry\.max/],
  ])("refuses %j with %s", (options, code, message) => {
    expect(() => toRetryPolicy(options)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});

describe("backoffMs", () => {
  const policy = toRetryPolicy({ initial: 100, factor: 3, max: 5000, jitter: "none" });

  test("grows by the factor up to the longest pause", () => {
    const pauses = [1, 2, 3, 4, 5, 6].map((attempt) => backoffMs(policy, attempt, () => 0.5));
    expect(pauses).toEqual([100, 300, 900, 2700, 5000, 5000]);
  });

  test("takes a random part of the longest pause with full jitter", () => {
    const full: RetryPolicy = { ...policy, jitter: "full" };
    expect(backoffMs(full, 3, () => 0)).toBe(0);
    expect(backoffMs(full, 3, () => 0.5)).toBe(450);
    expect(backoffMs(full, 3, () => 0.999_999)).toBe(900);
  });

  const policies = fc.record<RetryPolicy>({
    attempts: fc.integer({ min: 1, max: 1_000_000 }),
    initialMs: fc.nat(2 ** 31),
    factor: fc.double({ min: 1, max: 1e300, noNaN: true }),
    maxMs: fc.nat(2 ** 31),
    jitter: fc.constantFrom("full", "none"),
  });
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  test("is a whole number from 0 to the longest pause for any policy, attempt and chance", () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 1_000_000 }), chance, (any, attempt, x) => {
        const pause = backoffMs(any, attempt, () => x);
        expect(Number.isInteger(pause)).toBe(true);
        expect(pause).toBeGreaterThanOrEqual(0);
        expect(pause).toBeLessThanOrEqual(any.maxMs);
      }),
      { examples: [[{ ...policy, initialMs: 0, factor: 2 }, 5000, 0.5]] },
    );
  });

  test("never shrinks from one attempt to the next without jitter", () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 5000 }), (any, attempt) => {
        const steady: RetryPolicy = { ...any, jitter: "none" };
        const now = backoffMs(steady, attempt, () => 0);
        expect(backoffMs(steady, attempt + 1, () => 0)).toBeGreaterThanOrEqual(now);
      }),
    );
  });
});
