/** Links that are detached, connections that break, a namespace that throttles, processes that die between two steps. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import type { Delivery } from "../../src/core/index.ts";
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

/** A driver as a process of its own has it, to be killed. */
const prelude = `
  import { openDriver } from "./dist/drivers/registry.js";
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const clock = {
    now: () => Date.now(),
    after(ms, callback) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
  };
  const driver = await openDriver(process.env.URL, { clock, logger, create: true });
  const receive = (queue) => driver.receive(queue, { max: 1, waitMs: 5000, leaseMs: 60000 });
`;

/** Runs a script in a process of its own and kills it when it is `due`. */
async function killDuring(
  script: string,
  due: (said: Promise<unknown>) => Promise<unknown>,
): Promise<void> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", prelude + script], {
    env: { ...process.env, URL: bed.server.url },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  await due(once(child.stdout, "data"));
  child.kill("SIGKILL");
  await ended;
}

/** What is left of a queue's messages, taken by somebody else within `ms`. */
async function takeLeft(queue: string, ms: number): Promise<readonly Delivery[]> {
  const survivor = await bed.open();
  const deliveries: Delivery[] = [];
  const endsAt = Date.now() + ms;
  while (Date.now() < endsAt) {
    const got = await survivor.receive(queue, { ...held, waitMs: 300 });
    deliveries.push(...got);
    await survivor.settle(
      queue,
      got.map(({ receipt }) => ({ receipt, outcome: "ack" })),
    );
  }
  return deliveries;
}

/** The lock of the first message that has one runs out, which its holder's death leads to in the end. */
function endLock(queue: string): void {
  const target = bed.server.namespace.find(queue);
  const locked = target.peek(0, 10).find(({ lock }) => lock !== null);
  target.abandon(locked?.lock?.token ?? "");
}

const kept = { headers: { "x-kept": "yes" } };

test.each([
  ["is due later", 3000, 4500],
  ["is due and waits already", 1, 1500],
])(
  "leaves one message when a process is killed between the two steps of a retry, whose copy %s",
  async (_when, delayMs, withinMs) => {
    const queue = `killed-${delayMs}`;
    await (await bed.open()).publish(queue, [message("a", kept)]);
    const target = bed.server.namespace.find(queue);
    // The second step arrives, and is not carried out before the process is dead.
    const complete = target.complete.bind(target);
    const secondStep = new Promise((resolve) => {
      target.complete = () => resolve(null);
    });
    await killDuring(
      `const [got] = await receive("${queue}");
     await driver.settle("${queue}", [{ receipt: got.receipt, outcome: "retry", delayMs: ${delayMs} }]);
     setInterval(() => undefined, 1000);`,
      () => secondStep,
    );
    target.complete = complete;
    const { active, scheduled } = target.counts();
    expect(active + scheduled).toBe(2);
    endLock(queue);
    const deliveries = await takeLeft(queue, withinMs);
    expect(deliveries).toHaveLength(1);
    expect(deliveries[0]).toMatchObject({ id: "a", attempt: 2, ...kept });
    expect(target.counts()).toEqual({ active: 0, scheduled: 0 });
  },
  30_000,
);

test("leaves one message when a process is killed before the first step of a retry", async () => {
  await (await bed.open()).publish("victim", [message("a", kept)]);
  await killDuring(
    `await receive("victim");
     console.log("received");
     setInterval(() => undefined, 1000);`,
    (said) => said,
  );
  endLock("victim");
  const deliveries = await takeLeft("victim", 1500);
  expect(deliveries).toHaveLength(1);
  expect(deliveries[0]).toMatchObject({ id: "a", attempt: 2, ...kept });
}, 30_000);

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
