import { expect, test } from "vitest";
import type { Driver, DriverCapabilities, QueueDepth } from "../core/index.ts";
import { queueDepthTrigger } from "./queue-depth.ts";

const nothing: QueueDepth = { ready: 0, delayed: 0, inFlight: 0, dead: 0, oldestAgeMs: 0 };

/** A driver that only knows depths, and whoever watches. */
function fakeDriver(
  depths: Readonly<Record<string, QueueDepth | Error>>,
  ready: DriverCapabilities["depth"]["ready"] = "exact",
) {
  const watchers = new Map<string, () => void>();
  const partial: Partial<Driver> = {
    name: "fake",
    capabilities: { depth: { ready } } as DriverCapabilities,
    async depth(queue) {
      const depth = depths[queue] ?? nothing;
      if (depth instanceof Error) throw depth;
      return depth;
    },
    watch(queue, onReady) {
      watchers.set(queue, onReady);
      return () => watchers.delete(queue);
    },
  };
  return { driver: partial as Driver, watchers };
}

const clock = { now: () => 42, after: () => () => undefined };

test("reads one sample per queue; the value is what waits and what runs, not what is delayed", async () => {
  const { driver } = fakeDriver({
    a: { ready: 3, delayed: 50, inFlight: 2, dead: 9, oldestAgeMs: 700 },
    b: { ...nothing, ready: 1 },
  });
  const samples = await queueDepthTrigger(driver, ["a", "b"], { clock }).metrics();
  expect(samples).toEqual([
    { name: "a", value: 5, at: 42, ready: 3, inFlight: 2, delayed: 50, oldestAgeMs: 700 },
    { name: "b", value: 1, at: 42, ready: 1, inFlight: 0, delayed: 0, oldestAgeMs: 0 },
  ]);
});

test("takes one figure for waiting and running messages as it is", async () => {
  const depth = { ...nothing, ready: 5, inFlight: null };
  const { driver } = fakeDriver({ a: depth }, "with in flight");
  const samples = await queueDepthTrigger(driver, ["a"], { clock }).metrics();
  expect(samples).toMatchObject([{ value: 5, ready: 5, inFlight: 0 }]);
});

test("tells why a broker does not count, where it says so", async () => {
  const depth = { ...nothing, ready: null, reason: "the right is missing" };
  const trigger = queueDepthTrigger(fakeDriver({ a: depth }).driver, ["a"], { clock });
  await expect(trigger.metrics()).rejects.toThrow(/for a \(the right is missing\)/);
});

test("rejects as a whole when any queue cannot be read", async () => {
  const { driver } = fakeDriver({ a: { ...nothing, ready: 3 }, b: new Error("gone") });
  await expect(queueDepthTrigger(driver, ["a", "b"]).metrics()).rejects.toThrow("gone");
});

test("refuses a broker that does not count what waits instead of reading zero", async () => {
  const { driver } = fakeDriver({ a: { ...nothing, ready: null } });
  await expect(queueDepthTrigger(driver, ["a"]).metrics()).rejects.toMatchObject({
    code: "OPTION_UNSUPPORTED",
    message: expect.stringContaining("fake driver"),
  });
});

test("keeps an unknown number of running messages unknown", async () => {
  const { driver } = fakeDriver({ a: { ...nothing, ready: 4, inFlight: null } });
  const [sample] = await queueDepthTrigger(driver, ["a"]).metrics();
  expect(sample).toMatchObject({ value: 4, inFlight: null });
});

test("watches every queue until cancelled or closed, and leaves the driver open", async () => {
  const { driver, watchers } = fakeDriver({});
  const trigger = queueDepthTrigger(driver, ["a", "b"]);
  let pushes = 0;
  const cancel = trigger.watch?.(() => {
    pushes += 1;
  });
  watchers.get("a")?.();
  watchers.get("b")?.();
  expect(pushes).toBe(2);
  cancel?.();
  expect(watchers.size).toBe(0);
  trigger.watch?.(() => undefined);
  await trigger.close();
  await trigger.close();
  expect(watchers.size).toBe(0);
  await expect(trigger.metrics()).rejects.toMatchObject({ code: "CLOSED" });
});

test("offers no watch where the driver has none", () => {
  const { driver } = fakeDriver({});
  const { watch: _watch, ...poller } = driver;
  expect(queueDepthTrigger(poller, ["a"]).watch).toBeUndefined();
});

test("refuses an empty list of queues", () => {
  const { driver } = fakeDriver({});
  expect(() => queueDepthTrigger(driver, [])).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID" }),
  );
});

test("tells when delayed messages become ready, where it is asked and the driver can", async () => {
  const { driver } = fakeDriver({ a: { ...nothing, delayed: 9 }, b: nothing });
  const asked: unknown[] = [];
  const knowing: Driver = {
    ...driver,
    async dueWithin(queue, edgesMs) {
      asked.push([queue, edgesMs]);
      return edgesMs.map((_, index) => index + 1);
    },
  };
  const dueEdgesMs = () => [500, 1000];
  const [told, empty] = await queueDepthTrigger(knowing, ["a", "b"], { dueEdgesMs }).metrics();
  expect(told?.due).toEqual([
    { inMs: 500, count: 1 },
    { inMs: 1000, count: 2 },
  ]);
  expect(empty).not.toHaveProperty("due");
  expect(asked).toEqual([["a", [500, 1000]]]);
  for (const [one, options] of [
    [driver, { dueEdgesMs }],
    [knowing, {}],
  ] as const)
    expect((await queueDepthTrigger(one, ["a"], options).metrics())[0]).not.toHaveProperty("due");
});
