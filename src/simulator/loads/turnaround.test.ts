import { expect, test } from "vitest";
import { medianPause, pausesAfter } from "./turnaround.ts";

const attempt = (readyAt: number, startedAt: number, endedAt: number, of = 1) => ({
  ...{ attempt: of, readyAt, startedAt, endedAt },
});

test("a slot's pause is from one job's end to the next one's start, where that waited", () => {
  const one = [attempt(0, 10, 20), attempt(0, 23, 30), attempt(50, 60, 70)];
  expect(pausesAfter(one)).toEqual([3, null, null]);
});

test("of several slots the one that was free for longest begins the next", () => {
  const two = [
    ...[attempt(0, 0, 100), attempt(0, 0, 40), attempt(0, 45, 110)],
    ...[attempt(0, 107, 200), attempt(0, 111, 150)],
  ];
  expect(pausesAfter(two)).toEqual([7, 5, 1, null, null]);
  expect(medianPause(pausesAfter(two))).toBe(5);
});

test("a retry tells nothing, since it may have waited for its backoff", () => {
  expect(pausesAfter([attempt(0, 0, 10), attempt(0, 500, 510, 2)])).toEqual([null, null]);
  expect(medianPause([null, null])).toBe(0);
});
