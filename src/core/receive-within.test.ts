import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "./clock.ts";
import type { Delivery } from "./message.ts";
import { type ReceiveWithinOptions, receiveWithin } from "./receive-within.ts";

const delivery: Delivery = {
  id: "1",
  body: new Uint8Array(),
  headers: {},
  attempt: 1,
  priority: 0,
  publishedAt: null,
  readyAt: null,
  history: [],
  receipt: "1",
};

/** A queue of at most one message that counts what is asked of it. */
function createSource() {
  const source = {
    isReady: false,
    attempts: 0,
    watchers: new Set<() => void>(),
    /** Runs inside the next attempt, after it looked. */
    duringAttempt: (): void => undefined,
    ring(): void {
      for (const watcher of source.watchers) watcher();
    },
    async attempt(): Promise<readonly Delivery[]> {
      source.attempts += 1;
      const found = source.isReady ? [delivery] : [];
      source.isReady = false;
      source.duringAttempt();
      return found;
    },
    watch(onReady: () => void) {
      source.watchers.add(onReady);
      return () => source.watchers.delete(onReady);
    },
  };
  return source;
}

function start(
  source: ReturnType<typeof createSource>,
  options: Partial<ReceiveWithinOptions> = {},
): Promise<readonly Delivery[]> {
  const { attempt, watch } = source;
  return receiveWithin({ attempt, watch, waitMs: 1000, clock: systemClock, ...options });
}

/** Whether everything that a wait sets up is gone. */
function expectNothingLeft(source: ReturnType<typeof createSource>): void {
  expect(source.watchers.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("tries once and watches nothing when the wait is 0", async () => {
  const source = createSource();
  const watch = vi.fn(source.watch);
  expect(await start(source, { waitMs: 0, watch })).toEqual([]);
  expect(source.attempts).toBe(1);
  expect(watch).not.toHaveBeenCalled();
  expectNothingLeft(source);
});

test("takes what is there without a watch or a timer", async () => {
  const source = createSource();
  source.isReady = true;
  const watch = vi.fn(source.watch);
  expect(await start(source, { watch })).toEqual([delivery]);
  expect(watch).not.toHaveBeenCalled();
  expectNothingLeft(source);
});

test("takes what becomes ready during the wait", async () => {
  const source = createSource();
  const got = start(source);
  await vi.advanceTimersByTimeAsync(500);
  source.isReady = true;
  source.ring();
  expect(await got).toEqual([delivery]);
  expectNothingLeft(source);
});

test("goes on waiting when somebody else was faster", async () => {
  const source = createSource();
  const got = start(source);
  await vi.advanceTimersByTimeAsync(100);
  source.ring();
  await vi.advanceTimersByTimeAsync(100);
  source.isReady = true;
  source.ring();
  expect(await got).toEqual([delivery]);
});

test("remembers a call that comes while an attempt is under way", async () => {
  const source = createSource();
  let calls = 0;
  source.duringAttempt = () => {
    calls += 1;
    // After the watched attempt has looked and before it answers: the wake-up that is easily lost.
    if (calls !== 2) return;
    source.isReady = true;
    source.ring();
  };
  const got = start(source);
  await vi.advanceTimersByTimeAsync(0);
  expect(await got).toEqual([delivery]);
  expect(source.attempts).toBe(3);
});

test("notices what became ready between the first attempt and the watch", async () => {
  const source = createSource();
  source.duringAttempt = () => {
    source.isReady = source.attempts === 1;
  };
  const got = start(source);
  await vi.advanceTimersByTimeAsync(0);
  expect(await got).toEqual([delivery]);
});

test("gives up with nothing when the wait is over, and not before", async () => {
  const source = createSource();
  const ended = vi.fn();
  const got = start(source).finally(ended);
  await vi.advanceTimersByTimeAsync(999);
  expect(ended).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(await got).toEqual([]);
  expectNothingLeft(source);
});

test("counts the first attempt's time as waiting", async () => {
  const source = createSource();
  const attempt = vi.fn(async () => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    return source.attempt();
  });
  const ended = vi.fn();
  const got = start(source, { attempt }).finally(ended);
  await vi.advanceTimersByTimeAsync(1000);
  await got;
  expect(ended).toHaveBeenCalled();
});

test.each(["signal", "closing"] as const)("ends with nothing when %s aborts", async (name) => {
  const source = createSource();
  const end = new AbortController();
  const got = start(source, { [name]: end.signal });
  await vi.advanceTimersByTimeAsync(10);
  end.abort();
  expect(await got).toEqual([]);
  expectNothingLeft(source);
});

test.each(["signal", "closing"] as const)("attempts nothing when %s is aborted", async (name) => {
  const source = createSource();
  source.isReady = true;
  expect(await start(source, { [name]: AbortSignal.abort() })).toEqual([]);
  expect(source.attempts).toBe(0);
});

test("watches nothing when a signal aborts during the first attempt", async () => {
  const source = createSource();
  const end = new AbortController();
  source.duringAttempt = () => end.abort();
  const watch = vi.fn(source.watch);
  expect(await start(source, { signal: end.signal, watch })).toEqual([]);
  expect(watch).not.toHaveBeenCalled();
});

test("hands out what was leased although the signal aborts meanwhile", async () => {
  const source = createSource();
  const end = new AbortController();
  source.isReady = true;
  source.duringAttempt = () => end.abort();
  expect(await start(source, { signal: end.signal })).toEqual([delivery]);
});

test("rejects as the attempt does and leaves nothing behind", async () => {
  const source = createSource();
  const attempt = vi.fn(source.attempt);
  attempt.mockResolvedValueOnce([]).mockRejectedValueOnce(new Error("disk full"));
  await expect(start(source, { attempt })).rejects.toThrow("disk full");
  expectNothingLeft(source);
});

test("lets one signal end any number of waits without a warning of a leak", async () => {
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  const source = createSource();
  const end = new AbortController();
  const waits = Array.from({ length: 30 }, () => start(source, { signal: end.signal }));
  await vi.advanceTimersByTimeAsync(0);
  end.abort();
  expect((await Promise.all(waits)).flat()).toEqual([]);
  expect(warned).not.toHaveBeenCalled();
  warned.mockRestore();
});
