import { setMaxListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSlots } from "./slots.ts";

const never = new AbortController().signal;
setMaxListeners(0, never); // one for each that waits, as in a worker
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What a take resolved with, once it has; null before. */
function watched(take: Promise<number>) {
  const state = { taken: null as number | null };
  void take.then((taken) => {
    state.taken = taken;
  });
  return state;
}

describe("take", () => {
  test("takes as many as are wanted and free", async () => {
    const slots = createSlots(5);
    expect(await slots.take(2, never)).toBe(2);
    expect(await slots.take(Number.POSITIVE_INFINITY, never)).toBe(3);
    expect(slots.used).toBe(5);
  });

  test("waits while all are taken", async () => {
    const slots = createSlots(1);
    await slots.take(1, never);
    const waiting = watched(slots.take(1, never));
    await turn();
    expect(waiting.taken).toBeNull();
    slots.give(1);
    await turn();
    expect(waiting.taken).toBe(1);
    expect(slots.used).toBe(1);
  });

  test("serves those who wait in the order in which they came", async () => {
    const slots = createSlots(1);
    await slots.take(1, never);
    const served: string[] = [];
    for (const name of ["a", "b", "c"])
      void slots.take(1, never).then(() => {
        served.push(name);
        slots.give(1);
      });
    slots.give(1);
    for (let turns = 0; turns < 3; turns += 1) await turn();
    expect(served).toEqual(["a", "b", "c"]);
  });

  test("gives one who waits all slots that come free in the same turn", async () => {
    const slots = createSlots(3);
    await slots.take(3, never);
    const waiting = watched(slots.take(3, never));
    for (let freed = 0; freed < 3; freed += 1) slots.give(1);
    await turn();
    expect(waiting.taken).toBe(3);
  });

  test("lets nobody overtake one who waits, not even in the moment of giving", async () => {
    const slots = createSlots(1);
    await slots.take(1, never);
    const first = watched(slots.take(1, never));
    slots.give(1);
    const second = watched(slots.take(1, never));
    await turn();
    expect([first.taken, second.taken]).toEqual([1, null]);
  });

  test("serves as many waiters as slots were given", async () => {
    const slots = createSlots(3);
    await slots.take(3, never);
    const waiting = [1, 2, 3].map(() => watched(slots.take(1, never)));
    slots.give(3);
    await turn();
    expect(waiting.map(({ taken }) => taken)).toEqual([1, 1, 1]);
  });
});

describe("abort", () => {
  test("ends every wait with nothing taken, and lets nobody take afterwards", async () => {
    const slots = createSlots(1);
    const abort = new AbortController();
    await slots.take(1, abort.signal);
    const waiting = [slots.take(1, abort.signal), slots.take(1, abort.signal)];
    abort.abort();
    expect(await Promise.all(waiting)).toEqual([0, 0]);
    slots.give(1);
    expect(await slots.take(1, abort.signal)).toBe(0);
    expect(slots.used).toBe(0);
  });

  test("of one wait leaves the slot to the next", async () => {
    const slots = createSlots(1);
    const abort = new AbortController();
    await slots.take(1, never);
    const first = slots.take(1, abort.signal);
    const second = watched(slots.take(1, never));
    abort.abort();
    expect(await first).toBe(0);
    slots.give(1);
    await turn();
    expect(second.taken).toBe(1);
  });
});

describe("any sequence of takes and gives", () => {
  test("never has more slots taken than there are and leaves nobody waiting in front of free ones", async () => {
    const step = fc.record({ most: fc.integer({ min: 1, max: 4 }), give: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(step), async (total, steps) => {
        const slots = createSlots(total);
        let held = 0;
        let waiting = 0;
        for (const { most, give } of steps) {
          waiting += 1;
          void slots.take(most, never).then((taken) => {
            waiting -= 1;
            held += taken;
          });
          await turn();
          const given = Math.min(give, held);
          held -= given;
          slots.give(given);
          await turn();
          expect(slots.used).toBe(held);
          expect(held).toBeLessThanOrEqual(total);
          expect(waiting > 0 && held < total).toBe(false);
        }
      }),
      { numRuns: 50 },
    );
  });
});
