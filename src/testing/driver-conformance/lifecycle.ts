import assert from "node:assert/strict";
import type { Driver } from "../../core/index.ts";
import { type ConformanceCase, type ConformanceContext, casesOf } from "./conformance-case.ts";
import {
  ackAll,
  bury,
  longLeaseMs,
  retry,
  settleAll,
  shortLeaseMs,
  take,
  takeNothing,
  takeOne,
} from "./consumer.ts";
import {
  eventually,
  expectBetween,
  expectClosed,
  expectDepth,
  method,
  pause,
} from "./expectations.ts";
import { numbered, outgoing, publishTexts, textOf, textsOf } from "./sample-messages.ts";

/** Every method that a driver may have, called with what it takes, and what a driver that has it declares. */
const calls: Readonly<
  Record<
    string,
    Pick<ConformanceCase, "requires" | "needs"> & {
      readonly call: (driver: Driver, queue: string) => unknown;
    }
  >
> = {
  publish: { call: (driver, queue) => driver.publish(queue, [outgoing("a")]) },
  receive: {
    call: (driver, queue) => driver.receive(queue, { max: 1, waitMs: 0, leaseMs: 1000 }),
  },
  settle: { call: (driver, queue) => driver.settle(queue, [{ receipt: "1", outcome: "ack" }]) },
  depth: { call: (driver, queue) => driver.depth(queue) },
  extend: {
    requires: ["leaseExtension"],
    call: (driver, queue) => method(driver, "extend")(queue, ["1"], 1000),
  },
  watch: {
    requires: ["wakeUp"],
    // A driver that wrongly watches on must not keep the process alive: the watch is taken back at once.
    call: (driver, queue) => method(driver, "watch")(queue, () => undefined)(),
  },
  deadLetters: {
    requires: ["deadLetters"],
    call: (driver, queue) => method(driver, "deadLetters")(queue, { limit: 1 }),
  },
  redrive: {
    requires: ["deadLetters"],
    call: (driver, queue) => method(driver, "redrive")(queue, {}),
  },
  purgeDeadLetters: {
    requires: ["deadLetters"],
    call: (driver, queue) => method(driver, "purgeDeadLetters")(queue, {}),
  },
  peek: {
    requires: ["browse"],
    call: (driver, queue) => method(driver, "peek")(queue, { limit: 1 }),
  },
  purge: { needs: ["purge"], call: (driver, queue) => method(driver, "purge")(queue) },
  dueWithin: {
    needs: ["dueWithin"],
    call: (driver, queue) => method(driver, "dueWithin")(queue, [1000]),
  },
  queues: { needs: ["queues"], call: (driver) => method(driver, "queues")() },
};

/** What keeps this process busy, by kind. Immediates come and go with every turn of the event loop. */
function activeResources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo())
    if (kind !== "Immediate") counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** What opening and closing promise. */
