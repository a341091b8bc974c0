import fc from "fast-check";
import { expect, test } from "vitest";
import { type HeapItem, IndexedHeap } from "./indexed-heap.ts";

interface Entry extends HeapItem {
  readonly key: number;
}

const byKey = (a: Entry, b: Entry): number => a.key - b.key;
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ add: fc.nat({ max: 1000 }) }) },
  { weight: 1, arbitrary: fc.constant("shift" as const) },
  { weight: 1, arbitrary: fc.record({ remove: fc.nat() }) },
);

test("keeps its order through additions and removals from anywhere", () => {
  const property = fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
    const heap = new IndexedHeap<Entry>((a, b) => a.key < b.key);
    let entries: readonly Entry[] = [];
    for (const one of steps) {
      if (one === "shift") {
        expect(heap.shift()?.key).toBe(entries[0]?.key);
        entries = entries.slice(1);
      } else if ("add" in one) {
        // Keys of their own, so that it is certain which of two comes first.
        const entry = { key: one.add + entries.length / 1000, heapIndex: 0 };
        if (entries.some(({ key }) => key === entry.key)) continue;
        heap.add(entry);
        entries = [...entries, entry].sort(byKey);
      } else if (entries.length > 0) {
        const entry = entries[one.remove % entries.length] as Entry;
        heap.remove(entry);
        entries = entries.filter((other) => other !== entry);
      }
      expect(heap.size).toBe(entries.length);
      expect(heap.first).toBe(entries[0]);
    }
    const early = [...heap.fulfilling(({ key }) => key < 300)].sort(byKey);
    expect(early).toEqual(entries.filter(({ key }) => key < 300));
    expect(heap.firstOf(5)).toEqual(entries.slice(0, 5));
    expect(heap.firstOf(1000)).toEqual(entries);
    expect(heap.size).toBe(entries.length);
  });
  fc.assert(property, { numRuns: 200, seed: 1 });
});

test("gives up everything when it is cleared, and can be used again", () => {
  const heap = new IndexedHeap<Entry>((a, b) => a.key < b.key);
  const entries = [3, 1, 2].map((key) => ({ key, heapIndex: 0 }));
  for (const entry of entries) heap.add(entry);
  expect([...heap.clear()].sort(byKey)).toEqual(entries.toSorted(byKey));
  expect(heap.size).toBe(0);
  for (const entry of entries) heap.add(entry);
  expect(heap.firstOf(3).map(({ key }) => key)).toEqual([1, 2, 3]);
});
