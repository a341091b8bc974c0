import { expect, test } from "vitest";
import { type LagRules, type PartitionOffsets, sumLag } from "./lag.ts";

const rules: LagRules = {
  lagThreshold: 10,
  offsetResetPolicy: "latest",
  allowIdleConsumers: false,
  excludePersistentLag: false,
  scaleToZeroOnInvalidOffset: false,
  limitToPartitionsWithLag: false,
  ensureEvenDistributionOfPartitions: false,
};

const partitions = (...offsets: readonly (readonly [number, number])[]) =>
  offsets.map(
    ([committed, end], index): PartitionOffsets => ({ name: `t/${index}`, committed, end }),
  );
const lag = (offsets: readonly PartitionOffsets[], more: Partial<LagRules> = {}) =>
  sumLag(offsets, { ...rules, ...more }, new Map());

test.each<[string, readonly PartitionOffsets[], Partial<LagRules>, number, number]>([
  ["sums up", partitions([3, 10], [0, 5]), {}, 12, 12],
  ["asks for no more than its partitions", partitions([0, 500], [0, 1]), {}, 20, 501],
  ["may ask for more", partitions([0, 500]), { allowIdleConsumers: true }, 500, 500],
  [
    "asks for no more than partitions with lag",
    partitions([0, 500], [7, 7]),
    { limitToPartitionsWithLag: true },
    10,
    500,
  ],
  ["counts 1 without a commit", partitions([-1, 500], [-1, 3]), {}, 2, 2],
  ["counts all without a commit", partitions([-1, 8]), { offsetResetPolicy: "earliest" }, 8, 8],
  ["counts 0 without one", partitions([-1, 8]), { scaleToZeroOnInvalidOffset: true }, 0, 0],
  [
    "counts 0 without one, earliest too",
    partitions([-1, 8]),
    { scaleToZeroOnInvalidOffset: true, offsetResetPolicy: "earliest" },
    0,
    0,
  ],
  ["is 0 without partitions", [], {}, 0, 0],
])("%s", (_, offsets, more, value, withPersistent) => {
  expect(lag(offsets, more)).toMatchObject({ value, withPersistent });
});

test.each([
  [0, 1],
  [10, 1],
  [11, 2],
  [25, 3],
  [31, 6],
  [999, 6],
])("with a lag of %d, %d consumers share six partitions evenly", (total, consumers) => {
  const idle = Array.from({ length: 5 }, (): [number, number] => [0, 0]);
  const { value } = lag(partitions([0, total], ...idle), {
    ensureEvenDistributionOfPartitions: true,
  });
  expect(value).toBe(consumers * 10);
});

test("lag that does not move counts for activity alone", () => {
  const before = new Map<string, number>();
  const read = (committed: number) =>
    sumLag(partitions([committed, 9]), { ...rules, excludePersistentLag: true }, before);
  expect(read(4)).toMatchObject({ value: 5, withPersistent: 5 });
  expect(read(4)).toMatchObject({ value: 0, withPersistent: 5 });
  expect(read(5)).toMatchObject({ value: 4, withPersistent: 4 });
});

test.each<[Partial<LagRules>, number | null]>([
  [{}, 3],
  [{ allowIdleConsumers: true }, null],
  [{ limitToPartitionsWithLag: true }, 2],
  [{ allowIdleConsumers: true, ensureEvenDistributionOfPartitions: true }, 3],
])(
  "with %j tells how many consumers can be active, and the lag behind the bounded value",
  (more, groups) => {
    const told = lag(partitions([0, 500], [7, 7], [0, 1]), more);
    expect(told).toMatchObject({ messages: 501, activeGroups: groups });
  },
);
