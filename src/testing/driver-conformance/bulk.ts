import assert from "node:assert/strict";
import { type ConformanceCase, casesOf } from "./conformance-case.ts";
import { ack, bury, deadLetter, longLeaseMs, settleAll, take, takeNothing } from "./consumer.ts";
import { expectDepth, method } from "./expectations.ts";
import { numbered, outgoing, publishTexts, textsOf } from "./sample-messages.ts";

/** More than any driver may reasonably do in one step of its own, so that one that works in steps takes several. */
const many = 1200;
const several = 300;

/** Publishes `count` texts in as many calls as the driver's batch size asks for. */
async function publishMany(
  { driver, queue }: Pick<Parameters<ConformanceCase["run"]>[0], "driver" | "queue">,
  count: number,
): Promise<readonly string[]> {
  const texts = numbered(count);
  const size = driver.capabilities.limits.maxPublishBatch;
  for (let start = 0; start < count; start += size)
    await publishTexts(driver, queue, texts.slice(start, start + size));
  return texts;
}

/** What holds for many messages in one call. */
export const bulkCases: readonly ConformanceCase[] = casesOf("bulk", [
  {
    name: "settles a thousand deliveries in one call",
    async run({ driver, queue }) {
      await publishMany({ driver, queue }, many);
      const taken = await take(driver, queue, many);
      await settleAll(driver, queue, taken.map(ack));
      const again = await driver.settle(queue, taken.map(ack));
      assert.ok(!again.includes(true), "none is settled twice");
      await expectDepth(driver, queue, {});
    },
  },
  {
    name: "extends a thousand leases in one call",
    requires: ["leaseExtension"],
    async run({ driver, queue }) {
      await publishMany({ driver, queue }, many);
      const taken = await take(driver, queue, many);
      await settleAll(driver, queue, taken.slice(0, 1).map(ack));
      const receipts = taken.map(({ receipt }) => receipt);
      const answers = await method(driver, "extend")(queue, receipts, longLeaseMs);
      assert.deepEqual(
        [...answers],
        taken.map((_delivery, index) => index > 0),
      );
    },
  },
  {
    name: "delivers fifty bodies of 200 kB that were published in one call",
    async run({ driver, queue }) {
      const { maxBodyBytes, maxPublishBatch } = driver.capabilities.limits;
      const size = Math.min(200_000, maxBodyBytes);
      const texts = numbered(Math.min(50, maxPublishBatch)).map((text) => text.padEnd(size, "."));
      await publishTexts(driver, queue, texts);
      const got = textsOf(await take(driver, queue, texts.length));
      assert.ok(
        texts.every((text) => got.includes(text)),
        "every body is there, whole",
      );
    },
  },
  {
    name: "lists, redrives and purges hundreds of dead letters",
    requires: ["deadLetters"],
    async run({ driver, queue }) {
      const texts = await publishMany({ driver, queue }, several);
      const taken = await take(driver, queue, several);
      await settleAll(
        driver,
        queue,
        taken.map((delivery) => deadLetter(delivery, "enough")),
      );
      const letters = await method(driver, "deadLetters")(queue, { limit: several * 2 });
      assert.deepEqual([...textsOf(letters)].sort(), [...texts].sort());
      const half = letters.slice(0, several / 2).map(({ id }) => id);
      assert.equal(await method(driver, "redrive")(queue, { ids: half }), several / 2);
      await expectDepth(driver, queue, { ready: several / 2, dead: several / 2 });
      assert.equal(await method(driver, "redrive")(queue, {}), several / 2);
      assert.equal(new Set(textsOf(await take(driver, queue, several))).size, several);
    },
  },
  {
    name: "redrives hundreds of dead letters into the original order",
    requires: ["deadLetters", "fifo"],
    async run({ driver, queue }) {
      const texts = await publishMany({ driver, queue }, several);
      const taken = await take(driver, queue, several);
      const buried = taken.map((delivery) => deadLetter(delivery, "enough"));
      await settleAll(driver, queue, buried.toReversed());
      await method(driver, "redrive")(queue, {});
      assert.deepEqual(textsOf(await take(driver, queue, several)), texts);
    },
  },
  {
    name: "redrives each dead letter once when several do it at the same time",
    requires: ["deadLetters"],
    async run({ driver, queue, open }) {
      await publishTexts(driver, queue, numbered(20));
      for (let count = 0; count < 20; count += 1) await bury(driver, queue, "enough");
      const drivers = [driver, await open(), await open()];
      const counts = await Promise.all(drivers.map((own) => method(own, "redrive")(queue, {})));
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        20,
        `each is counted once: ${counts}`,
      );
      assert.equal(new Set(textsOf(await take(driver, queue, 20))).size, 20);
      await takeNothing(driver, queue);
    },
  },
  {
    name: "takes hundreds of calls at the same time on one connection",
    async run({ driver, queue }) {
      const texts = numbered(several);
      await Promise.all(texts.map((text) => driver.publish(queue, [outgoing(text)])));
      const taken = await Promise.all(texts.map(() => take(driver, queue, 1)));
      assert.equal(new Set(textsOf(taken.flat())).size, several);
      await Promise.all(taken.map((one) => settleAll(driver, queue, one.map(ack))));
      await expectDepth(driver, queue, {});
    },
  },
]);
