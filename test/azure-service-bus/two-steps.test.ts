/** Retries with a delay, which are a copy and the end of the original: one job is left whatever happens between the two. */
import { expect, test } from "vitest";
import type { Delivery, Driver } from "../../src/core/index.ts";
import { repository } from "../support/cli.ts";
import { startProgram } from "../support/program.ts";
import {
  type MessageQueue,
  Refusal,
  type StoredMessage,
} from "../support/servers/service-bus/message-queue.ts";
import { until } from "../support/until.ts";
import { message, useServiceBus } from "./bed.ts";

const bed = useServiceBus();
const held = { max: 1, waitMs: 5000, leaseMs: 60_000 };
const kept = { headers: { "x-kept": "yes" } };

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

/** Runs a script in a process of its own and kills it as soon as it is `due`. Rejects when it ends before. */
async function killDuring(
  script: string,
  { url, due }: { readonly url: string; readonly due?: Promise<unknown> },
): Promise<void> {
  const child = startProgram([process.execPath, "--input-type=module", "-e", prelude + script], {
    cwd: repository,
    env: { ...process.env, URL: url },
  });
  const early = child.exit.then(({ stderr }) => Promise.reject(new Error(stderr)));
  try {
    await Promise.race([due ?? child.waitFor("received", 60_000), early]);
  } finally {
    child.kill("SIGKILL");
    await child.exit;
  }
}

/** Holds back the second steps that reach a queue. */
function holdSecondSteps(target: MessageQueue): {
  /** Resolves when one is there. */
  readonly arrived: Promise<unknown>;
  /** The steps from now on are carried out; those that were held back are not. */
  release(): void;
} {
  const complete = target.complete.bind(target);
  const arrived = new Promise((resolve) => {
    target.complete = () => resolve(null);
  });
  return {
    arrived,
    release: () => {
      target.complete = complete;
    },
  };
}

/** Takes what a queue holds until it is empty. */
async function takeAll(driver: Driver, target: MessageQueue): Promise<readonly Delivery[]> {
  const deliveries: Delivery[] = [];
  const giveUpAt = Date.now() + 30_000;
  for (;;) {
    const { active, scheduled } = target.counts();
    if (active + scheduled === 0 || Date.now() > giveUpAt) return deliveries;
    const got = await driver.receive(target.name, { ...held, waitMs: 200 });
    deliveries.push(...got);
    await driver.settle(
      target.name,
      got.map(({ receipt }) => ({ receipt, outcome: "ack" })),
    );
  }
}

/** Messages that have a lock, the oldest first. */
function locked(target: MessageQueue): readonly StoredMessage[] {
  return target.peek(0, 10).filter(({ lock }) => lock !== null);
}

/** The lock of the first message that has one runs out, which its holder's death leads to in the end. */
function endLock(target: MessageQueue): void {
  target.abandon(locked(target)[0]?.lock?.token ?? "");
}

/** Queues with and without duplicate detection, by credentials that may and may not know which it is. */
const queues = [
  ["with duplicate detection", 60_000, "root"],
  ["without duplicate detection", null, "root"],
  ["with duplicate detection that is not known", 60_000, "worker"],
  ["without duplicate detection, which is not known", null, "worker"],
] as const;

let count = 0;
function makeQueue(duplicateWindowMs: number | null, name = "steps"): MessageQueue {
  count += 1;
  return bed.server.namespace.create(`${name}-${count}`, {
    duplicateWindowMs,
    maxDeliveryCount: 9,
  });
}

test.each(
  queues.flatMap(([what, windowMs, key]) => [
    [`${what}, whose copy is due later`, windowMs, key, 2000] as const,
    [`${what}, whose copy is due at once`, windowMs, key, 1] as const,
  ]),
)(
  "leaves one job when a process is killed between the two steps of a retry, in a queue %s",
  async (_what, windowMs, key, delayMs) => {
    const target = makeQueue(windowMs);
    const url = bed.server.urlFor(key);
    const survivor = await bed.open(url);
    await survivor.publish(target.name, [message("a", kept)]);
    const steps = holdSecondSteps(target);
    await killDuring(
      `const [got] = await receive("${target.name}");
       await driver.settle("${target.name}", [{ receipt: got.receipt, outcome: "retry", delayMs: ${delayMs} }]);
       setInterval(() => undefined, 1000);`,
      { url, due: steps.arrived },
    );
    steps.release();
    const { active, scheduled } = target.counts();
    expect(active + scheduled).toBe(2);
    endLock(target);
    const deliveries = await takeAll(survivor, target);
    expect(deliveries).toHaveLength(1);
    expect(deliveries[0]).toMatchObject({ id: "a", attempt: 2, ...kept });
    expect(target.counts()).toEqual({ active: 0, scheduled: 0 });
  },
  120_000,
);

