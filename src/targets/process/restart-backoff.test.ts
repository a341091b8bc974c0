import { expect, test } from "vitest";
import { restartDelayMs } from "./restart-backoff.ts";

test("doubles the pause from 250 ms up to the longest", () => {
  const pauses = [1, 2, 3, 7, 8, 100].map((crashes) => restartDelayMs(crashes, 30_000));
  expect(pauses).toEqual([250, 500, 1000, 16_000, 30_000, 30_000]);
});
