import assert from "node:assert/strict";
import { supportNames } from "../../core/index.ts";
import { type ConformanceCase, casesOf } from "./conformance-case.ts";
import { ackAll, takeOne } from "./consumer.ts";
import { expectDepth } from "./expectations.ts";
import { methodsOf } from "./methods-of.ts";
import { publishTexts } from "./sample-messages.ts";

/** Receipts that no driver gave, or gave in another form. */
function foreignReceipts(receipt: string): readonly string[] {
  return [
    "",
    " ",
    "0",
    "-1",
    "1.5",
    "99999999999999999999",
    "null",
    "1/1",
    "1:1",
    "1.1",
    `${receipt}0`,
    `${receipt} OR 1=1`,
    `'; DROP TABLE sluice_messages; --`,
    "🚀",
    "x".repeat(10_000),
  ];
}

/** What a driver says about itself, and how it takes nonsense. */
export const errorCases: readonly ConformanceCase[] = casesOf("errors", [
  {
    name: "has a name, and limits that can be kept",
    async run({ driver }) {
      const { limits, priority, delay } = driver.capabilities;
      assert.match(driver.name, /^[a-z][a-z0-9-]*$/);
      assert.ok(limits.maxBodyBytes >= 1);
      assert.ok(limits.maxHeaderBytes >= 0);
      assert.ok(limits.maxPublishBatch >= 1);
      assert.equal(limits.maxPriority > 0, priority !== "none", "maxPriority goes with priority");
      assert.equal(limits.maxDelayMs > 0, delay !== "none", "maxDelayMs goes with delay");
    },
  },
  {
    name: "has the methods of the capabilities that it declares, and of no others",
    async run({ driver }) {
      for (const name of supportNames) {
        const isDeclared = driver.capabilities[name] !== "none";
        for (const method of methodsOf[name] ?? []) {
          const isThere = driver[method] !== undefined;
          assert.equal(isThere, isDeclared, `${method} belongs to ${name}`);
        }
      }
    },
  },
  {
    name: "refuses receipts that it never gave, and changes nothing",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a"]);
      const held = await takeOne(driver, queue);
      const foreign = foreignReceipts(held.receipt);
      const settlements = foreign.map((receipt) => ({ receipt, outcome: "ack" }) as const);
      const refused = foreign.map(() => false);
      assert.deepEqual([...(await driver.settle(queue, settlements))], refused);
      if (driver.extend !== undefined)
        assert.deepEqual([...(await driver.extend(queue, foreign, 60_000))], refused);
      await expectDepth(driver, queue, { inFlight: 1 });
      await ackAll(driver, queue, [held]);
    },
  },
]);