test.each(queues)(
  "leaves one job when a process is killed before the first step of a retry, in a queue %s",
  async (_what, windowMs, key) => {
    const target = makeQueue(windowMs);
    const url = bed.server.urlFor(key);
    const survivor = await bed.open(url);
    await survivor.publish(target.name, [message("a", kept)]);
    await killDuring(
      `await receive("${target.name}");
       console.log("received");
       setInterval(() => undefined, 1000);`,
      { url },
    );
    endLock(target);
    const deliveries = await takeAll(survivor, target);
    expect(deliveries).toHaveLength(1);
    expect(deliveries[0]).toMatchObject({ id: "a", attempt: 2, ...kept });
  },
  120_000,
);

test("hands out no copy while its original is there, and the copy as soon as it is gone", async () => {
  const target = makeQueue(null);
  const [slow, other] = [await bed.open(), await bed.open()];
  await slow.publish(target.name, [message("a")]);
  const [got] = await slow.receive(target.name, held);
  const steps = holdSecondSteps(target);
  const receipt = got?.receipt ?? "";
  const settling = slow.settle(target.name, [{ receipt, outcome: "retry", delayMs: 1 }]);
  await steps.arrived;
  const waiting = other.receive(target.name, { ...held, waitMs: 10_000 });
  let isAnswered = false;
  void waiting.then(() => {
    isAnswered = true;
  });
  await until(() => locked(target).length === 2, { withinMs: 10_000, what: "both are locked" });
  await settling;
  expect(isAnswered).toBe(false);
  steps.release();
  target.complete(locked(target)[0]?.lock?.token ?? "");
  expect(await waiting).toMatchObject([{ id: "a", attempt: 2 }]);
});

/** Refuses the next second step that reaches a queue. */
function refuseOnce(target: MessageQueue): void {
  const complete = target.complete.bind(target);
  target.complete = () => {
    target.complete = complete;
    throw new Refusal("amqp:internal-error", "out of order");
  };
}

test("makes no second copy when a worker settles again after the second step failed", async () => {
  const target = makeQueue(null);
  const driver = await bed.open();
  await driver.publish(target.name, [message("a")]);
  const [got] = await driver.receive(target.name, held);
  const retry = { receipt: got?.receipt ?? "", outcome: "retry", delayMs: 60_000 } as const;
  refuseOnce(target);
  await expect(driver.settle(target.name, [retry])).rejects.toThrow(/out of order/);
  expect(target.counts()).toEqual({ active: 1, scheduled: 1 });
  expect(await driver.settle(target.name, [retry])).toEqual([true]);
  expect(target.counts()).toEqual({ active: 0, scheduled: 1 });
});

test("leaves the copy alone when the lease ends after the second step failed", async () => {
  const target = makeQueue(null);
  const driver = await bed.open();
  await driver.publish(target.name, [message("a")]);
  const [got] = await driver.receive(target.name, { ...held, leaseMs: 1000 });
  const retry = { receipt: got?.receipt ?? "", outcome: "retry", delayMs: 60_000 } as const;
  refuseOnce(target);
  await expect(driver.settle(target.name, [retry])).rejects.toThrow(/out of order/);
  const isOver = (): boolean => target.counts().active === 0;
  await until(isOver, { withinMs: 20_000, what: "the original gives way" });
  expect(target.counts()).toEqual({ active: 0, scheduled: 1 });
});

test("moves a job with its attempts when it comes close to the MaxDeliveryCount of a queue that is not known", async () => {
  const target = bed.server.namespace.create("patient", { maxDeliveryCount: 10 });
  const driver = await bed.open(bed.server.urlFor("worker"));
  await driver.publish("patient", [message("a")]);
  for (let attempt = 1; attempt <= 12; attempt += 1) {
    const [got] = await driver.receive("patient", held);
    expect(got).toMatchObject({ id: "a", attempt });
    const receipt = got?.receipt ?? "";
    await driver.settle("patient", [{ receipt, outcome: "retry", delayMs: 0 }]);
  }
  expect(target.counts()).toEqual({ active: 1, scheduled: 0 });
});
