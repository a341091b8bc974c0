import assert from "node:assert/strict";
import { type ConformanceCase, casesOf } from "./conformance-case.ts";
import { ackAll, bury, retry, settleAll, takeOne } from "./consumer.ts";
import { eventually, expectDepth, method } from "./expectations.ts";
import { outgoing, publishTexts } from "./sample-messages.ts";

const minuteMs = 60_000;

/** What the due times of delayed messages promise. */
export const dueTimeCases: readonly ConformanceCase[] = casesOf("due times", [
  {
    name: "counts delayed messages by when they become ready, those of all earlier edges included",
    requires: ["delay"],
    needs: ["dueWithin"],
    async run({ driver, queue, freshQueue }) {
      const delays = [1, 2, 2, 5, 90].map((minutes) => minutes * minuteMs);
      await driver.publish(
        queue,
        delays.map((delayMs) => outgoing("later", { delayMs })),
      );
      await publishTexts(driver, freshQueue(), ["elsewhere"], { delayMs: minuteMs });
      const edges = [0, 30_000, 1.5 * minuteMs, 3 * minuteMs, 3.5 * minuteMs, 60 * minuteMs];
      const due = await method(driver, "dueWithin")(queue, edges);
      assert.deepEqual([...due], [0, 0, 1, 3, 3, 4]);
      assert.deepEqual([...(await method(driver, "dueWithin")(queue, []))], []);
    },
  },
  {
    name: "counts as due neither what is ready, leased or dead, nor what nobody published",
    requires: ["delay", "deadLetters"],
    needs: ["dueWithin"],
    async run({ driver, queue, freshQueue }) {
      await publishTexts(driver, queue, ["dead"]);
      await bury(driver, queue, "enough");
      await publishTexts(driver, queue, ["leased"]);
      const leased = await takeOne(driver, queue);
      await publishTexts(driver, queue, ["again"]);
      const again = await takeOne(driver, queue);
      await publishTexts(driver, queue, ["ready"]);
      const dueWithin = method(driver, "dueWithin");
      assert.deepEqual([...(await dueWithin(queue, [120 * minuteMs]))], [0]);
      await settleAll(driver, queue, [retry(again, minuteMs)]);
      assert.deepEqual([...(await dueWithin(queue, [30_000, 2 * minuteMs]))], [0, 1]);
      await ackAll(driver, queue, [leased]);
      assert.deepEqual([...(await dueWithin(queue, [30_000, 2 * minuteMs]))], [0, 1]);
      assert.deepEqual([...(await dueWithin(freshQueue(), [1000, 2000]))], [0, 0]);
    },
  },
  {
    name: "counts a message as due no longer once its delay is over, whether or not it was looked at",
    requires: ["delay"],
    needs: ["dueWithin"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["soon"], { delayMs: 1500 });
      await publishTexts(driver, queue, ["later"], { delayMs: 5 * minuteMs });
      const dueWithin = method(driver, "dueWithin");
      const edges = [minuteMs, 10 * minuteMs];
      assert.deepEqual([...(await dueWithin(queue, edges))], [1, 2]);
      await eventually(async () => assert.deepEqual([...(await dueWithin(queue, edges))], [0, 1]));
      await expectDepth(driver, queue, { ready: 1, delayed: 1 });
    },
  },
]);
