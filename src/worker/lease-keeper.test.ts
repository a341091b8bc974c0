import { describe, expect, test, vi } from "vitest";
import { createVirtualClock } from "../../test/support/memory-bed.ts";
import { recordingLogger } from "../../test/support/recording-logger.ts";
import { stubDriver } from "../../test/support/stub-driver.ts";
import type { Driver } from "../core/index.ts";
import { createLeaseKeeper } from "./lease-keeper.ts";

const leaseMs = 30_000;
const extendAll = async (_queue: string, receipts: readonly string[]) => receipts.map(() => true);

/** A keeper over a driver that extends as told, on a clock that the test moves. */
function keeping(answer: NonNullable<Driver["extend"]> = extendAll) {
  const clock = createVirtualClock();
  const log = recordingLogger();
  const extend = vi.fn(answer);
  const onProgress = vi.fn();
  const driver = stubDriver({ extend });
  const keeper = createLeaseKeeper({ driver, leaseMs, clock, logger: log, onProgress });
  const lost: string[] = [];
  const keep = (receipt: string, { queue = "mail", leasedAt = clock.now() } = {}) =>
    keeper.keep({ queue, receipt, leasedAt }, () => lost.push(receipt));
  return { clock, log, extend, onProgress, keeper, lost, keep };
}

describe("renewing", () => {
  test("happens at every third of a lease, for as long as the job runs", async () => {
    const { clock, extend, keep, lost } = keeping();
    const letGo = keep("r1");
    await clock.advance(9999);
    expect(extend).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(extend.mock.calls).toEqual([["mail", ["r1"], leaseMs]]);
    await clock.advance(10 * leaseMs);
    expect(extend).toHaveBeenCalledTimes(31);
    letGo();
    await clock.advance(10 * leaseMs);
    expect(extend).toHaveBeenCalledTimes(31);
    expect(lost).toEqual([]);
  });

  test("takes one call for each queue", async () => {
    const { clock, extend, keep } = keeping();
    keep("m1");
    keep("o1", { queue: "orders" });
    keep("m2");
    await clock.advance(10_000);
    expect(extend.mock.calls).toEqual([
      ["mail", ["m1", "m2"], leaseMs],
      ["orders", ["o1"], leaseMs],
    ]);
  });

  test("leaves out a lease that has only begun, and comes before half of it is over", async () => {
    const { clock, extend, keep } = keeping();
    keep("old");
    await clock.advance(6000);
    keep("new");
    await clock.advance(4000);
    expect(extend.mock.calls.map(([, receipts]) => receipts)).toEqual([["old"]]);
    await clock.advance(10_000);
    expect(extend.mock.calls.at(-1)?.[1]).toEqual(["old", "new"]);
  });

  test("does not wait for its turn with a lease that took long to arrive", async () => {
    const { clock, extend, keep, lost } = keeping();
    keep("first");
    await clock.advance(1000);
    keep("late", { leasedAt: clock.now() - 25_000 });
    await clock.advance(0);
    expect(extend.mock.calls.at(-1)?.[1]).toEqual(["late"]);
    await clock.advance(2 * leaseMs);
    expect(lost).toEqual([]);
  });

  test("counts as progress of the worker", async () => {
    const { clock, keep, onProgress } = keeping();
    keep("r1");
    await clock.advance(10_000);
    expect(onProgress).toHaveBeenCalledTimes(1);
  });

  test("leaves no timer behind once nothing is kept or the keeper is closed", async () => {
    const { clock, keep, keeper } = keeping();
    keep("r1")();
    await clock.advance(10_000);
    expect(clock.armedTimers).toBe(0);
    keep("r2");
    keeper.close();
    expect(clock.armedTimers).toBe(0);
  });
});

describe("a lease is lost, and its job told once,", () => {
  test("when the driver says so; the others are kept", async () => {
    const { clock, keep, lost, extend } = keeping(async (_queue, receipts) =>
      receipts.map((receipt) => receipt !== "r2"),
    );
    keep("r1");
    keep("r2");
    await clock.advance(10 * leaseMs);
    expect(lost).toEqual(["r2"]);
    expect(extend.mock.calls.at(-1)?.[1]).toEqual(["r1"]);
  });

  test("at its end when every renewal fails until then, with a warning each time", async () => {
    const { clock, keep, lost, log } = keeping(async () => {
      throw new Error("broker away");
    });
    keep("r1");
    await clock.advance(leaseMs - 1);
    expect(lost).toEqual([]);
    await clock.advance(1);
    expect(lost).toEqual(["r1"]);
    expect(log.messages("warn").length).toBeGreaterThanOrEqual(2);
    await clock.advance(10 * leaseMs);
    expect(lost).toEqual(["r1"]);
  });

  test("at its end also when it began between two rounds of renewing", async () => {
    const { clock, keep, lost } = keeping(async () => {
      throw new Error("broker away");
    });
    keep("r1");
    await clock.advance(6000);
    keep("r2");
    await clock.advance(leaseMs - 1);
    expect(lost).toEqual(["r1"]);
    await clock.advance(1);
    expect(lost).toEqual(["r1", "r2"]);
  });

  test("at its end when the broker never answers, as behind a half-open connection", async () => {
    const { clock, keep, lost } = keeping(() => new Promise(() => undefined));
    keep("r1");
    await clock.advance(leaseMs - 1);
    expect(lost).toEqual([]);
    await clock.advance(1);
    expect(lost).toEqual(["r1"]);
  });
});

