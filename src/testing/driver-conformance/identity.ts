import assert from "node:assert/strict";
import type { Driver } from "../../core/index.ts";
import { type ConformanceCase, casesOf } from "./conformance-case.ts";
import { ackAll, bury, take, takeNothing, takeOne } from "./consumer.ts";
import { expectDepth } from "./expectations.ts";
import { numbered, outgoing, textOf, textsOf } from "./sample-messages.ts";

/** Publishes with an id that the caller chose, and expects that id back whether or not it was stored. */
async function publishOnce(
  driver: Driver,
  queue: string,
  id: string,
  fields: { readonly text?: string; readonly delayMs?: number } = {},
): Promise<void> {
  const { text = id, delayMs = 0 } = fields;
  const message = outgoing(text, { id, delayMs, deduplicate: true });
  assert.deepEqual([...(await driver.publish(queue, [message]))], [id]);
}

/** What a chosen id promises. */
export const identityCases: readonly ConformanceCase[] = casesOf("identity", [
  {
    name: "stores a message once when its id is published again while it waits",
    requires: ["deduplication"],
    async run({ driver, queue }) {
      await publishOnce(driver, queue, "one", { text: "first" });
      await publishOnce(driver, queue, "one", { text: "second" });
      assert.equal(textOf(await takeOne(driver, queue)), "first");
      await takeNothing(driver, queue);
    },
  },
  {
    name: "stores a message once when its id is published again while it is delayed",
    requires: ["deduplication", "delay"],
    async run({ driver, queue }) {
      await publishOnce(driver, queue, "one", { delayMs: 3_600_000 });
      await publishOnce(driver, queue, "one");
      await takeNothing(driver, queue);
      await expectDepth(driver, queue, { delayed: 1 });
    },
  },
  {
    name: "stores a message once when its id is published again while it runs",
    requires: ["deduplication"],
    async run({ driver, queue }) {
      await publishOnce(driver, queue, "one");
      const delivery = await takeOne(driver, queue);
      await publishOnce(driver, queue, "one");
      await takeNothing(driver, queue);
      await ackAll(driver, queue, [delivery]);
    },
  },
  {
    name: "drops a message whose id was published lately although that one is done",
    requires: ["deduplication"],
    async run({ driver, queue }) {
      await publishOnce(driver, queue, "one");
      await ackAll(driver, queue, [await takeOne(driver, queue)]);
      await publishOnce(driver, queue, "one");
      await takeNothing(driver, queue);
      await expectDepth(driver, queue, {});
    },
  },
  {
    name: "drops a message whose id was published lately although that one is dead",
    requires: ["deduplication", "deadLetters"],
    async run({ driver, queue }) {
      await publishOnce(driver, queue, "one");
      await bury(driver, queue, "enough");
      await publishOnce(driver, queue, "one");
      await expectDepth(driver, queue, { dead: 1 });
    },
  },
  {
    name: "stores an id once that comes twice in one call",
    requires: ["deduplication"],
    async run({ driver, queue }) {
      const texts = ["a", "b", "a", "c", "b"];
      const messages = texts.map((id, index) =>
        outgoing(`${id}${index}`, { id, deduplicate: true }),
      );
      assert.deepEqual([...(await driver.publish(queue, messages))], texts);
      assert.deepEqual([...textsOf(await take(driver, queue, 3))].sort(), ["a0", "b1", "c3"]);
      await takeNothing(driver, queue);
    },
  },
  {
    name: "completes a batch that is sent again after a doubt",
    requires: ["deduplication"],
    async run({ driver, queue }) {
      const batch = numbered(10).map((id) => outgoing(id, { id, deduplicate: true }));
      await driver.publish(queue, batch.slice(0, 6));
      const ids = await driver.publish(queue, batch);
      assert.deepEqual([...ids], [...numbered(10)]);
      assert.deepEqual([...textsOf(await take(driver, queue, 10))].sort(), [...numbered(10)]);
      await takeNothing(driver, queue);
    },
  },
  {
    name: "stores an id once that many connections publish at the same time",
    requires: ["deduplication"],
    async run({ driver, queue, open }) {
      const drivers = await Promise.all(numbered(5).map(() => open()));
      await Promise.all(
        [...drivers, ...drivers, ...drivers].map((own) => publishOnce(own, queue, "one")),
      );
      await takeOne(driver, queue);
      await takeNothing(driver, queue);
    },
  },
  {
    name: "stores each id once when batches that overlap are published at the same time",
    requires: ["deduplication"],
    async run({ driver, queue, open }) {
      const drivers = [driver, await open(), await open()];
      const batch = numbered(40).map((id) => outgoing(id, { id, deduplicate: true }));
      for (let round = 0; round < 5; round += 1) {
        // In opposite orders: whoever locks as it goes must not lock itself out.
        await Promise.all(
          drivers.flatMap((own) => [
            own.publish(queue, batch),
            own.publish(queue, batch.toReversed()),
          ]),
        );
      }
      const texts = textsOf(await take(driver, queue, 40));
      assert.deepEqual([...texts].sort(), [...numbered(40)].sort());
      await takeNothing(driver, queue);
    },
  },
  {
    name: "takes the same id in another queue for another message",
    requires: ["deduplication"],
    async run({ driver, queue, freshQueue }) {
      const other = freshQueue();
      await publishOnce(driver, queue, "one", { text: "here" });
      await publishOnce(driver, other, "one", { text: "there" });
      assert.equal(textOf(await takeOne(driver, queue)), "here");
      assert.equal(textOf(await takeOne(driver, other)), "there");
    },
  },
  {
    name: "drops nothing that does not ask for it",
    requires: ["deduplication"],
    async run({ driver, queue }) {
      for (const deduplicate of [false, false, true])
        await driver.publish(queue, [outgoing("kept", { id: "one", deduplicate })]);
      assert.equal((await take(driver, queue, 3)).length, 3);
    },
  },
  {
    name: "remembers ids when all connections close and come back",
    requires: ["deduplication", "durable"],
    async run({ driver, queue, open }) {
      await publishOnce(driver, queue, "done");
      await ackAll(driver, queue, [await takeOne(driver, queue)]);
      await publishOnce(driver, queue, "waiting");
      await driver.close();
      const reopened = await open();
      await publishOnce(reopened, queue, "done");
      await publishOnce(reopened, queue, "waiting");
      assert.equal((await takeOne(reopened, queue)).id, "waiting");
      await takeNothing(reopened, queue);
    },
  },
]);
