import assert from "node:assert/strict";
import type { Driver } from "../../core/index.ts";
import { type ConformanceCase, casesOf } from "./conformance-case.ts";
import {
  ackAll,
  bury,
  deadLetter,
  longLeaseMs,
  release,
  retry,
  settleAll,
  take,
  takeOne,
} from "./consumer.ts";
import { eventually, expectBetween, expectDepth, method, pause } from "./expectations.ts";
import { numbered, publishTexts } from "./sample-messages.ts";

/**
 * Fails unless the oldest age lies between the bounds, or is `null` where the driver does not know it; a sampled one may be
 * anything. An upper bound that grows with time is a function, asked when the answer is there.
 */
async function expectAge(
  driver: Driver,
  queue: string,
  low: number,
  high: number | (() => number),
): Promise<void> {
  const { oldestAgeMs } = await driver.depth(queue);
  const accuracy = driver.capabilities.depth.oldestAge;
  if (accuracy === "sampled") return;
  if (accuracy === "unknown") {
    assert.equal(oldestAgeMs, null);
    return;
  }
  assert.ok(oldestAgeMs !== null, "the oldest age is a number");
  const highest = typeof high === "number" ? high : high();
  expectBetween(oldestAgeMs, low, highest, "the oldest age");
}

/** How much older a message may look on a busy machine. */
const slackMs = 2000;
/** Several intervals of a broker that gathers statistics every five seconds, as RabbitMQ does. */
const sampledWithinMs = 40_000;

/** A queue with one ready and one leased message, as far as the driver samples its figures. */
async function expectSamples(driver: Driver, queue: string): Promise<void> {
  const accuracy = driver.capabilities.depth;
  const depth = await driver.depth(queue);
  if (accuracy.ready === "sampled") assert.equal(depth.ready, 1);
  if (accuracy.inFlight === "sampled") assert.equal(depth.inFlight, 1);
  if (accuracy.oldestAge === "sampled") assert.ok(depth.oldestAgeMs !== null, "an oldest age");
  if (accuracy.rates === "sampled") assert.ok((depth.rates?.publish ?? null) !== null, "a rate");
}