export const lifecycleCases: readonly ConformanceCase[] = casesOf("lifecycle", [
  {
    name: "closes any number of times, also at once",
    async run({ open }) {
      const driver = await open();
      await Promise.all([driver.close(), driver.close(), driver.close()]);
      await driver.close();
    },
  },
  {
    name: "resolves a waiting receive with nothing when it closes",
    async run({ queue, open }) {
      const driver = await open();
      const startedAt = Date.now();
      const request = { max: 1, waitMs: 15_000, leaseMs: longLeaseMs };
      const waiting = numbered(3).map(() => driver.receive(queue, request));
      await pause(150);
      await driver.close();
      assert.deepEqual((await Promise.all(waiting)).flat(), []);
      expectBetween(Date.now() - startedAt, 100, 5000, "the wait");
    },
  },
  {
    name: "leaves messages to others that come after it closed during a wait",
    async run({ driver, queue, open }) {
      const leaving = await open();
      const request = { max: 1, waitMs: 15_000, leaseMs: longLeaseMs };
      const waiting = leaving.receive(queue, request);
      await pause(50);
      await leaving.close();
      await waiting;
      await publishTexts(driver, queue, ["a"]);
      assert.equal((await takeOne(driver, queue)).attempt, 1);
    },
  },
  ...Object.entries(calls).map(([name, { call, ...conditions }]) => ({
    ...conditions,
    name: `rejects ${name} with CLOSED after it was closed`,
    async run({ open, queue }: ConformanceContext) {
      const driver = await open();
      await driver.close();
      await expectClosed(() => call(driver, queue), name);
    },
  })),
  {
    name: "calls no watcher after it was closed",
    requires: ["wakeUp"],
    async run({ driver, queue, open }) {
      const leaving = await open();
      let calledAfter = false;
      const cancel = method(leaving, "watch")(queue, () => {
        calledAfter = true;
      });
      await leaving.close();
      calledAfter = false;
      await publishTexts(driver, queue, ["a"]);
      await pause(150);
      assert.equal(calledAfter, false);
      cancel();
    },
  },
  {
    name: "leaves the messages of a closed connection to their leases",
    async run({ driver, queue, open }) {
      const leaving = await open();
      await publishTexts(driver, queue, ["a"]);
      const startedAt = Date.now();
      await takeOne(leaving, queue, { leaseMs: shortLeaseMs });
      await leaving.close();
      assert.equal((await takeOne(driver, queue)).attempt, 2);
      expectBetween(Date.now() - startedAt, shortLeaseMs - 30, 5000, "the redelivery");
    },
  },
  {
    name: "leaves other connections alone when one closes",
    async run({ driver, queue, open }) {
      const leaving = await open();
      const waiting = takeOne(driver, queue);
      await pause(50);
      await leaving.close();
      await publishTexts(driver, queue, ["a"]);
      assert.equal(textOf(await waiting), "a");
    },
  },
  {
    name: "works on after ten connections came and went at once",
    async run({ driver, queue, open }) {
      for (let round = 0; round < 3; round += 1) {
        await Promise.all(
          numbered(10).map(async () => {
            const other = await open();
            const waiting = other.receive(queue, { max: 1, waitMs: 5000, leaseMs: longLeaseMs });
            await other.close();
            await waiting;
          }),
        );
      }
      await publishTexts(driver, queue, numbered(50));
      const taken = await take(driver, queue, 50);
      assert.deepEqual([...textsOf(taken)].sort(), [...numbered(50)].sort());
      await ackAll(driver, queue, taken);
    },
  },
  {
    name: "leaves no timer, socket or file behind when it closes",
    runsAlone: true,
    async run({ driver, queue, open }) {
      await publishTexts(driver, queue, ["warm"], { delayMs: 0 });
      const before = activeResources();
      const leaving = await open();
      leaving.watch?.(queue, () => undefined);
      const held = await takeOne(leaving, queue, { leaseMs: 30_000 });
      if (leaving.capabilities.delay !== "none")
        await publishTexts(leaving, queue, ["later"], { delayMs: 30_000 });
      const waiting = leaving.receive(queue, { max: 1, waitMs: 30_000, leaseMs: 1000 });
      await pause(50);
      await leaving.close();
      await waiting;
      assert.ok(held.receipt !== "");
      await eventually(async () => {
        for (const [kind, count] of activeResources()) {
          const allowed = before.get(kind) ?? 0;
          assert.ok(count <= allowed, `${count} × ${kind} are left; before there were ${allowed}`);
        }
      }, 3000);
    },
  },
  {
    name: "keeps everything about its messages when all connections close and come back",
    requires: ["durable"],
    async run({ driver, queue, open }) {
      const message = outgoing(Uint8Array.of(0, 255), { headers: { "x-kept": "ü 🚀" } });
      await driver.publish(queue, [message]);
      const first = await takeOne(driver, queue);
      const failure = { attempt: 1, at: Date.now(), error: "it broke" };
      await settleAll(driver, queue, [retry(first, 0, failure)]);
      await driver.close();
      const reopened = await open();
      const second = await takeOne(reopened, queue);
      assert.equal(second.id, message.id);
      assert.ok(Buffer.from(second.body).equals(message.body));
      assert.deepEqual(second.headers, message.headers);
      assert.equal(second.attempt, 2);
      assert.equal(second.publishedAt, first.publishedAt);
      if (reopened.capabilities.failureHistory !== "none")
        assert.deepEqual([...second.history], [failure]);
    },
  },
  {
    name: "keeps leases and dead letters when all connections close and come back",
    requires: ["durable", "deadLetters"],
    async run({ driver, queue, open }) {
      await publishTexts(driver, queue, ["dead"]);
      await bury(driver, queue, "enough");
      await publishTexts(driver, queue, ["leased"]);
      const leased = await takeOne(driver, queue, { leaseMs: 1500 });
      await driver.close();
      const reopened = await open();
      await expectDepth(reopened, queue, { inFlight: 1, dead: 1 });
      await takeNothing(reopened, queue, 0);
      const [letter] = await method(reopened, "deadLetters")(queue, { limit: 10 });
      assert.equal(letter?.reason, "enough");
      const again = await takeOne(reopened, queue);
      assert.deepEqual([again.id, again.attempt], [leased.id, 2]);
    },
  },
  {
    name: "loses nothing when the broker restarts",
    requires: ["durable"],
    needs: ["restart"],
    runsAlone: true,
    timeoutMs: 120_000,
    async run({ driver, queue, restart }) {
      await publishTexts(driver, queue, numbered(50));
      await restart?.();
      await eventually(() => publishTexts(driver, queue, ["after"]).then(() => undefined), 60_000);
      const texts = new Set(textsOf(await take(driver, queue, 51, { waitMs: 60_000 })));
      for (const text of [...numbered(50), "after"]) assert.ok(texts.has(text), `${text} is there`);
    },
  },
]);
