import { afterAll, expect, test } from "vitest";
import type { Driver } from "../../src/core/index.ts";
import { memoryDriver } from "../../src/drivers/memory/index.ts";
import { createVirtualClock } from "../../src/testing/index.ts";
import { createTriggerBed } from "./trigger-bed.ts";

const clock = createVirtualClock();
const opened: string[] = [];
let driver: Driver;
const bed = createTriggerBed({
  async connectQueue(url) {
    opened.push(url);
    if (url === "memory:broken") throw new Error("no such queue");
    driver = memoryDriver({ clock });
    return driver;
  },
});
afterAll(() => bed.close());

const publish = (queue: string, count: number, delayMs = 0) =>
  driver.publish(
    queue,
    Array.from({ length: count }, (_, index) => ({
      id: `${queue} ${index} ${clock.now()}`,
      body: new Uint8Array(),
      headers: {},
      delayMs,
      priority: 0,
      deduplicate: false,
    })),
  );

test("counts what waits and what is held, and tells how old the oldest is", async () => {
  const trigger = await bed.create("sluice", { url: "memory:a", queueName: "mail" });
  expect(await trigger.metricSpecs()).toEqual([
    { metricName: "s0-sluice-mail", metricType: "AverageValue", target: 5 },
  ]);
  expect(await trigger.read()).toMatchObject([{ value: 0, active: false }]);
  await publish("mail", 3);
  await driver.receive("mail", { max: 1, waitMs: 0, leaseMs: 60_000 });
  await clock.advance(1500);
  expect(await trigger.read()).toEqual([
    { metricName: "s0-sluice-mail", value: 3, active: true, oldestAgeMs: 1500 },
  ]);
});

test("tells when delayed messages become ready, where that is asked for", async () => {
  const trigger = await bed.create("sluice", { url: "memory:a", queueName: "delayed" });
  await trigger.read();
  await publish("delayed", 2, 30_000);
  const [reading] = await trigger.read({ dueEdgesMs: [29_000, 31_000] });
  expect(reading).toMatchObject({ value: 0, active: false });
  expect(reading?.due).toEqual([
    { inMs: 29_000, count: 0 },
    { inMs: 31_000, count: 2 },
  ]);
  expect((await trigger.read())[0]).not.toHaveProperty("due");
});

test("by age: the seconds that the longest-waiting message has waited", async () => {
  const metadata = { url: "memory:a", queueName: "old", maxAge: "30s", activationAge: "5s" };
  const trigger = await bed.create("sluice", metadata);
  await trigger.read();
  await publish("old", 1);
  await clock.advance(5000);
  expect(await trigger.read()).toMatchObject([{ value: 5, active: false }]);
  await clock.advance(500);
  expect(await trigger.read()).toEqual([
    { metricName: "s0-sluice-old-age", value: 5.5, active: true, oldestAgeMs: 5500 },
  ]);
  const both = await bed.create("sluice", { ...metadata, messageCount: "0.5" });
  expect(await both.metricSpecs()).toMatchObject([
    { metricName: "s0-sluice-old", target: 0.5 },
    { metricName: "s0-sluice-old-age", target: 30 },
  ]);
  expect(await both.read()).toMatchObject([{ value: 1 }, { value: 5.5 }]);
});

test("is told by the driver of a new message, until it is closed", async () => {
  const trigger = await bed.create("sluice", { url: "memory:a", queueName: "pushed" });
  await trigger.read();
  let calls = 0;
  const pushed = new Promise<void>((resolve) => {
    trigger.watch?.(() => {
      calls += 1;
      resolve();
    });
  });
  await clock.advance(1);
  await publish("pushed", 1);
  await clock.advance(1);
  await pushed;
  await trigger.close();
  const before = calls;
  await publish("pushed", 1);
  await clock.advance(1);
  expect(calls).toBe(before);
});

test("opens each URL once", () => {
  expect(opened).toEqual(["memory:a"]);
});

test("says why a queue cannot be opened", async () => {
  const metadata = { url: "memory:broken", queueName: "a" };
  await expect(bed.read("sluice", metadata)).rejects.toMatchObject({
    code: "TRIGGER_FAILED",
    message: expect.stringContaining("memory:broken cannot be opened: no such queue"),
  });
  await expect(createTriggerBed().read("sluice", metadata)).rejects.toThrow("connectQueue");
});

test.each([
  [{ queueName: "a" }, "url is required"],
  [{ url: "memory:", queueName: " " }, "queueName is required"],
  [{ url: "memory:", queueName: "a", messageCount: "0" }, "messageCount must be more than 0"],
  [{ url: "memory:", queueName: "a", maxAge: "0s" }, "maxAge must be more than 0"],
  [{ url: "memory:", queueName: "a", activationAge: "1s" }, "activationAge goes with maxAge"],
])("refuses %j", async (metadata, problem) => {
  await expect(bed.create("sluice", metadata)).rejects.toThrow(problem);
});

test("a type that there is not is an error that lists those there are", async () => {
  await expect(bed.create("rabitmq", {})).rejects.toMatchObject({
    code: "TRIGGER_UNKNOWN",
    message: expect.stringMatching(
      /^trigger 0 \(rabitmq\) of ScaledObject shop\/mailer: no such type\. Did you mean rabbitmq\? There are .*cron, .*postgresql/,
    ),
  });
  await expect(bed.create("toString", {})).rejects.toMatchObject({ code: "TRIGGER_UNKNOWN" });
});

test("metricType Value is passed on; Utilization is for cpu and memory", async () => {
  const metadata = { url: "memory:a", queueName: "mail" };
  const trigger = await bed.create("sluice", metadata, { metricType: "Value" });
  expect(await trigger.metricSpecs()).toMatchObject([{ metricType: "Value" }]);
  await expect(bed.create("sluice", metadata, { metricType: "Utilization" })).rejects.toThrow(
    "metricType Utilization is for cpu and memory alone",
  );
});

test("a reading after close is an error", async () => {
  const trigger = await bed.create("sluice", { url: "memory:a", queueName: "mail" });
  await trigger.close();
  await trigger.close();
  await expect(trigger.read()).rejects.toMatchObject({ code: "CLOSED" });
});
