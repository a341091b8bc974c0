/** What the conformance suite does not say: exact times, sharing by name, the window of ids, URLs. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type Driver,
  type OutgoingMessage,
  type ReceiveRequest,
  systemClock,
} from "../../core/index.ts";
import { type MemoryDriverOptions, memoryDriver, openMemory } from "./index.ts";

const opened: Driver[] = [];

function open(options: MemoryDriverOptions = {}): Driver {
  const driver = memoryDriver(options);
  opened.push(driver);
  return driver;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((driver) => driver.close()));
});

function message(id: string, fields: Partial<OutgoingMessage> = {}): OutgoingMessage {
  const body = new TextEncoder().encode(id);
  return { id, body, headers: {}, delayMs: 0, priority: 0, deduplicate: false, ...fields };
}

async function receiveIds(
  driver: Driver,
  request: Partial<ReceiveRequest> = {},
): Promise<readonly string[]> {
  const got = await driver.receive("q", { max: 10, waitMs: 0, leaseMs: 1000, ...request });
  return got.map(({ id }) => id);
}

function useVirtualTime(): void {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}

describe("time", () => {
  useVirtualTime();

  test("makes a delayed message ready at its due time to the millisecond", async () => {
    const driver = open();
    await driver.publish("q", [message("a", { delayMs: 3_600_000 })]);
    await vi.advanceTimersByTimeAsync(3_599_999);
    expect(await receiveIds(driver)).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await receiveIds(driver)).toEqual(["a"]);
  });

  test("ends a lease to the millisecond", async () => {
    const driver = open();
    await driver.publish("q", [message("a")]);
    await receiveIds(driver, { leaseMs: 30_000 });
    await vi.advanceTimersByTimeAsync(29_999);
    expect(await receiveIds(driver)).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await receiveIds(driver)).toEqual(["a"]);
  });

  test("accepts a late settlement as long as nobody has asked for the message", async () => {
    const driver = open();
    await driver.publish("q", [message("a"), message("b")]);
    const got = await driver.receive("q", { max: 2, waitMs: 0, leaseMs: 1000 });
    const [a, b] = got.map(({ receipt }) => ({ receipt, outcome: "ack" }) as const);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await driver.settle("q", a ? [a] : [])).toEqual([true]);
    expect(await driver.depth("q")).toMatchObject({ ready: 1, inFlight: 0 });
    expect(await driver.settle("q", b ? [b] : [])).toEqual([false]);
  });
});

describe("wake-ups", () => {
  useVirtualTime();

  test("wakes a receive that waits for a delay and one that waits for a lease", async () => {
    const driver = open();
    await driver.publish("q", [message("now"), message("soon", { delayMs: 5000 })]);
    await receiveIds(driver, { leaseMs: 8000 });
    const times: (readonly [string, number])[] = [];
    const startedAt = Date.now();
    for (let round = 0; round < 2; round += 1) {
      const waiting = receiveIds(driver, { max: 1, waitMs: 60_000, leaseMs: 60_000 });
      void waiting.then((ids) => times.push([ids.join(), Date.now() - startedAt]));
    }
    await vi.advanceTimersByTimeAsync(10_000);
    expect(times).toEqual([
      ["soon", 5000],
      ["now", 8000],
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("arms a timer only while somebody watches and something is due", async () => {
    const driver = open();
    await driver.publish("q", [message("later", { delayMs: 5000 })]);
    expect(vi.getTimerCount()).toBe(0);
    const cancels = [1, 2].map(() => driver.watch?.("q", () => undefined));
    expect(vi.getTimerCount()).toBe(1);
    cancels[0]?.();
    expect(vi.getTimerCount()).toBe(1);
    cancels[1]?.();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("wakes at the earliest of all times, whatever was armed before", async () => {
    const driver = open();
    const calls: number[] = [];
    const startedAt = Date.now();
    driver.watch?.("q", () => calls.push(Date.now() - startedAt));
    await driver.publish("q", [message("late", { delayMs: 9000 })]);
    await driver.publish("q", [message("early", { delayMs: 3000 })]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(calls).toEqual([3000, 9000]);
  });

  test("calls watchers once for many messages of one publish", async () => {
    const driver = open();
    let calls = 0;
    driver.watch?.("q", () => {
      calls += 1;
    });
    await driver.publish("q", [message("a"), message("b"), message("c")]);
    await vi.advanceTimersByTimeAsync(0);
    expect(calls).toBe(1);
  });
});

describe("chosen ids", () => {
  useVirtualTime();

  test("stores a chosen id again when its window is over and the message done", async () => {
    const driver = open();
    const one = message("one", { deduplicate: true });
    await driver.publish("q", [one]);
    const [delivery] = await driver.receive("q", { max: 1, waitMs: 0, leaseMs: 1000 });
    await driver.settle("q", [{ receipt: delivery?.receipt ?? "", outcome: "ack" }]);
    await vi.advanceTimersByTimeAsync(599_999);
    await driver.publish("q", [one]);
    expect(await receiveIds(driver)).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await driver.publish("q", [one]);
    expect(await receiveIds(driver)).toEqual(["one"]);
  });

  test("drops a chosen id beyond the window while its message waits", async () => {
    const driver = open({ dedupWindow: "1m" });
    const one = message("one", { deduplicate: true, delayMs: 3_600_000 });
    await driver.publish("q", [one]);
    await vi.advanceTimersByTimeAsync(3_000_000);
    await driver.publish("q", [one]);
    expect(await driver.depth("q")).toMatchObject({ delayed: 1 });
  });

  test("stores a chosen id beyond the window while its message is dead or redriven", async () => {
    const driver = open({ dedupWindow: "1m" });
    const one = message("one", { deduplicate: true });
    await driver.publish("q", [one]);
    const [delivery] = await driver.receive("q", { max: 1, waitMs: 0, leaseMs: 1000 });
    const receipt = delivery?.receipt ?? "";
    await driver.settle("q", [{ receipt, outcome: "dead-letter", reason: "enough" }]);
    await vi.advanceTimersByTimeAsync(60_000);
    await driver.publish("q", [one]);
    await driver.redrive?.("q", {});
    expect(await receiveIds(driver)).toEqual(["one", "one"]);
  });
});

describe("names", () => {
  test("shares queues between connections of one name, until the last closes", async () => {
    const [first, second] = [open({ name: "shared" }), open({ name: "shared" })];
    await first.publish("q", [message("a"), message("b")]);
    expect(await receiveIds(second, { max: 1 })).toEqual(["a"]);
    await first.close();
    await first.close();
    const third = open({ name: "shared" });
    expect(await receiveIds(third)).toEqual(["b"]);
    await Promise.all([second.close(), third.close()]);
    expect(await receiveIds(open({ name: "shared" }))).toEqual([]);
  });

  test("keeps other names and connections without a name apart", async () => {
    const drivers = [open({ name: "one" }), open({ name: "two" }), open(), open()];
    await drivers[0]?.publish("q", [message("a")]);
    await drivers[2]?.publish("q", [message("b")]);
    const got = await Promise.all(drivers.map((driver) => receiveIds(driver)));
    expect(got).toEqual([["a"], [], ["b"], []]);
  });
});

describe("publish", () => {
  test("stores nothing when its signal is aborted", async () => {
    const driver = open();
    const publishing = driver.publish("q", [message("a")], { signal: AbortSignal.abort() });
    await expect(publishing).rejects.toMatchObject({ code: "ABORTED" });
    expect(await driver.depth("q")).toMatchObject({ ready: 0 });
    expect(await driver.queues?.()).toEqual([]);
  });
});

describe("backlog", () => {
  test("receives from a large backlog as fast as from a small one", async () => {
    const driver = open();
    const batch = Array.from({ length: 10_000 }, (_, index) =>
      message(String(index), { priority: index % 10 }),
    );
    const timeOf = async (): Promise<number> => {
      const startedAt = performance.now();
      for (let round = 0; round < 200; round += 1) await receiveIds(driver, { leaseMs: 60_000 });
      return performance.now() - startedAt;
    };
    await driver.publish("q", batch);
    await timeOf();
    const small = await timeOf();
    for (let round = 0; round < 20; round += 1) await driver.publish("q", batch);
    // Scanning would take twenty times as long; the bound leaves room for a busy machine.
    expect(await timeOf()).toBeLessThan(small * 8 + 20);
    expect(await driver.depth("q")).toMatchObject({ ready: 204_000, inFlight: 6000 });
  });
});

describe("URLs", () => {
  test("opens private and shared queues", async () => {
    const context = { clock: systemClock };
    const urls = ["memory:", "memory:", "memory:url-test", "memory:url-test?dedup=1m"];
    const drivers = await Promise.all(urls.map((url) => openMemory(url, context)));
    opened.push(...drivers);
    await drivers[0]?.publish("q", [message("a")]);
    await drivers[2]?.publish("q", [message("b")]);
    const got = await Promise.all(drivers.map((driver) => driver.depth("q")));
    expect(got.map(({ ready }) => ready)).toEqual([1, 0, 1, 1]);
  });

  test.each(["memory://host", "memory:a/b", "memory:?window=1m", "memory:?dedup=1m&dedup=2m"])(
    "refuses %s",
    async (url) => {
      const opening = openMemory(url, { clock: systemClock });
      await expect(opening).rejects.toMatchObject({ code: "URL_INVALID" });
    },
  );
});
