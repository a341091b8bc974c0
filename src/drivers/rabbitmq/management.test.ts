import { expect, test } from "vitest";
import { estimateAge, type PublishSample } from "./management.ts";

/** Totals of what was published, every five seconds, the latest last. */
function history(...totals: readonly number[]): readonly PublishSample[] {
  return totals.map((sample, index) => ({ sample, timestamp: 1000 * 5 * index })).toReversed();
}

test.each([
  ["nothing waits", 0, [1, 5, 9], 0],
  ["as many wait as came in the last step", 4, [0, 1, 5, 9], 5000],
  ["some of what came earlier waits too", 5, [0, 1, 5, 9], 10_000],
  [
    "steady flow: the age does not grow with the time that something has waited",
    3,
    [0, 3, 6, 9],
    5000,
  ],
  ["they are older than the history", 20, [12, 13, 13, 13], 15_000],
  ["there is no history", 3, [7], 0],
] as const)("estimates the oldest age when %s", (_case, ready, totals, ms) => {
  expect(estimateAge(ready, history(...totals))).toBe(ms);
});
