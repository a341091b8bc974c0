import { expect, test } from "vitest";
import { type Recommendation, remember, stabilize } from "./stabilization.ts";

/** `replicas@seconds ago`, oldest first. */
function recommendations(now: number, ...entries: readonly (readonly [number, number])[]) {
  return entries.map(([replicas, ago]) => ({ at: now - ago * 1000, replicas }));
}

function stabilized(
  row: { current: number; desired: number; downSeconds: number },
  earlier: readonly Recommendation[],
): number {
  const windowMs = row.downSeconds * 1000;
  const all = [...earlier, { at: now, replicas: row.desired }];
  const window = all.reduce<readonly Recommendation[]>(
    (list, one) => remember(list, one, windowMs),
    [],
  );
  return stabilize(row.current, row.desired, window);
}

const now = 1_000_000;

/** The scale-in rows of Kubernetes' own test of stabilisation with `behavior`. */
const rows = [
  { current: 100, desired: 5, earlier: [], downSeconds: 0, expected: 5 },
  {
    current: 100,
    desired: 3,
    earlier: [
      [4, 120],
      [5, 60],
    ],
    downSeconds: 180,
    expected: 5,
  },
  {
    current: 1,
    desired: 3,
    earlier: [
      [4, 120],
      [5, 60],
    ],
    downSeconds: 300,
    expected: 3,
  },
  {
    current: 100,
    desired: 3,
    earlier: [
      [10, 600],
      [9, 540],
    ],
    downSeconds: 0,
    expected: 3,
  },
  {
    current: 1,
    desired: 100,
    earlier: [
      [10, 600],
      [9, 540],
    ],
    downSeconds: 0,
    expected: 100,
  },
  {
    current: 100,
    desired: 3,
    earlier: [
      [10, 600],
      [9, 540],
      [5, 120],
      [4, 60],
    ],
    downSeconds: 180,
    expected: 5,
  },
] as const;

test.each(rows)(
  "agrees with the HPA: $current to $desired over $downSeconds s is $expected",
  (row) => {
    expect(stabilized(row, recommendations(now, ...row.earlier))).toBe(row.expected);
  },
);

test("holds or lowers the count, and never raises it above the present one", () => {
  expect(stabilize(4, 1, [{ at: 0, replicas: 9 }])).toBe(4);
});

test("keeps only what can still be the highest, so that a high rate does not fill memory", () => {
  let window: readonly Recommendation[] = [];
  for (let at = 0; at < 10_000; at += 1)
    window = remember(window, { at, replicas: at % 10 }, 300_000);
  expect(window.length).toBeLessThanOrEqual(10);
  expect(window[0]?.replicas).toBe(9);
});

test("forgets recommendations from the future when the clock was set back", () => {
  const window = remember([{ at: 3_600_000, replicas: 9 }], { at: 0, replicas: 1 }, 3000);
  expect(window).toEqual([{ at: 0, replicas: 1 }]);
});
