import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createVirtualClock } from "../../test/support/memory-bed.ts";
import { sleep, systemClock } from "./clock.ts";

const dayMs = 86_400_000;

describe("systemClock", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("runs a callback once, when its time has come", () => {
    const callback = vi.fn();
    systemClock.after(1000, callback);
    vi.advanceTimersByTime(999);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(100_000);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test("waits longer than the 24.8 days of one Node timer", () => {
    const callback = vi.fn();
    systemClock.after(60 * dayMs, callback);
    vi.advanceTimersByTime(60 * dayMs - 1);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test("cancels a long timer in its second stretch", () => {
    const callback = vi.fn();
    const cancel = systemClock.after(60 * dayMs, callback);
    vi.advanceTimersByTime(40 * dayMs);
    cancel();
    cancel();
    vi.advanceTimersByTime(40 * dayMs);
    expect(callback).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("never calls back within the call that arms, not even for a time in the past", () => {
    const callback = vi.fn();
    systemClock.after(-5, callback);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test("tells the machine's time", () => {
    vi.setSystemTime(1_234_567);
    expect(systemClock.now()).toBe(1_234_567);
  });
});

describe("sleep", () => {
  test("resolves when the time is over and not before", async () => {
    const clock = createVirtualClock();
    const woken = vi.fn();
    const slept = sleep(clock, 1000).then(woken);
    await clock.advance(999);
    expect(woken).not.toHaveBeenCalled();
    await clock.advance(1);
    await slept;
    expect(woken).toHaveBeenCalledTimes(1);
  });

  test("rejects with ABORTED and the signal's reason as soon as the signal aborts", async () => {
    const clock = createVirtualClock();
    const abort = new AbortController();
    const slept = sleep(clock, 1000, abort.signal);
    abort.abort("enough");
    await expect(slept).rejects.toMatchObject({ code: "ABORTED", cause: "enough" });
    expect(clock.armedTimers).toBe(0);
  });

  test("rejects at once and arms nothing when the signal has aborted before", async () => {
    const clock = createVirtualClock();
    await expect(sleep(clock, 1000, AbortSignal.abort())).rejects.toMatchObject({
      code: "ABORTED",
    });
    expect(clock.armedTimers).toBe(0);
  });

  test("leaves no listener on a signal that outlives it", async () => {
    const clock = createVirtualClock();
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    const slept = sleep(clock, 5, signal);
    await clock.advance(5);
    await slept;
    expect(removed.mock.calls[0]?.[1]).toBe(added.mock.calls[0]?.[1]);
  });
});
