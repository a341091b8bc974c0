import assert from "node:assert/strict";
import { type Failure, failureTextLimit, historyLimit } from "../../core/index.ts";
import { type ConformanceCase, casesOf } from "./conformance-case.ts";
import {
  ack,
  ackAll,
  deadLetter,
  failureOf,
  release,
  retry,
  settleAll,
  take,
  takeNothing,
  takeOne,
} from "./consumer.ts";
import { expectBetween, expectDepth, pause } from "./expectations.ts";
import { outgoing, publishTexts, textOf, textsOf } from "./sample-messages.ts";

const hourMs = 3_600_000;

/** What settle promises. */
export const settleCases: readonly ConformanceCase[] = casesOf("settle", [
  {
    name: "removes a message that is acknowledged for good",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["done"]);
      await ackAll(driver, queue, [await takeOne(driver, queue, { leaseMs: 400 })]);
      await expectDepth(driver, queue, {});
      await pause(600);
      await takeNothing(driver, queue);
    },
  },
  {
    name: "leaves the other messages alone when one is acknowledged",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a", "b", "c"]);
      const first = await takeOne(driver, queue);
      await ackAll(driver, queue, [first]);
      const rest = textsOf(await take(driver, queue, 2));
      assert.deepEqual([...rest, textOf(first)].sort(), ["a", "b", "c"]);
    },
  },
  {
    name: "refuses a second settlement of the same delivery",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a", "b"]);
      const [a, b] = await take(driver, queue, 2);
      assert.ok(a && b);
      await ackAll(driver, queue, [a]);
      assert.deepEqual([...(await driver.settle(queue, [ack(a)]))], [false]);
      assert.deepEqual([...(await driver.settle(queue, [ack(b), retry(b)]))], [true, false]);
      await takeNothing(driver, queue);
      await expectDepth(driver, queue, {});
    },
  },
  {
    name: "lets only one of two simultaneous settlements take effect",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a"]);
      const delivery = await takeOne(driver, queue);
      const both = [driver.settle(queue, [ack(delivery)]), driver.settle(queue, [ack(delivery)])];
      const answers = (await Promise.all(both)).flat();
      assert.deepEqual(answers.sort(), [false, true]);
    },
  },
  {
    name: "makes a retried message ready at once when there is no delay",
    async run({ driver, queue }) {
      await driver.publish(queue, [outgoing("body", { headers: { "x-kept": "yes" } })]);
      const first = await takeOne(driver, queue);
      await settleAll(driver, queue, [retry(first, 0, failureOf(first, "it broke"))]);
      const second = await takeOne(driver, queue);
      assert.equal(second.id, first.id);
      assert.equal(textOf(second), "body");
      assert.deepEqual(second.headers, { "x-kept": "yes" });
      assert.equal(second.attempt, 2);
      assert.equal(second.publishedAt, first.publishedAt);
    },
  },
  {
    name: "keeps a retried message back until its delay is over",
    requires: ["delay"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["later"]);
      const first = await takeOne(driver, queue);
      const retriedAt = Date.now();
      await settleAll(driver, queue, [retry(first, 600)]);
      await takeNothing(driver, queue, 200);
      assert.equal((await takeOne(driver, queue)).attempt, 2);
      expectBetween(Date.now() - retriedAt, 570, 5000, "the retry");
    },
  },
  {
    name: "carries the failures of earlier attempts, the oldest first",
    requires: ["failureHistory"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["poor"]);
      const failures: Failure[] = [];
      for (const error of ["first: ü 🚀", "second"]) {
        const delivery = await takeOne(driver, queue);
        assert.deepEqual([...delivery.history], failures);
        const failure = failureOf(delivery, error);
        failures.push(failure);
        await settleAll(driver, queue, [retry(delivery, 0, failure)]);
      }
      assert.deepEqual([...(await takeOne(driver, queue)).history], failures);
    },
  },
  {
    name: "records no failure for a retry that tells none",
    requires: ["failureHistory"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a"]);
      await settleAll(driver, queue, [retry(await takeOne(driver, queue))]);
      assert.deepEqual([...(await takeOne(driver, queue)).history], []);
    },
  },
  {
    name: "keeps the latest failures and cuts long texts, so that no message grows without end",
    requires: ["failureHistory"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["poor"]);
      const rounds = historyLimit + 3;
      for (let round = 1; round <= rounds; round += 1) {
        const delivery = await takeOne(driver, queue);
        const error = `${round} ${"x".repeat(failureTextLimit)}`;
        await settleAll(driver, queue, [retry(delivery, 0, failureOf(delivery, error))]);
      }
      const { history } = await takeOne(driver, queue);
      const expected = Array.from({ length: historyLimit }, (_, index) => index + 4);
      assert.deepEqual(
        history.map((failure) => failure.attempt),
        expected,
      );
      assert.ok(history.every((failure) => failure.error.length === failureTextLimit));
    },
  },
  {
    name: "gives the attempt back when a message is released",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a"]);
      for (let round = 0; round < 3; round += 1) {
        const delivery = await takeOne(driver, queue);
        assert.equal(delivery.attempt, 1);
        assert.deepEqual([...delivery.history], []);
        await settleAll(driver, queue, [release(delivery)]);
      }
      await settleAll(driver, queue, [retry(await takeOne(driver, queue))]);
      const second = await takeOne(driver, queue);
      assert.equal(second.attempt, 2);
      await settleAll(driver, queue, [release(second)]);
      assert.equal((await takeOne(driver, queue)).attempt, 2);
    },
  },
  {
    name: "never accepts the receipt of a released delivery again",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a"]);
      const first = await takeOne(driver, queue);
      await settleAll(driver, queue, [release(first)]);
      const second = await takeOne(driver, queue);
      assert.deepEqual([...(await driver.settle(queue, [ack(first)]))], [false]);
      await ackAll(driver, queue, [second]);
    },
  },
  {
    name: "settles many deliveries in one call, each in its own way",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a", "b", "c", "d", "e"]);
      const [a, b, c, d, e] = await take(driver, queue, 5);
      assert.ok(a && b && c && d && e);
      const answers = await driver.settle(queue, [
        ack(a),
        { receipt: "no receipt of anybody", outcome: "ack" },
        retry(b),
        release(c),
        deadLetter(d, "enough"),
        ack(a),
      ]);
      assert.deepEqual([...answers], [true, false, true, true, true, false]);
      await expectDepth(driver, queue, { ready: 2, inFlight: 1, dead: 1 });
      const again = await take(driver, queue, 2);
      assert.deepEqual(
        again.map(({ id, attempt }) => [id, attempt]).sort(),
        [[b.id, 2] as const, [c.id, 1] as const].sort(),
      );
      await ackAll(driver, queue, [e]);
    },
  },
  {
    name: "answers an empty list with an empty list",
    async run({ driver, queue }) {
      assert.deepEqual([...(await driver.settle(queue, []))], []);
    },
  },
  {
    name: "refuses receipts of another queue, and changes nothing in either",
    async run({ driver, queue, freshQueue }) {
      const other = freshQueue();
      await publishTexts(driver, queue, ["mine"]);
      await publishTexts(driver, other, ["theirs"]);
      const mine = await takeOne(driver, queue);
      await takeOne(driver, other);
      assert.deepEqual([...(await driver.settle(other, [ack(mine)]))], [false]);
      await expectDepth(driver, queue, { inFlight: 1 });
      await expectDepth(driver, other, { inFlight: 1 });
      await ackAll(driver, queue, [mine]);
    },
  },
  {
    name: "frees a delayed message of no lease: its old receipt is refused",
    requires: ["delay"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a"]);
      const first = await takeOne(driver, queue);
      await settleAll(driver, queue, [retry(first, hourMs)]);
      assert.deepEqual([...(await driver.settle(queue, [ack(first)]))], [false]);
      await expectDepth(driver, queue, { delayed: 1 });
    },
  },
]);
