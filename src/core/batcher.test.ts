import { describe, expect, test, vi } from "vitest";
import { createBatcher } from "./batcher.ts";

/** A flush that answers only when told to, and remembers what it was given. */
function gatedFlush() {
  const groups: (readonly string[])[] = [];
  const gates: { readonly open: () => void; readonly fail: (error: unknown) => void }[] = [];
  let most = 0;
  let running = 0;
  return {
    groups,
    gates,
    get mostAtOnce() {
      return most;
    },
    async flush(items: readonly string[]): Promise<readonly string[]> {
      groups.push(items);
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((open, fail) => {
        gates.push({ open, fail });
      }).finally(() => {
        running -= 1;
      });
      return items.map((item) => item.toUpperCase());
    },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const turns = async () => {
  for (let count = 0; count < 3; count += 1) await turn();
};

describe("grouping", () => {
  test("sends what is added in one turn as one group and answers each with its own result", async () => {
    const flush = vi.fn(async (items: readonly string[]) => items.map((item) => `${item}!`));
    const batcher = createBatcher({ maxItems: 100, flush });
    const results = await Promise.all(["a", "b", "c"].map((item) => batcher.add(item)));
    expect(results).toEqual(["a!", "b!", "c!"]);
    expect(flush.mock.calls).toEqual([[["a", "b", "c"]]]);
  });

  test("has one flush under way, in the order of adding; what comes meanwhile is the next group", async () => {
    const gated = gatedFlush();
    const batcher = createBatcher({ maxItems: 100, flush: gated.flush });
    const first = batcher.add("a");
    await turns();
    const rest = [batcher.add("b"), batcher.add("c")];
    await turns();
    expect(gated.groups).toEqual([["a"]]);
    gated.gates[0]?.open();
    expect(await first).toBe("A");
    await turns();
    expect(gated.groups).toEqual([["a"], ["b", "c"]]);
    gated.gates[1]?.open();
    expect(await Promise.all(rest)).toEqual(["B", "C"]);
    expect(gated.mostAtOnce).toBe(1);
  });

  test("shares out what waits among the flushes that may be under way, in the order of adding", async () => {
    const gated = gatedFlush();
    const batcher = createBatcher({ maxItems: 100, maxFlushes: 3, flush: gated.flush });
    const adding = ["a", "b", "c", "d", "e"].map((item) => batcher.add(item));
    await turns();
    expect(gated.groups).toEqual([["a", "b"], ["c", "d"], ["e"]]);
    for (const gate of gated.gates) gate.open();
    expect(await Promise.all(adding)).toEqual(["A", "B", "C", "D", "E"]);
  });

  test("has as many flushes under way as are asked for, each with what was added by then", async () => {
    const gated = gatedFlush();
    const batcher = createBatcher({ maxItems: 100, maxFlushes: 2, flush: gated.flush });
    const adding = [batcher.add("a")];
    await turns();
    adding.push(batcher.add("b"), batcher.add("c"));
    await turns();
    adding.push(batcher.add("d"));
    await turns();
    expect(gated.groups).toEqual([["a"], ["b", "c"]]);
    gated.gates[1]?.open();
    await turns();
    expect(gated.groups).toEqual([["a"], ["b", "c"], ["d"]]);
    for (const gate of gated.gates) gate.open();
    expect(await Promise.all(adding)).toEqual(["A", "B", "C", "D"]);
    expect(gated.mostAtOnce).toBe(2);
  });

  test("never makes a group larger than maxItems", async () => {
    const flush = vi.fn(async (items: readonly number[]) => items);
    const batcher = createBatcher({ maxItems: 3, flush });
    const items = [1, 2, 3, 4, 5, 6, 7];
    expect(await Promise.all(items.map((item) => batcher.add(item)))).toEqual(items);
    expect(flush.mock.calls.map(([group]) => group)).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
  });
});

describe("failure", () => {
  test("rejects every item of the group with the flush's error, and no other", async () => {
    const error = new Error("broker away");
    const flush = vi
      .fn<(items: readonly string[]) => Promise<readonly string[]>>()
      .mockRejectedValueOnce(error)
      .mockImplementation(async (items) => items);
    const batcher = createBatcher({ maxItems: 2, flush });
    const ended = await Promise.allSettled(["a", "b", "c"].map((item) => batcher.add(item)));
    expect(ended).toEqual([
      { status: "rejected", reason: error },
      { status: "rejected", reason: error },
      { status: "fulfilled", value: "c" },
    ]);
  });

  test("rejects the group also when the flush throws instead of rejecting", async () => {
    const batcher = createBatcher<string, string>({
      maxItems: 2,
      flush: () => {
        throw new Error("bug");
      },
    });
    await expect(batcher.add("a")).rejects.toThrow("bug");
    await expect(batcher.add("b")).rejects.toThrow("bug");
  });

  test("rejects with DRIVER_FAILED rather than invent results when the flush answers too few", async () => {
    const batcher = createBatcher<string, string>({ maxItems: 5, flush: async () => ["only one"] });
    const ended = await Promise.allSettled([batcher.add("a"), batcher.add("b")]);
    for (const end of ended) {
      expect(end).toMatchObject({ status: "rejected", reason: { code: "DRIVER_FAILED" } });
    }
  });
});

describe("overload", () => {
  test("rejects with OVERLOADED, retryable, beyond maxWaiting, and takes items again afterwards", async () => {
    const gated = gatedFlush();
    const batcher = createBatcher({ maxItems: 10, maxWaiting: 2, flush: gated.flush });
    const taken = [batcher.add("a"), batcher.add("b")];
    await expect(batcher.add("c")).rejects.toMatchObject({ code: "OVERLOADED", retryable: true });
    await turns();
    const later = batcher.add("d");
    gated.gates[0]?.open();
    expect(await Promise.all(taken)).toEqual(["A", "B"]);
    await turns();
    gated.gates[1]?.open();
    expect(await later).toBe("D");
  });
});
