import assert from "node:assert/strict";
import type { Settlement } from "../../core/index.ts";
import { type ConformanceCase, casesOf } from "./conformance-case.ts";
import {
  ack,
  ackAll,
  deadLetter,
  release,
  retry,
  settleAll,
  shortLeaseMs,
  take,
  takeNothing,
  takeOne,
} from "./consumer.ts";
import { expectBetween, expectDepth, method, pause } from "./expectations.ts";
import { publishTexts, textOf, textsOf } from "./sample-messages.ts";

const short = { leaseMs: shortLeaseMs };

/** Timers of a server and of this process may disagree by a little. */
const toleranceMs = 30;

/** What a lease promises. */
export const leaseCases: readonly ConformanceCase[] = casesOf("lease", [
  {
    name: "redelivers a message with its attempt counted when its lease runs out, and not before",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["again"]);
      const startedAt = Date.now();
      const first = await takeOne(driver, queue, short);
      const second = await takeOne(driver, queue);
      expectBetween(Date.now() - startedAt, shortLeaseMs - toleranceMs, 5000, "the redelivery");
      assert.equal(second.id, first.id);
      assert.equal(second.attempt, 2);
      assert.deepEqual([...second.history], [], "a lost lease is no recorded failure");
    },
  },
  {
    name: "redelivers to another connection when the lease runs out",
    async run({ driver, queue, open }) {
      const other = await open();
      await publishTexts(driver, queue, ["again"]);
      await takeOne(driver, queue, short);
      assert.equal((await takeOne(other, queue)).attempt, 2);
    },
  },
  {
    name: "counts every lost lease as an attempt",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["again"]);
      for (const attempt of [1, 2, 3]) {
        const delivery = await takeOne(driver, queue, { leaseMs: 300 });
        assert.equal(delivery.attempt, attempt);
      }
    },
  },
  {
    name: "gives each message back at the end of its own lease",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["long", "short"]);
      const long = await takeOne(driver, queue);
      const shorter = await takeOne(driver, queue, short);
      assert.equal((await takeOne(driver, queue)).id, shorter.id);
      await ackAll(driver, queue, [long]);
    },
  },
  {
    name: "gives a message back into its old place when its lease runs out",
    requires: ["fifo"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a", "b"]);
      await takeOne(driver, queue, short);
      await pause(shortLeaseMs + 300);
      assert.deepEqual(textsOf(await take(driver, queue, 2)), ["a", "b"]);
    },
  },
  {
    name: "counts a message as ready as soon as its lease ran out",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a"]);
      await takeOne(driver, queue, short);
      await expectDepth(driver, queue, { inFlight: 1 });
      await pause(shortLeaseMs + 200);
      await expectDepth(driver, queue, { ready: 1 });
    },
  },
  ...lostLeaseCases(),
  {
    name: "lets the holder of a second lease settle in every way",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a", "b", "c", "d"]);
      await take(driver, queue, 4, short);
      const held = await take(driver, queue, 4);
      const by = (text: string) => {
        const delivery = held.find((other) => textOf(other) === text);
        assert.ok(delivery);
        return delivery;
      };
      await settleAll(driver, queue, [
        ack(by("a")),
        retry(by("b")),
        release(by("c")),
        deadLetter(by("d"), "enough"),
      ]);
      const attempts = (await take(driver, queue, 2)).map((d) => `${textOf(d)}${d.attempt}`);
      assert.deepEqual(attempts.sort(), ["b3", "c2"]);
    },
  },
  {
    name: "does not redeliver a message whose lease is extended past three times its length",
    requires: ["leaseExtension"],
    async run({ driver, queue, open }) {
      const other = await open();
      const extend = method(driver, "extend");
      await publishTexts(driver, queue, ["slow"]);
      const delivery = await takeOne(driver, queue, { leaseMs: 1500 });
      const rival = takeNothing(other, queue, 4800);
      for (let beat = 0; beat < 16; beat += 1) {
        await pause(300);
        assert.deepEqual([...(await extend(queue, [delivery.receipt], 1500))], [true]);
      }
      await rival;
      await ackAll(driver, queue, [delivery]);
    },
  },
  {
    name: "ends an extended lease as long after the extension as it asked for, later or sooner",
    requires: ["leaseExtension"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["longer", "shorter"]);
      const longer = await takeOne(driver, queue, { leaseMs: 1000 });
      const shorter = await takeOne(driver, queue);
      const extend = method(driver, "extend");
      assert.deepEqual([...(await extend(queue, [longer.receipt], 60_000))], [true]);
      assert.deepEqual([...(await extend(queue, [shorter.receipt], 300))], [true]);
      assert.equal((await takeOne(driver, queue)).id, shorter.id);
      await takeNothing(driver, queue, 1000);
      await ackAll(driver, queue, [longer]);
    },
  },
  {
    name: "answers for each receipt when it extends several",
    requires: ["leaseExtension"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["held", "settled"]);
      const [held, settled] = await take(driver, queue, 2);
      assert.ok(held && settled);
      await ackAll(driver, queue, [settled]);
      const receipts = [settled.receipt, held.receipt, "no receipt of anybody"];
      const answers = await method(driver, "extend")(queue, receipts, 60_000);
      assert.deepEqual([...answers], [false, true, false]);
    },
  },
  {
    name: "refuses to extend a lease that was lost",
    requires: ["leaseExtension"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["again"]);
      const stale = await takeOne(driver, queue, short);
      const current = await takeOne(driver, queue, short);
      const answers = await method(driver, "extend")(queue, [stale.receipt], 60_000);
      assert.deepEqual([...answers], [false]);
      assert.equal((await takeOne(driver, queue)).id, current.id, "the other lease still ends");
    },
  },
]);

/** A receipt of a lost lease must do nothing, whatever it asks for. */
function lostLeaseCases(): readonly Omit<ConformanceCase, "area">[] {
  const outcomes: Readonly<Record<string, (receipt: string) => Settlement>> = {
    ack: (receipt) => ({ receipt, outcome: "ack" }),
    retry: (receipt) => ({ receipt, outcome: "retry", delayMs: 0 }),
    "dead-letter": (receipt) => ({ receipt, outcome: "dead-letter", reason: "too late" }),
    release: (receipt) => ({ receipt, outcome: "release" }),
  };
  return Object.entries(outcomes).map(([outcome, settlement]) => ({
    name: `refuses a late ${outcome} after the lease was lost, and changes nothing`,
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["again"]);
      const stale = await takeOne(driver, queue, short);
      const current = await takeOne(driver, queue);
      assert.deepEqual([...(await driver.settle(queue, [settlement(stale.receipt)]))], [false]);
      await expectDepth(driver, queue, { inFlight: 1 });
      await takeNothing(driver, queue);
      await ackAll(driver, queue, [current]);
      await expectDepth(driver, queue, {});
    },
  }));
}
