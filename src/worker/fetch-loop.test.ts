import { describe, expect, test, vi } from "vitest";
import { createVirtualClock } from "../../test/support/memory-bed.ts";
import { recordingLogger } from "../../test/support/recording-logger.ts";
import { delivery, stubDriver } from "../../test/support/stub-driver.ts";
import type { Delivery, Driver, ReceiveRequest } from "../core/index.ts";
import { type FetchLoopOptions, runFetchLoop } from "./fetch-loop.ts";
import { createSlots } from "./slots.ts";

const some = (count: number) =>
  Array.from({ length: count }, (_, index) => delivery({ id: `m${index}`, receipt: `r${index}` }));

/** A loop over a scripted broker: each receive takes the next answer, then there is nothing. */
function fetching(answers: (() => Promise<readonly Delivery[]>)[], more: Partial<Driver> = {}) {
  const clock = createVirtualClock();
  const log = recordingLogger();
  const abort = new AbortController();
  const slots = createSlots(4);
  const got: Delivery[] = [];
  const released: Delivery[] = [];
  const wakers: (() => void)[] = [];
  const unwatch = vi.fn();
  const watch = (_queue: string, onReady: () => void) => {
    wakers.push(onReady);
    return unwatch;
  };
  const receive = vi.fn(async (_queue: string, _request: ReceiveRequest) => {
    const answer = answers.shift();
    return answer === undefined ? [] : answer();
  });
  const options: FetchLoopOptions = {
    queue: "mail",
    driver: stubDriver({ receive, watch, ...more }),
    slots,
    isAlone: true,
    leaseMs: 30_000,
    stallMs: 60_000,
    clock,
    logger: log,
    random: () => 0.999,
    signal: abort.signal,
    onDelivery: (taken) => got.push(taken),
    onProgress: vi.fn(),
    onTrouble: vi.fn(),
    release: (taken) => released.push(taken),
  };
  return { options, clock, log, abort, slots, got, released, wakers, unwatch, receive };
}

describe("asking", () => {
  test("is for as many as can start now, with the lease of the worker", async () => {
    const { options, clock, receive, abort, slots, got } = fetching([async () => some(3)]);
    const loop = runFetchLoop(options);
    await clock.advance(0);
    expect(receive.mock.calls.map(([, { max }]) => max)).toEqual([4, 1]);
    expect(receive.mock.calls[0]?.[1]).toMatchObject({ waitMs: 0, leaseMs: 30_000 });
    expect(got).toHaveLength(3);
    expect(slots.used).toBe(3);
    abort.abort();
    await loop;
  });

  test("stops while every slot is taken and goes on when one is given", async () => {
    const { options, clock, receive, abort, slots } = fetching([async () => some(4)]);
    const loop = runFetchLoop(options);
    await clock.advance(120_000);
    expect(receive).toHaveBeenCalledTimes(1);
    slots.give(2);
    await clock.advance(0);
    expect(receive.mock.calls.map(([, { max }]) => max)).toEqual([4, 2]);
    abort.abort();
    await loop;
  });

  test("tells when the lease began at the earliest", async () => {
    const { options, clock, abort } = fetching([async () => some(1)]);
    const onDelivery = vi.fn();
    const asked = clock.now();
    const loop = runFetchLoop({ ...options, onDelivery });
    await clock.advance(5);
    expect(onDelivery.mock.calls[0]?.[1]).toBe(asked);
    abort.abort();
    await loop;
  });
});

describe("waiting where the driver wakes us", () => {
  test("lasts until the driver calls, without holding a slot", async () => {
    const { options, clock, receive, abort, slots, wakers } = fetching([]);
    const loop = runFetchLoop(options);
    await clock.advance(29_000);
    expect(receive).toHaveBeenCalledTimes(1);
    expect(slots.used).toBe(0);
    wakers[0]?.();
    await clock.advance(0);
    expect(receive).toHaveBeenCalledTimes(2);
    abort.abort();
    await loop;
  });

  test("does not miss a call that comes while a receive is under way", async () => {
    const { options, clock, receive, abort, wakers } = fetching([
      async () => {
        wakers[0]?.();
        return [];
      },
    ]);
    const loop = runFetchLoop(options);
    await clock.advance(0);
    expect(receive).toHaveBeenCalledTimes(2);
    abort.abort();
    await loop;
  });

  test("looks by itself every thirty seconds, for hours, without piling up listeners", async () => {
    const { options, clock, receive, abort } = fetching([]);
    const added = vi.spyOn(abort.signal, "addEventListener");
    const removed = vi.spyOn(abort.signal, "removeEventListener");
    const loop = runFetchLoop(options);
    await clock.advance(600_000);
    expect(receive).toHaveBeenCalledTimes(21);
    expect(added.mock.calls.length - removed.mock.calls.length).toBeLessThanOrEqual(1);
    abort.abort();
    await loop;
    expect(clock.armedTimers).toBe(0);
  });

  test("ends with the signal, and the driver is not watched any longer", async () => {
    const { options, clock, abort, unwatch, slots } = fetching([]);
    const loop = runFetchLoop(options);
    await clock.advance(0);
    expect(unwatch).not.toHaveBeenCalled();
    abort.abort();
    await loop;
    expect(unwatch).toHaveBeenCalledTimes(1);
    expect(slots.used).toBe(0);
    expect(clock.armedTimers).toBe(0);
  });
});

describe("waiting where the driver cannot wake us", () => {
  /** The same loop over a driver without `watch`. */
  function polling(isAlone: boolean) {
    const all = fetching([]);
    const { watch: _, ...driver } = all.options.driver;
    return { ...all, options: { ...all.options, driver, isAlone } };
  }

  test("is left to the broker when no other queue needs the slots", async () => {
    const { options, clock, receive, abort } = polling(true);
    receive.mockImplementation(
      (_queue, { signal }) =>
        new Promise((resolve) => {
          signal?.addEventListener("abort", () => resolve([]));
        }),
    );
    const loop = runFetchLoop(options);
    await clock.advance(0);
    expect(receive.mock.calls[0]?.[1]).toMatchObject({ waitMs: 10_000 });
    abort.abort();
    await loop;
  });

  test("is asleep, with the slots free for the other queues, when there are others", async () => {
    const { options, clock, receive, abort, slots } = polling(false);
    const loop = runFetchLoop(options);
    await clock.advance(0);
    expect(receive.mock.calls[0]?.[1]).toMatchObject({ waitMs: 0 });
    expect(slots.used).toBe(0);
    await clock.advance(10_000);
    expect(receive).toHaveBeenCalledTimes(11);
    abort.abort();
    await loop;
  });

  test("is asleep as well when the broker does not wait although it was asked to", async () => {
    const { options, clock, receive, abort } = polling(true);
    const loop = runFetchLoop(options);
    await clock.advance(10_000);
    expect(receive).toHaveBeenCalledTimes(11);
    abort.abort();
    await loop;
  });

  test("does not count the wait as part of the lease", async () => {
    const { options, clock, receive, abort } = polling(true);
    receive.mockImplementationOnce(
      () =>
        new Promise((resolve) => {
          clock.after(9000, () => resolve(some(1)));
        }),
    );
    receive.mockImplementation(() => new Promise(() => undefined));
    const onDelivery = vi.fn();
    const asked = clock.now();
    const loop = runFetchLoop({ ...options, onDelivery });
    await clock.advance(9000);
    expect(onDelivery.mock.calls[0]?.[1]).toBe(asked + 9000);
    abort.abort();
    await clock.advance(5000);
    await loop;
  });
});
