import assert from "node:assert/strict";
import type { Driver } from "../../core/index.ts";
import { type ConformanceCase, casesOf } from "./conformance-case.ts";
import { ackAll, bury, takeNothing, takeOne } from "./consumer.ts";
import { eventually, expectBetween, expectDepth, method, pause } from "./expectations.ts";
import { outgoing, publishTexts, textOf } from "./sample-messages.ts";

/** How long a connection may take to work again once the broker does. */
const recoveryMs = 10_000;

/** Publishes until it succeeds, as a caller does while a broker is away. */
function publishAgain(driver: Driver, queue: string, text: string): Promise<void> {
  const message = outgoing(text, { deduplicate: true });
  return eventually(() => driver.publish(queue, [message]).then(() => undefined), recoveryMs);
}

/** What survives a restart of the broker, on connections that were open before it. */
export const restartCases: readonly ConformanceCase[] = casesOf(
  "restart",
  (
    [
      {
        name: "keeps delays when the broker restarts",
        requires: ["durable", "delay"],
        async run({ driver, queue, restart }) {
          const publishedAt = Date.now();
          await publishTexts(driver, queue, ["later"], { delayMs: 3_600_000 });
          await publishTexts(driver, queue, ["soon"], { delayMs: 3000 });
          await restart?.();
          await eventually(async () => {
            assert.equal(textOf(await takeOne(driver, queue)), "soon");
          }, recoveryMs * 2);
          expectBetween(Date.now() - publishedAt, 2970, 120_000, "the delay");
          await takeNothing(driver, queue);
        },
      },
      {
        name: "gives a message that was leased when the broker restarts to somebody again",
        requires: ["durable"],
        async run({ driver, queue, restart }) {
          await publishTexts(driver, queue, ["leased"]);
          const first = await takeOne(driver, queue, { leaseMs: 1500 });
          await restart?.();
          await eventually(async () => {
            const again = await takeOne(driver, queue);
            assert.equal(again.id, first.id);
            await ackAll(driver, queue, [again]);
          }, recoveryMs * 2);
        },
      },
      {
        name: "keeps dead letters with their reason when the broker restarts",
        requires: ["durable", "deadLetters"],
        async run({ driver, queue, restart }) {
          await publishTexts(driver, queue, ["dead"]);
          await bury(driver, queue, "enough");
          await restart?.();
          await eventually(async () => {
            const [letter] = await method(driver, "deadLetters")(queue, { limit: 10 });
            assert.equal(letter?.reason, "enough");
          }, recoveryMs);
        },
      },
      {
        name: "remembers ids when the broker restarts",
        requires: ["durable", "deduplication"],
        async run({ driver, queue, restart }) {
          const message = outgoing("one", { id: "one", deduplicate: true });
          await driver.publish(queue, [message]);
          await ackAll(driver, queue, [await takeOne(driver, queue)]);
          await restart?.();
          await eventually(async () => {
            assert.deepEqual([...(await driver.publish(queue, [message]))], ["one"]);
          }, recoveryMs);
          await takeNothing(driver, queue);
        },
      },
      {
        name: "wakes a watcher again after the broker restarts",
        requires: ["durable", "wakeUp"],
        async run({ driver, queue, open, restart }) {
          const other = await open();
          let rings = 0;
          method(driver, "watch")(queue, () => {
            rings += 1;
          });
          await restart?.();
          await publishAgain(other, queue, "a");
          await eventually(async () => assert.ok(rings > 0, "a ring"), recoveryMs);
          // Being back is a reason to ring; so is the next message.
          await pause(1000);
          const before = rings;
          await publishAgain(other, queue, "b");
          await eventually(async () => assert.ok(rings > before, "another ring"), recoveryMs);
        },
      },
      {
        name: "counts again after the broker restarts",
        requires: ["durable"],
        async run({ driver, queue, restart }) {
          await publishTexts(driver, queue, ["a", "b"]);
          await restart?.();
          await eventually(() => expectDepth(driver, queue, { ready: 2 }), recoveryMs * 2);
        },
      },
    ] satisfies readonly Omit<ConformanceCase, "area">[]
  ).map((entry) => ({ ...entry, needs: ["restart"], runsAlone: true, timeoutMs: 120_000 })),
);
