import { expect, test } from "vitest";
import { createBatcher, sleep } from "../core/index.ts";
import { createVirtualClock } from "./virtual-clock.ts";

test("stands still until it is advanced", async () => {
  const clock = createVirtualClock(1000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(clock.now()).toBe(1000);
  await clock.advance(250);
  expect(clock.now()).toBe(1250);
});

test("runs due timers in the order of their times, each at its own time", async () => {
  const clock = createVirtualClock(0);
  const ran: [string, number][] = [];
  clock.after(30, () => ran.push(["c", clock.now()]));
  clock.after(10, () => ran.push(["a", clock.now()]));
  clock.after(20, () => ran.push(["b", clock.now()]));
  clock.after(31, () => ran.push(["late", clock.now()]));
  await clock.advance(30);
  expect(ran).toEqual([
    ["a", 10],
    ["b", 20],
    ["c", 30],
  ]);
  expect(clock.armedTimers).toBe(1);
});

test("runs timers of one time in the order in which they were armed", async () => {
  const clock = createVirtualClock(0);
  const ran: string[] = [];
  for (const name of ["a", "b", "c"]) clock.after(10, () => ran.push(name));
  clock.after(5, () => clock.after(5, () => ran.push("d")));
  await clock.advance(10);
  expect(ran).toEqual(["a", "b", "c", "d"]);
});

test("runs a timer that a due timer arms when it comes due too", async () => {
  const clock = createVirtualClock(0);
  const times: number[] = [];
  const tick = (): void => {
    times.push(clock.now());
    clock.after(10, tick);
  };
  clock.after(10, tick);
  await clock.advance(35);
  expect(times).toEqual([10, 20, 30]);
});

test("lets what a timer set going settle before the next timer runs", async () => {
  const clock = createVirtualClock(0);
  const events: string[] = [];
  const batcher = createBatcher<string, string>({
    maxItems: 10,
    flush: async (items) => items,
  });
  async function chain(name: string): Promise<void> {
    await sleep(clock, 10);
    await batcher.add(`${name}1`);
    events.push(await batcher.add(`${name}2`));
  }
  const chains = [chain("a"), sleep(clock, 1).then(() => chain("b"))];
  await clock.advance(11);
  await Promise.all(chains);
  expect(events).toEqual(["a2", "b2"]);
  expect(clock.now()).toBe(11);
});

test("sees timers that were armed by work under way when advance was called", async () => {
  const clock = createVirtualClock(0);
  let ran = false;
  const work = (async () => {
    await new Promise((resolve) => setImmediate(resolve));
    await sleep(clock, 10);
    ran = true;
  })();
  await clock.advance(10);
  expect(ran).toBe(true);
  await work;
});

test("does not run a timer that was cancelled, also by another timer of the same time", async () => {
  const clock = createVirtualClock(0);
  const ran: string[] = [];
  let cancelSecond = (): void => undefined;
  clock.after(10, () => {
    ran.push("first");
    cancelSecond();
  });
  cancelSecond = clock.after(10, () => ran.push("second"));
  const cancel = clock.after(10, () => ran.push("third"));
  cancel();
  cancel();
  await clock.advance(10);
  expect(ran).toEqual(["first"]);
  expect(clock.armedTimers).toBe(0);
});

test("runs overlapping advances one after the other", async () => {
  const clock = createVirtualClock(0);
  const times: number[] = [];
  clock.after(5, () => times.push(clock.now()));
  clock.after(15, () => times.push(clock.now()));
  await Promise.all([clock.advance(10), clock.advance(10)]);
  expect(times).toEqual([5, 15]);
  expect(clock.now()).toBe(20);
});

test("rejects with the error of a timer and can be advanced again", async () => {
  const clock = createVirtualClock(0);
  clock.after(5, () => {
    throw new Error("boom");
  });
  await expect(clock.advance(10)).rejects.toThrow("boom");
  await clock.advance(10);
  expect(clock.now()).toBe(15);
});