/** What depth promises. */
export const depthCases: readonly ConformanceCase[] = casesOf("depth", [
  {
    name: "counts nothing in a queue that nobody used",
    async run({ driver, queue }) {
      await expectDepth(driver, queue, {});
      await expectAge(driver, queue, 0, 0);
    },
  },
  {
    name: "counts ready and leased messages",
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a", "b", "c"]);
      await expectDepth(driver, queue, { ready: 3 });
      await take(driver, queue, 2);
      await expectDepth(driver, queue, { ready: 1, inFlight: 2 });
    },
  },
  {
    name: "follows a message through all its states",
    requires: ["delay", "deadLetters"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a"], { delayMs: 300 });
      await expectDepth(driver, queue, { delayed: 1 });
      await settleAll(driver, queue, [release(await takeOne(driver, queue))]);
      await expectDepth(driver, queue, { ready: 1 });
      await settleAll(driver, queue, [retry(await takeOne(driver, queue))]);
      await expectDepth(driver, queue, { ready: 1 });
      await settleAll(driver, queue, [retry(await takeOne(driver, queue), 300)]);
      await expectDepth(driver, queue, { delayed: 1 });
      await bury(driver, queue, "enough");
      await expectDepth(driver, queue, { dead: 1 });
      await method(driver, "redrive")(queue, {});
      await expectDepth(driver, queue, { ready: 1 });
      await ackAll(driver, queue, [await takeOne(driver, queue)]);
      await expectDepth(driver, queue, {});
    },
  },
  {
    name: "counts a message as ready as soon as its delay is over",
    requires: ["delay"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["a", "b"], { delayMs: 300 });
      await publishTexts(driver, queue, ["c"], { delayMs: 3_600_000 });
      await expectDepth(driver, queue, { delayed: 3 });
      await pause(500);
      await expectDepth(driver, queue, { ready: 2, delayed: 1 });
    },
  },
  {
    name: "counts each queue for itself",
    async run({ driver, queue, freshQueue }) {
      const other = freshQueue();
      await publishTexts(driver, queue, ["a", "b"]);
      await publishTexts(driver, other, ["c"]);
      const delivery = await takeOne(driver, other);
      await settleAll(driver, other, [deadLetter(delivery, "enough")]);
      await expectDepth(driver, queue, { ready: 2 });
      await expectDepth(driver, other, { dead: 1 });
    },
  },
  {
    name: "counts the same through every connection",
    async run({ driver, queue, open }) {
      const other = await open();
      await publishTexts(driver, queue, ["a", "b"]);
      await expectDepth(other, queue, { ready: 2 });
      await takeOne(other, queue);
      await expectDepth(driver, queue, { ready: 1, inFlight: 1 });
    },
  },
  {
    name: "counts every message once while messages change hands",
    async run({ driver, queue, open }) {
      const { ready, delayed, inFlight, dead } = driver.capabilities.depth;
      if ([ready, delayed, inFlight, dead].some((accuracy) => accuracy !== "exact")) return;
      const other = await open();
      await publishTexts(driver, queue, numbered(50));
      let isOver = false;
      const juggling = [driver, other, other].map(async (own) => {
        while (!isOver) {
          await pause(1); // a driver that answers at once must not keep everybody else from running
          const got = await own.receive(queue, { max: 5, waitMs: 0, leaseMs: longLeaseMs });
          await settleAll(
            own,
            queue,
            got.map((delivery, index) => (index % 2 === 0 ? release : retry)(delivery)),
          );
        }
      });
      try {
        for (let look = 0; look < 30; look += 1) {
          const seen = await other.depth(queue);
          const sum = [seen.ready, seen.delayed, seen.inFlight, seen.dead].reduce<number>(
            (total, count) => total + (count ?? 0),
            0,
          );
          assert.equal(sum, 50, `50 messages are there; counted ${JSON.stringify(seen)}`);
          await pause(10);
        }
      } finally {
        isOver = true;
        await Promise.all(juggling);
      }
      await expectDepth(driver, queue, { ready: 50 });
    },
  },
  {
    name: "tells how long the oldest ready message has been ready",
    async run({ driver, queue }) {
      const startedAt = Date.now();
      await publishTexts(driver, queue, ["old"]);
      await pause(400);
      await publishTexts(driver, queue, ["young"]);
      await expectAge(driver, queue, 350, () => Date.now() - startedAt + slackMs);
      await ackAll(driver, queue, await take(driver, queue, 2));
      await expectAge(driver, queue, 0, 0);
    },
  },
  {
    name: "tells the age of the oldest message even when others go first",
    requires: ["priority"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["old"]);
      await pause(400);
      await publishTexts(driver, queue, ["first"], { priority: 1 });
      await expectAge(driver, queue, 350, 400 + slackMs);
    },
  },
  {
    name: "counts no age for messages that wait for their time or are leased",
    requires: ["delay"],
    async run({ driver, queue }) {
      await publishTexts(driver, queue, ["leased"]);
      await takeOne(driver, queue);
      await publishTexts(driver, queue, ["delayed"], { delayMs: 3_600_000 });
      await pause(100);
      await expectAge(driver, queue, 0, 0);
    },
  },
  {
    name: "has rates if it declares them, and none otherwise",
    async run({ driver, queue }) {
      const { rates = "unknown" } = driver.capabilities.depth;
      assert.equal((await driver.depth(queue)).rates !== undefined, rates !== "unknown");
    },
  },
  {
    name: "comes to tell what it samples",
    timeoutMs: sampledWithinMs + 20_000,
    async run({ driver, queue }) {
      if (!Object.values(driver.capabilities.depth).includes("sampled")) return;
      await publishTexts(driver, queue, ["leased", "ready"]);
      await takeOne(driver, queue);
      await eventually(() => expectSamples(driver, queue), sampledWithinMs);
    },
  },
  {
    name: "counts the age of a delayed message from the end of its delay",
    requires: ["delay"],
    async run({ driver, queue }) {
      const startedAt = Date.now();
      await publishTexts(driver, queue, ["delayed"], { delayMs: 600 });
      await pause(900);
      await expectAge(driver, queue, 200, () => Date.now() - startedAt - 600 + 50);
    },
  },
]);