describe("a lease is kept", () => {
  test("when a renewal succeeds before its end although others failed", async () => {
    let calls = 0;
    const { clock, keep, lost } = keeping(async (queue, receipts) => {
      calls += 1;
      if (calls % 3 !== 0) throw new Error("broker away");
      return extendAll(queue, receipts);
    });
    keep("r1");
    await clock.advance(10 * leaseMs);
    expect(lost).toEqual([]);
    expect(calls).toBeGreaterThan(60);
  });

  test("when the broker comes back at any time before its end", async () => {
    let isAway = false;
    let endsAt = Number.POSITIVE_INFINITY;
    const { clock, keep, lost } = keeping(async (_queue, receipts) => {
      if (isAway) throw new Error("broker away");
      const isInTime = clock.now() < endsAt;
      endsAt = clock.now() + leaseMs;
      return receipts.map(() => isInTime);
    });
    keep("r1");
    await clock.advance(11_000);
    isAway = true;
    await clock.advance(26_000);
    isAway = false;
    await clock.advance(leaseMs);
    expect(endsAt).toBeGreaterThan(clock.now());
    expect(lost).toEqual([]);
  });

  test("or let go for good when its job has ended while the renewal was under way", async () => {
    const answers: ((kept: boolean[]) => void)[] = [];
    const { clock, keep, lost } = keeping(() => new Promise((answer) => answers.push(answer)));
    const letGo = keep("r1");
    await clock.advance(10_000);
    letGo();
    answers[0]?.([false]);
    await clock.advance(leaseMs);
    expect(lost).toEqual([]);
  });
});

describe("special circumstances", () => {
  test("with a driver that cannot extend, a lease is lost at its end and not before", async () => {
    const clock = createVirtualClock();
    const onLost = vi.fn();
    const options = { driver: stubDriver(), leaseMs, clock, logger: recordingLogger() };
    const keeper = createLeaseKeeper(options);
    keeper.keep({ queue: "mail", receipt: "r1", leasedAt: clock.now() }, onLost);
    await clock.advance(leaseMs - 1);
    expect(onLost).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(onLost).toHaveBeenCalledTimes(1);
  });

  test("after the thread was blocked beyond the lease, the driver is asked before it is given up", async () => {
    let now = 0;
    const timers: (() => void)[] = [];
    const clock = {
      now: () => now,
      after: (_ms: number, callback: () => void) => {
        timers.push(callback);
        return () => undefined;
      },
    };
    const extend = vi.fn(extendAll);
    const onLost = vi.fn();
    const driver = stubDriver({ extend });
    const keeper = createLeaseKeeper({ driver, leaseMs, clock, logger: recordingLogger() });
    keeper.keep({ queue: "mail", receipt: "r1", leasedAt: 0 }, onLost);
    now = 5 * leaseMs;
    timers[0]?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(extend).toHaveBeenCalledTimes(1);
    now += leaseMs / 3;
    timers.at(-1)?.();
    expect(onLost).not.toHaveBeenCalled();
  });

  test("the stand-in knows which leases are held", async () => {
    const clock = createVirtualClock();
    const standIn = { add: vi.fn(), remove: vi.fn(), close: vi.fn() };
    const options = { driver: stubDriver(), leaseMs, clock, logger: recordingLogger(), standIn };
    const keeper = createLeaseKeeper(options);
    const letGo = keeper.keep({ queue: "mail", receipt: "r1", leasedAt: 0 }, () => undefined);
    expect(standIn.add.mock.calls).toEqual([["mail", "r1"]]);
    letGo();
    expect(standIn.remove.mock.calls).toEqual([["r1"]]);
    keeper.close();
    expect(standIn.close).toHaveBeenCalledTimes(1);
  });
});
