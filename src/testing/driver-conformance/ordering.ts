import assert from "node:assert/strict";
import { type ConformanceCase, casesOf } from "./conformance-case.ts";
import { ackAll, release, retry, settleAll, take, takeOne } from "./consumer.ts";
import { pause } from "./expectations.ts";
import { numbered, outgoing, publishTexts, textOf, textsOf } from "./sample-messages.ts";

/** Enough for the clock of any broker to move on. */
const momentMs = 5;

/** In which order messages are received. */
export const orderingCases: readonly ConformanceCase[] = casesOf("ordering", [
  {
    name: "delivers the messages of one publish in their order",
    requires: ["fifo"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, numbered(300));
      assert.deepEqual(textsOf(await take(driver, queue, 300)), numbered(300));
    },
  },
  {
    name: "delivers in the order of publishing, one by one, whatever the size of a receive",
    runsAlone: true,
    requires: ["fifo"],
    async run({ driver, queue }) {
      for (const text of numbered(60)) await publishTexts(driver, queue, [text]);
      const texts: string[] = [];
      for (let size = 1; texts.length < 60; size += 1) {
        const got = await take(driver, queue, Math.min(size, 60 - texts.length));
        texts.push(...textsOf(got));
        await ackAll(driver, queue, got);
      }
      assert.deepEqual(texts, numbered(60));
    },
  },
  {
    name: "keeps the order of each publisher when many publish at once",
    runsAlone: true,
    requires: ["fifo"],
    async run({ driver, queue }) {
      const publishers = ["a", "b", "c", "d", "e"];
      await Promise.all(
        publishers.map(async (name) => {
          for (const text of numbered(100, name)) await publishTexts(driver, queue, [text]);
        }),
      );
      const texts = textsOf(await take(driver, queue, 500));
      for (const name of publishers) {
        const own = texts.filter((text) => text.startsWith(name));
        assert.deepEqual(own, numbered(100, name));
      }
    },
  },
  {
    name: "delivers a higher priority first and equal ones in their order",
    requires: ["priority", "fifo"],
    async run({ driver, queue }) {
      const top = driver.capabilities.limits.maxPriority;
      const texts = [0, top, 1, 0, top, 1].map((priority, index) => `${priority}/${index}`);
      const priorityOf = (text: string): number => Number(text.split("/")[0]);
      await driver.publish(
        queue,
        texts.map((text) => outgoing(text, { priority: priorityOf(text) })),
      );
      const taken = await take(driver, queue, texts.length);
      const expected = texts.toSorted((a, b) => priorityOf(b) - priorityOf(a));
      assert.deepEqual(textsOf(taken), expected);
      for (const delivery of taken) assert.equal(delivery.priority, priorityOf(textOf(delivery)));
    },
  },
  {
    name: "delivers a higher priority first although it was published later",
    requires: ["priority"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["low"], { priority: 0 });
      await pause(momentMs);
      await publishTexts(driver, queue, ["high"], { priority: 1 });
      assert.deepEqual(textsOf([await takeOne(driver, queue)]), ["high"]);
    },
  },
  {
    name: "keeps the priority of a message that is retried or released",
    requires: ["priority"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["high"], { priority: 1 });
      await publishTexts(driver, queue, ["low"]);
      for (const again of [retry, release]) {
        const delivery = await takeOne(driver, queue);
        assert.equal(textOf(delivery), "high");
        assert.equal(delivery.priority, 1);
        await settleAll(driver, queue, [again(delivery)]);
      }
      assert.equal(textOf(await takeOne(driver, queue)), "high");
    },
  },
  {
    name: "puts a retried message behind those that were ready before it",
    requires: ["fifo"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a", "b", "c"]);
      const first = await takeOne(driver, queue);
      await pause(momentMs);
      await settleAll(driver, queue, [retry(first)]);
      assert.deepEqual(textsOf(await take(driver, queue, 3)), ["b", "c", "a"]);
    },
  },
  {
    name: "puts a released message back into its old place",
    requires: ["fifo"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a", "b", "c"]);
      const [, b] = await take(driver, queue, 2);
      const [c] = await take(driver, queue, 1);
      assert.ok(b && c);
      await publishTexts(driver, queue, ["d"]);
      await pause(momentMs);
      await settleAll(driver, queue, [release(c), release(b)]);
      assert.deepEqual(textsOf(await take(driver, queue, 3)), ["b", "c", "d"]);
    },
  },
  {
    name: "puts a delayed message in the place of its due time",
    requires: ["fifo", "delay"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["due second"], { delayMs: 300 });
      await publishTexts(driver, queue, ["due first"]);
      await pause(500);
      await publishTexts(driver, queue, ["due third"]);
      const texts = textsOf(await take(driver, queue, 3));
      assert.deepEqual(texts, ["due first", "due second", "due third"]);
    },
  },
  {
    name: "delivers messages that are due at the same time in the order of publishing",
    requires: ["fifo", "delay"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, numbered(50), { delayMs: 300 });
      assert.deepEqual(textsOf(await take(driver, queue, 50)), numbered(50));
    },
  },
  {
    name: "puts a message retried with a delay in the place of its due time",
    requires: ["fifo", "delay"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["retried"]);
      await settleAll(driver, queue, [retry(await takeOne(driver, queue), 300)]);
      await publishTexts(driver, queue, ["before"]);
      await pause(500);
      await publishTexts(driver, queue, ["after"]);
      const texts = textsOf(await take(driver, queue, 3));
      assert.deepEqual(texts, ["before", "retried", "after"]);
    },
  },
]);
