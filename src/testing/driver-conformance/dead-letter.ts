import assert from "node:assert/strict";
import { type ConformanceCase, casesOf } from "./conformance-case.ts";
import {
  ackAll,
  bury,
  failureOf,
  retry,
  settleAll,
  take,
  takeNothing,
  takeOne,
} from "./consumer.ts";
import { expectDepth, method, pause } from "./expectations.ts";
import { outgoing, publishTexts, textOf, textsOf } from "./sample-messages.ts";

const all = {};

/** What becomes of messages that no longer run by themselves. */
export const deadLetterCases: readonly ConformanceCase[] = casesOf("dead-letter", [
  {
    name: "does not deliver a dead letter",
    requires: ["deadLetters"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["poison", "fine"]);
      const buried = await bury(driver, queue, "enough");
      const next = await takeOne(driver, queue);
      assert.notEqual(next.id, buried.id);
      await takeNothing(driver, queue);
      await expectDepth(driver, queue, { inFlight: 1, dead: 1 });
    },
  },
  {
    name: "keeps a dead letter whole: id, body, headers, attempts, reason, time and history",
    requires: ["deadLetters"],
    async run({ driver, queue }) {
      const message = outgoing(Uint8Array.of(0, 255, 10), { headers: { "x-kept": "ü 🚀" } });
      await driver.publish(queue, [message]);
      const first = await takeOne(driver, queue);
      const failure = failureOf(first, "it broke");
      await settleAll(driver, queue, [retry(first, 0, failure)]);
      const before = Date.now();
      const second = await bury(driver, queue, "broke twice: ü 🚀", "it broke again");
      const letters = await method(driver, "deadLetters")(queue, { limit: 10 });
      assert.equal(letters.length, 1);
      const [letter] = letters;
      assert.ok(letter);
      assert.equal(letter.id, message.id);
      assert.equal(letter.queue, queue);
      assert.ok(Buffer.from(letter.body).equals(message.body));
      assert.deepEqual(letter.headers, message.headers);
      assert.equal(letter.attempts, 2);
      assert.equal(letter.reason, "broke twice: ü 🚀");
      assert.equal(letter.publishedAt, second.publishedAt);
      assert.ok(Math.abs(letter.deadAt - before) < 4_000_000, `died today; got ${letter.deadAt}`);
      if (driver.capabilities.failureHistory === "none") return;
      assert.deepEqual(letter.history[0], failure);
      assert.deepEqual(
        letter.history.map(({ attempt, error }) => [attempt, error]),
        [
          [1, "it broke"],
          [2, "it broke again"],
        ],
      );
    },
  },
  {
    name: "lists the oldest dead letters first, up to the limit",
    requires: ["deadLetters"],
    async run({ driver, queue }) {
      for (const text of ["a", "b", "c"]) {
        await publishTexts(driver, queue, [text]);
        await bury(driver, queue, `${text} failed`);
        await pause(5);
      }
      const list = method(driver, "deadLetters");
      assert.deepEqual(textsOf(await list(queue, { limit: 10 })), ["a", "b", "c"]);
      assert.deepEqual(textsOf(await list(queue, { limit: 2 })), ["a", "b"]);
      assert.deepEqual([...(await list(`${queue}.other`, { limit: 10 }))], []);
    },
  },
  {
    name: "redrives all dead letters with attempts anew, everything else kept",
    requires: ["deadLetters"],
    async run({ driver, queue }) {
      const message = outgoing("body", { headers: { "x-kept": "yes" }, deduplicate: true });
      await driver.publish(queue, [message]);
      await settleAll(driver, queue, [retry(await takeOne(driver, queue))]);
      await bury(driver, queue, "enough", "it broke");
      assert.equal(await method(driver, "redrive")(queue, all), 1);
      await expectDepth(driver, queue, { ready: 1 });
      const delivery = await takeOne(driver, queue);
      assert.equal(delivery.id, message.id);
      assert.equal(textOf(delivery), "body");
      assert.deepEqual(delivery.headers, message.headers);
      assert.equal(delivery.attempt, 1);
      if (driver.capabilities.failureHistory !== "none") {
        const told = delivery.history.map(({ attempt, error }) => [attempt, error]);
        assert.deepEqual(told, [[2, "it broke"]]);
      }
      await ackAll(driver, queue, [delivery]);
      await expectDepth(driver, queue, {});
    },
  },
  {
    name: "redrives only the dead letters with the given ids",
    requires: ["deadLetters"],
    async run({ driver, queue }) {
      const [, second] = await publishTexts(driver, queue, ["a", "b", "c"]);
      for (let count = 0; count < 3; count += 1) await bury(driver, queue, "enough");
      const redrive = method(driver, "redrive");
      assert.equal(await redrive(queue, { ids: [] }), 0);
      assert.equal(await redrive(queue, { ids: ["nobody", `'"\\;--`] }), 0);
      assert.equal(await redrive(`${queue}.other`, all), 0);
      assert.equal(await redrive(queue, { ids: [second ?? "", "nobody"] }), 1);
      await expectDepth(driver, queue, { ready: 1, dead: 2 });
      assert.equal((await takeOne(driver, queue)).id, second);
    },
  },
  {
    name: "redrives into the original order",
    requires: ["deadLetters", "fifo"],
    async run({ driver, queue }) {
      for (const text of ["a", "b", "c", "d"]) {
        await publishTexts(driver, queue, [text]);
        await pause(3);
      }
      const [a, b, c] = await take(driver, queue, 3);
      assert.ok(a && b && c);
      // They die in another order than they came in.
      for (const { receipt } of [c, a, b]) {
        const outcome = { outcome: "dead-letter", reason: "enough" } as const;
        await settleAll(driver, queue, [{ receipt, ...outcome }]);
        await pause(3);
      }
      await method(driver, "redrive")(queue, all);
      assert.deepEqual(textsOf(await take(driver, queue, 4)), ["a", "b", "c", "d"]);
    },
  },
  {
    name: "redrives with the original priority",
    requires: ["deadLetters", "priority"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["high"], { priority: 1 });
      await bury(driver, queue, "enough");
      await publishTexts(driver, queue, ["low"]);
      await method(driver, "redrive")(queue, all);
      const delivery = await takeOne(driver, queue);
      assert.equal(textOf(delivery), "high");
      assert.equal(delivery.priority, 1);
    },
  },
  {
    name: "lets a redriven message die again, with the reason of its last death",
    requires: ["deadLetters"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["poison"]);
      for (const reason of ["first", "second"]) {
        await bury(driver, queue, reason);
        const [letter, ...others] = await method(driver, "deadLetters")(queue, { limit: 10 });
        assert.equal(letter?.reason, reason);
        assert.equal(letter?.attempts, 1);
        assert.equal(others.length, 0);
        await method(driver, "redrive")(queue, all);
      }
      await expectDepth(driver, queue, { ready: 1 });
    },
  },
  {
    name: "purges dead letters: those with the given ids, then all",
    requires: ["deadLetters"],
    async run({ driver, queue }) {
      const [first] = await publishTexts(driver, queue, ["a", "b", "c", "d"]);
      for (let count = 0; count < 3; count += 1) await bury(driver, queue, "enough");
      const purge = method(driver, "purgeDeadLetters");
      const letters = await method(driver, "deadLetters")(queue, { limit: 10 });
      const chosen = letters.find(({ id }) => id === first) ?? letters[0];
      assert.equal(await purge(queue, { ids: [chosen?.id ?? "", "nobody"] }), 1);
      await expectDepth(driver, queue, { ready: 1, dead: 2 });
      assert.equal(await purge(queue, { ids: [] }), 0);
      assert.equal(await purge(`${queue}.other`, all), 0);
      assert.equal(await purge(queue, all), 2);
      await expectDepth(driver, queue, { ready: 1 });
      assert.equal(await method(driver, "redrive")(queue, all), 0);
    },
  },
]);
