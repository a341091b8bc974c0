import assert from "node:assert/strict";
import { type ConformanceCase, casesOf } from "./conformance-case.ts";
import { longLeaseMs, patienceMs, takeNothing, takeOne } from "./consumer.ts";
import { expectBetween, expectDepth } from "./expectations.ts";
import { numbered, outgoing, publishTexts, textOf, textsOf } from "./sample-messages.ts";

/** How late the latest of a few delayed messages may be on a machine with other things to do. */
const latenessMs = 2000;
/** Clocks of a broker and of this process tick apart. */
const toleranceMs = 30;

/** What a delay promises. */
export const timeCases: readonly ConformanceCase[] = casesOf("time", [
  {
    name: "delivers delayed messages when they are due, not before and not much later",
    requires: ["delay"],
    async run({ driver, queue }) {
      const delays = [900, 150, 600, 300, 450, 750];
      const publishedAt = Date.now();
      await driver.publish(
        queue,
        delays.map((delayMs) => outgoing(String(delayMs), { delayMs })),
      );
      const confirmedAt = Date.now();
      for (const delayMs of delays.toSorted((a, b) => a - b)) {
        const delivery = await takeOne(driver, queue);
        assert.equal(textOf(delivery), String(delayMs));
        assert.equal(delivery.attempt, 1);
        const earliest = delayMs - toleranceMs;
        const latest = confirmedAt - publishedAt + delayMs + latenessMs;
        expectBetween(Date.now() - publishedAt, earliest, latest, `a delay of ${delayMs} ms`);
      }
    },
  },
  {
    name: "delivers a hundred delayed messages close to the time of each",
    requires: ["delay"],
    async run({ driver, queue }) {
      const delays = numbered(100).map((_text, index) => 500 + ((index * 37) % 100) * 15);
      const publishedAt = Date.now();
      await driver.publish(
        queue,
        delays.map((delayMs) => outgoing(String(delayMs), { delayMs })),
      );
      const confirmedAt = Date.now();
      for (let count = 0; count < delays.length; ) {
        const request = { max: 10, waitMs: patienceMs, leaseMs: longLeaseMs };
        const got = await driver.receive(queue, request);
        assert.ok(got.length > 0, `${count} of ${delays.length} delayed messages came`);
        count += got.length;
        for (const delayMs of textsOf(got).map(Number)) {
          const latest = confirmedAt - publishedAt + delayMs + latenessMs;
          const took = Date.now() - publishedAt;
          expectBetween(took, delayMs - toleranceMs, latest, `a delay of ${delayMs} ms`);
        }
      }
    },
  },
  {
    name: "does not let a delayed message hold up those behind it",
    requires: ["delay"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["later"], { delayMs: 60_000 });
      await publishTexts(driver, queue, ["now"]);
      assert.equal(textOf(await takeOne(driver, queue)), "now");
      await takeNothing(driver, queue);
    },
  },
  {
    name: "tells the time at which a delayed message became ready",
    requires: ["delay"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["later"], { delayMs: 300 });
      const { readyAt, publishedAt } = await takeOne(driver, queue);
      if (readyAt === null || publishedAt === null) return;
      expectBetween(readyAt - publishedAt, 300, 300 + latenessMs, "from publish to ready");
    },
  },
  {
    name: "keeps a message back for the longest delay that it declares",
    requires: ["delay"],
    async run({ driver, queue }) {
      const tenYearsMs = 3650 * 86_400_000;
      const delayMs = Math.min(driver.capabilities.limits.maxDelayMs, tenYearsMs);
      await publishTexts(driver, queue, ["much later"], { delayMs });
      await expectDepth(driver, queue, { delayed: 1 });
      await takeNothing(driver, queue);
    },
  },
  {
    name: "keeps delays when all connections close and come back",
    requires: ["delay", "durable"],
    async run({ driver, queue, open }) {
      const publishedAt = Date.now();
      await publishTexts(driver, queue, ["soon"], { delayMs: 1000 });
      await publishTexts(driver, queue, ["much later"], { delayMs: 3_600_000 });
      await driver.close();
      const reopened = await open();
      await expectDepth(reopened, queue, { delayed: 2 });
      assert.equal(textOf(await takeOne(reopened, queue)), "soon");
      const latest = 1000 + latenessMs;
      expectBetween(Date.now() - publishedAt, 1000 - toleranceMs, latest, "the delay");
      await expectDepth(reopened, queue, { delayed: 1, inFlight: 1 });
    },
  },
]);
