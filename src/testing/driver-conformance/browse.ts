import assert from "node:assert/strict";
import { type ConformanceCase, casesOf } from "./conformance-case.ts";
import { ackAll, bury, retry, settleAll, take, takeOne } from "./consumer.ts";
import { expectDepth, method, pause } from "./expectations.ts";
import { numbered, outgoing, publishTexts, textOf, textsOf } from "./sample-messages.ts";

/** What looking at queues promises. */
export const browseCases: readonly ConformanceCase[] = casesOf("browse", [
  {
    name: "peeks without taking anything or counting an attempt",
    requires: ["browse"],
    async run({ driver, queue }) {
      const message = outgoing(Uint8Array.of(0, 255), { headers: { "x-kept": "ü" } });
      await driver.publish(queue, [message]);
      for (let round = 0; round < 3; round += 1) {
        const [shown, ...others] = await method(driver, "peek")(queue, { limit: 10 });
        assert.ok(shown);
        assert.equal(others.length, 0);
        assert.equal(shown.id, message.id);
        assert.ok(Buffer.from(shown.body).equals(message.body));
        assert.deepEqual(shown.headers, message.headers);
        assert.deepEqual([shown.state, shown.attempts, shown.priority], ["ready", 0, 0]);
      }
      await expectDepth(driver, queue, { ready: 1 });
      const delivery = await takeOne(driver, queue);
      assert.equal(delivery.attempt, 1);
    },
  },
  {
    name: "peeks at the messages to be received next, up to the limit",
    requires: ["browse", "fifo"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, numbered(10));
      const peek = method(driver, "peek");
      assert.deepEqual(textsOf(await peek(queue, { limit: 4 })), numbered(4));
      assert.deepEqual(textsOf(await peek(queue, { limit: 100 })), numbered(10));
      assert.deepEqual(textsOf(await take(driver, queue, 10)), numbered(10));
      assert.deepEqual([...(await peek(`${queue}.other`, { limit: 4 }))], []);
    },
  },
  {
    name: "peeks at higher priorities first",
    requires: ["browse", "priority"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["low"]);
      await publishTexts(driver, queue, ["high"], { priority: 1 });
      const shown = await method(driver, "peek")(queue, { limit: 10 });
      assert.deepEqual(textsOf(shown), ["high", "low"]);
      assert.deepEqual(
        shown.map(({ priority }) => priority),
        [1, 0],
      );
    },
  },
  {
    name: "shows ready messages before delayed ones, each with its state and attempts",
    requires: ["browse", "delay"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["retried"]);
      await settleAll(driver, queue, [retry(await takeOne(driver, queue), 3_600_000)]);
      await publishTexts(driver, queue, ["due"], { delayMs: 200 });
      await publishTexts(driver, queue, ["leased"]);
      await takeOne(driver, queue);
      await pause(400);
      const shown = await method(driver, "peek")(queue, { limit: 10 });
      const lines = shown.map((one) => `${textOf(one)}: ${one.state}, ${one.attempts}`);
      // A driver may show leased messages too; it must not call them ready.
      const waiting = lines.filter((line) => line !== "leased: in flight, 1");
      assert.deepEqual(waiting, ["due: ready, 0", "retried: delayed, 1"]);
    },
  },
  {
    name: "purges ready and delayed messages and leaves leased and dead ones",
    requires: ["delay", "deadLetters"],
    needs: ["purge"],
    async run({ driver, queue, freshQueue }) {
      const other = freshQueue();
      await publishTexts(driver, other, ["elsewhere"]);
      await publishTexts(driver, queue, ["dead", "leased", "ready"]);
      await bury(driver, queue, "enough");
      const leased = await takeOne(driver, queue);
      await publishTexts(driver, queue, ["delayed"], { delayMs: 3_600_000 });
      assert.equal(await method(driver, "purge")(queue), 2);
      await expectDepth(driver, queue, { inFlight: 1, dead: 1 });
      await expectDepth(driver, other, { ready: 1 });
      assert.equal(await method(driver, "purge")(queue), 0);
      assert.equal(await method(driver, "purge")(freshQueue()), 0);
      await ackAll(driver, queue, [leased]);
      await publishTexts(driver, queue, ["new"]);
      assert.equal(textOf(await takeOne(driver, queue)), "new");
    },
  },
  {
    name: "lists the queues that hold or held messages in alphabetical order",
    needs: ["queues"],
    async run({ driver, queue, freshQueue }) {
      const emptied = freshQueue();
      await publishTexts(driver, emptied, ["a"]);
      await ackAll(driver, emptied, [await takeOne(driver, emptied)]);
      await publishTexts(driver, queue, ["a"]);
      const names = await method(driver, "queues")();
      assert.deepEqual([...names], [...names].sort());
      assert.ok(names.includes(queue) && names.includes(emptied));
    },
  },
]);
