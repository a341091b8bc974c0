import { expect, test } from "vitest";
import { createVirtualClock } from "../../src/testing/index.ts";
import { createLanes, within } from "../../src/triggers/lanes.ts";

const never = new AbortController().signal;

/** Work that ends when told, and tells how many run. */
function works() {
  const ends: (() => void)[] = [];
  const order: number[] = [];
  return {
    order,
    running: () => ends.length,
    end: () => ends.shift()?.(),
    start: (number: number) => () =>
      new Promise<number>((resolve) => {
        order.push(number);
        ends.push(() => resolve(number));
      }),
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("lets so many run at once, and the others in the order in which they came", async () => {
  const lanes = createLanes(2);
  const { start, end, order, running } = works();
  const all = [1, 2, 3, 4].map((number) => lanes.pass(never, start(number)));
  await turn();
  expect([order, running()]).toEqual([[1, 2], 2]);
  end();
  await turn();
  expect(order).toEqual([1, 2, 3]);
  for (const _ of [1, 2, 3]) {
    end();
    await turn();
  }
  expect(await Promise.all(all)).toEqual([1, 2, 3, 4]);
});

test("frees the lane of work that fails, and of whoever gives up waiting", async () => {
  const lanes = createLanes(1);
  const { start, end } = works();
  const first = lanes.pass(never, start(1));
  const controller = new AbortController();
  const impatient = lanes.pass(controller.signal, start(2));
  const failing = lanes.pass(never, async () => {
    throw new Error("failed");
  });
  const last = lanes.pass(never, async () => "done");
  controller.abort(new Error("too long"));
  await expect(impatient).rejects.toThrow("too long");
  await turn();
  end();
  await expect(first).resolves.toBe(1);
  await expect(failing).rejects.toThrow("failed");
  await expect(last).resolves.toBe("done");
});

test("a limit ends work in time, and leaves no timer behind when it ends before", async () => {
  const clock = createVirtualClock();
  const limit = { clock, ms: 3000 };
  expect(await within(limit, async () => "soon")).toBe("soon");
  expect(clock.armedTimers).toBe(0);
  let reason: unknown;
  const late = within(limit, (signal) => {
    signal.addEventListener("abort", () => {
      reason = signal.reason;
    });
    return new Promise(() => undefined);
  });
  const failed = expect(late).rejects.toMatchObject({ kind: "no time" });
  await clock.advance(3000);
  await failed;
  expect(String(reason)).toContain("no answer within 3.0s");
});
