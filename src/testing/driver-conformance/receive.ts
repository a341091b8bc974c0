import assert from "node:assert/strict";
import { type ConformanceCase, casesOf } from "./conformance-case.ts";
import { ackAll, longLeaseMs, retry, settleAll, take, takeNothing, takeOne } from "./consumer.ts";
import { expectBetween, pause } from "./expectations.ts";
import { numbered, outgoing, publishTexts, textOf, textsOf } from "./sample-messages.ts";

/** What receive promises. */
export const receiveCases: readonly ConformanceCase[] = casesOf("receive", [
  {
    name: "answers at once with nothing when the queue is empty and the wait is 0",
    async run({ driver, queue }) {
      const startedAt = Date.now();
      await takeNothing(driver, queue, 0);
      expectBetween(Date.now() - startedAt, 0, 1500, "the answer");
    },
  },
  {
    name: "gives up with nothing when the wait is over",
    async run({ driver, queue }) {
      const startedAt = Date.now();
      await takeNothing(driver, queue, 400);
      expectBetween(Date.now() - startedAt, 350, 3000, "the wait");
    },
  },
  {
    name: "hands a message to a receive that waits for it",
    async run({ driver, queue }) {
      const startedAt = Date.now();
      const waiting = take(driver, queue, 1, { waitMs: 10_000 });
      await pause(200);
      await publishTexts(driver, queue, ["awaited"]);
      assert.deepEqual(textsOf(await waiting), ["awaited"]);
      expectBetween(Date.now() - startedAt, 150, 5000, "the wait");
    },
  },
  {
    name: "returns what there is instead of waiting for the maximum",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a", "b"]);
      const startedAt = Date.now();
      const request = { max: 10, waitMs: 10_000, leaseMs: longLeaseMs };
      const got = await driver.receive(queue, request);
      assert.ok(got.length === 1 || got.length === 2, `one or two messages; got ${got.length}`);
      expectBetween(Date.now() - startedAt, 0, 5000, "the answer");
    },
  },
  {
    name: "returns no more than the maximum",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, numbered(10));
      const got = await driver.receive(queue, { max: 3, waitMs: 5000, leaseMs: longLeaseMs });
      assert.ok(got.length >= 1 && got.length <= 3, `one to three messages; got ${got.length}`);
      assert.equal((await take(driver, queue, 10 - got.length)).length, 10 - got.length);
    },
  },
  {
    name: "does not hand out a leased message again while its lease runs",
    async run({ driver, queue, open }) {
      const other = await open();
      await publishTexts(driver, queue, ["mine"]);
      await takeOne(driver, queue);
      await takeNothing(driver, queue);
      await takeNothing(other, queue);
    },
  },
  {
    name: "gives every delivery a receipt of its own",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, numbered(20));
      const first = await take(driver, queue, 20);
      await settleAll(
        driver,
        queue,
        first.map((delivery) => retry(delivery)),
      );
      const second = await take(driver, queue, 20);
      const receipts = [...first, ...second].map((delivery) => delivery.receipt);
      assert.equal(new Set(receipts).size, 40);
    },
  },
  {
    name: "tells attempt, priority, times and history of a first delivery",
    async run({ driver, queue }) {
      const before = Date.now();
      await driver.publish(queue, [outgoing("new")]);
      const delivery = await takeOne(driver, queue);
      assert.equal(delivery.attempt, 1);
      assert.equal(delivery.priority, 0);
      assert.deepEqual([...delivery.history], []);
      // A broker's clock may be wrong by an hour; a time in other units is wrong by far more.
      for (const at of [delivery.publishedAt, delivery.readyAt])
        assert.ok(at === null || Math.abs(at - before) < 4_000_000, `a time of today; got ${at}`);
    },
  },
  {
    name: "hands out a body that the consumer may overwrite without harm to the next delivery",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["precious"]);
      const first = await takeOne(driver, queue);
      first.body.fill(0);
      await settleAll(driver, queue, [retry(first)]);
      assert.equal(textOf(await takeOne(driver, queue)), "precious");
    },
  },
  {
    name: "ends a wait with nothing as soon as the signal aborts",
    async run({ driver, queue }) {
      const giveUp = new AbortController();
      const startedAt = Date.now();
      const request = { max: 1, waitMs: 15_000, leaseMs: longLeaseMs, signal: giveUp.signal };
      const waiting = driver.receive(queue, request);
      await pause(150);
      giveUp.abort();
      assert.deepEqual([...(await waiting)], []);
      expectBetween(Date.now() - startedAt, 100, 5000, "the wait");
    },
  },
  {
    name: "takes nothing for a signal that aborted before",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["left alone"]);
      const signal = AbortSignal.abort();
      const request = { max: 1, waitMs: 5000, leaseMs: longLeaseMs, signal };
      assert.deepEqual([...(await driver.receive(queue, request))], []);
      const delivery = await takeOne(driver, queue);
      assert.equal(delivery.attempt, 1);
    },
  },
  {
    name: "loses no message to waits that were aborted",
    async run({ driver, queue }) {
      for (const text of numbered(10)) {
        const giveUp = new AbortController();
        const request = { max: 1, waitMs: 5000, leaseMs: longLeaseMs, signal: giveUp.signal };
        const waiting = driver.receive(queue, request);
        giveUp.abort();
        await publishTexts(driver, queue, [text]);
        const got = await waiting;
        const delivery = got[0] ?? (await takeOne(driver, queue));
        assert.equal(textOf(delivery), text);
        await ackAll(driver, queue, [delivery]);
      }
    },
  },
  {
    name: "serves many receives that wait at the same time",
    async run({ driver, queue }) {
      const waits = numbered(20).map(() => takeOne(driver, queue));
      await pause(100);
      await publishTexts(driver, queue, numbered(20));
      const texts = textsOf(await Promise.all(waits));
      assert.deepEqual([...texts].sort(), [...numbered(20)].sort());
    },
  },
]);
