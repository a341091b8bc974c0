import { expect, test } from "vitest";
import { toPeriodMs } from "./period.ts";

test("takes a number for seconds, as KEDA does, and a text for what its unit says", () => {
  expect(toPeriodMs(30, "cooldownPeriod")).toBe(30_000);
  expect(toPeriodMs(0.25, "pollingInterval")).toBe(250);
  expect(toPeriodMs("10s", "cooldownPeriod")).toBe(10_000);
  expect(toPeriodMs("500ms", "pollingInterval")).toBe(500);
});

test("refuses what is not a period and names the option", () => {
  for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY, "10", "", "ten"]) {
    expect(() => toPeriodMs(bad, "cooldownPeriod")).toThrow(
      expect.objectContaining({
        code: "DURATION_INVALID",
        message: expect.stringContaining("cooldownPeriod"),
      }),
    );
  }
});
