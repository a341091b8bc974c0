/** Links that are detached, connections that break, a namespace that throttles, limits of the broker. */
import { expect, test } from "vitest";
import { recordingLogger } from "../support/recording-logger.ts";
import { drain, message, persist, useServiceBus } from "./bed.ts";

const bed = useServiceBus();
const count = 2000;
const held = { max: 1, waitMs: 5000, leaseMs: 60_000 };

/** Works off `count` messages while `disturb` is called at a third and at half of them. Returns how often each came. */
async function workThrough(queue: string, disturb: () => void): Promise<Map<string, number>> {
  const publisher = await bed.open();
  const worker = await bed.open();
  const ids = Array.from({ length: count }, (_, index) => `m${index}`);
  const marks = [Math.floor(count / 3), count / 2];
  const seen = new Map<string, number>();
  let published = 0;
  const publishing = (async () => {
    for (let start = 0; start < count; start += 100) {
      const batch = ids.slice(start, start + 100).map((id) => message(id, { deduplicate: true }));
      await persist(() => publisher.publish(queue, batch));
      published += batch.length;
    }
  })();
  let done = 0;
  while (done < count) {
    const got = await persist(() =>
      worker.receive(queue, { max: 50, waitMs: 1000, leaseMs: 30_000 }),
    );
    for (const { id } of got) seen.set(id, (seen.get(id) ?? 0) + 1);
    const settlements = got.map(({ receipt }) => ({ receipt, outcome: "ack" }) as const);
    const answers = await persist(() => worker.settle(queue, settlements));
    done += answers.filter(Boolean).length;
    if (marks[0] !== undefined && done >= marks[0]) {
      marks.shift();
      disturb();
    }
    if (got.length === 0 && published === count && (await worker.depth(queue)).ready === 0) break;
  }
  await publishing;
  return seen;
}

test("loses nothing and goes on when connections break at a third and half of 2,000 messages", async () => {
  const seen = await workThrough("dropped", () => bed.server.dropConnections());
  expect(seen.size).toBe(count);
}, 60_000);

test("loses nothing and goes on when links are detached at a third and half of 2,000 messages", async () => {
  const seen = await workThrough("detached", () => bed.server.detachLinks());
  expect(seen.size).toBe(count);
}, 60_000);

test("slows down when the namespace is busy, says so, and loses nothing", async () => {
  const logger = recordingLogger();
  const driver = await bed.open(bed.server.url, logger);
  await driver.publish("busy", [message("before")]);
  bed.server.namespace.busyFor = 2;
  const startedAt = Date.now();
  await driver.publish("busy", [message("after")]);
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(1400);
  const warnings = logger.entries.filter(({ message: text }) => text.includes("throttles"));
  expect(warnings.map(({ fields }) => fields?.pauseMs)).toEqual([500, 1000]);
  bed.server.namespace.busyFor = 1;
  expect((await drain(driver, "busy", 1500)).sort()).toEqual(["after", "before"]);
});

test("counts attempts of its own beyond the queue's MaxDeliveryCount", async () => {
  bed.server.namespace.create("patient", { maxDeliveryCount: 3, duplicateWindowMs: 60_000 });
  const driver = await bed.open();
  await driver.publish("patient", [message("a")]);
  for (let attempt = 1; attempt <= 8; attempt += 1) {
    const [got] = await driver.receive("patient", held);
    expect(got).toMatchObject({ id: "a", attempt });
    const receipt = got?.receipt ?? "";
    await driver.settle("patient", [{ receipt, outcome: "retry", delayMs: 0 }]);
  }
  expect(await driver.deadLetters?.("patient", { limit: 5 })).toEqual([]);
});

test("shows what the broker dead-lettered by itself, and redrives it", async () => {
  const target = bed.server.namespace.create("native", { maxDeliveryCount: 1 });
  const driver = await bed.open();
  await driver.publish("native", [message("a")]);
  await driver.receive("native", held);
  target.abandon(target.peek(0, 1)[0]?.lock?.token ?? "");
  const letters = await driver.deadLetters?.("native", { limit: 5 });
  expect(letters).toMatchObject([
    { id: "a", attempts: 1, reason: expect.stringMatching(/^MaxDeliveryCountExceeded: /) },
  ]);
  expect(await driver.redrive?.("native", {})).toBe(1);
  expect((await driver.receive("native", held))[0]).toMatchObject({ id: "a", attempt: 1 });
});
