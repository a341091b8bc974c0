import assert from "node:assert/strict";
import type { Driver } from "../../core/index.ts";
import { type ConformanceCase, type ConformanceContext, casesOf } from "./conformance-case.ts";
import {
  bury,
  patienceMs,
  release,
  retry,
  settleAll,
  shortLeaseMs,
  take,
  takeOne,
} from "./consumer.ts";
import { method, pause } from "./expectations.ts";
import { publishTexts, textsOf } from "./sample-messages.ts";

/** Waits until the watcher of a queue finds something to receive, as a worker would. */
async function wokenTo(
  driver: Driver,
  queue: string,
  act: () => Promise<unknown>,
): Promise<readonly string[]> {
  let isOver = false;
  let wake = (): void => undefined;
  let hasRung = false;
  const cancel = method(driver, "watch")(queue, () => {
    hasRung = true;
    wake();
  });
  const giveUp = setTimeout(() => {
    isOver = true;
    wake();
  }, patienceMs);
  try {
    await act();
    while (!isOver) {
      if (!hasRung) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      hasRung = false;
      const got = await driver.receive(queue, { max: 10, waitMs: 0, leaseMs: 60_000 });
      if (got.length > 0) return textsOf(got);
    }
    return assert.fail(`nobody was woken within ${patienceMs} ms`);
  } finally {
    clearTimeout(giveUp);
    cancel();
  }
}

/** One way for a message to become ready. */
interface Occasion {
  readonly what: string;
  readonly requires?: ConformanceCase["requires"];
  prepare?(context: ConformanceContext): Promise<() => Promise<unknown>>;
}

const occasions: readonly Occasion[] = [
  {
    what: "is published on the same connection",
    prepare:
      async ({ driver, queue }) =>
      () =>
        publishTexts(driver, queue, ["a"]),
  },
  {
    what: "is published on another connection",
    async prepare({ queue, open }) {
      const other = await open();
      return () => publishTexts(other, queue, ["a"]);
    },
  },
  {
    what: "comes to the end of its delay",
    requires: ["delay"],
    prepare:
      async ({ driver, queue }) =>
      () =>
        publishTexts(driver, queue, ["a"], { delayMs: 400 }),
  },
  {
    what: "that was delayed on another connection is due",
    requires: ["delay"],
    async prepare({ queue, open }) {
      const other = await open();
      return () => publishTexts(other, queue, ["a"], { delayMs: 400 });
    },
  },
  {
    what: "is at the end of its lease",
    async prepare({ driver, queue }) {
      await publishTexts(driver, queue, ["a"]);
      await takeOne(driver, queue, { leaseMs: shortLeaseMs });
      return async () => undefined;
    },
  },
  {
    what: "that another connection leased during the watch is at the end of its lease",
    async prepare({ queue, open }) {
      const other = await open();
      return async () => {
        await publishTexts(other, queue, ["a"]);
        await take(other, queue, 1, { leaseMs: shortLeaseMs });
      };
    },
  },
  {
    what: "is released on another connection",
    async prepare({ driver, queue, open }) {
      const other = await open();
      await publishTexts(driver, queue, ["a"]);
      const delivery = await takeOne(other, queue);
      return () => settleAll(other, queue, [release(delivery)]);
    },
  },
  {
    what: "is retried",
    async prepare({ driver, queue }) {
      await publishTexts(driver, queue, ["a"]);
      const delivery = await takeOne(driver, queue);
      return () => settleAll(driver, queue, [retry(delivery)]);
    },
  },
  {
    what: "is redriven",
    requires: ["deadLetters"],
    async prepare({ driver, queue, open }) {
      await publishTexts(driver, queue, ["a"]);
      await bury(driver, queue, "enough");
      const other = await open();
      return () => method(other, "redrive")(queue, {});
    },
  },
];

/** What watching promises. */
export const wakeUpCases: readonly ConformanceCase[] = casesOf("wake-up", [
  ...occasions.map(({ what, requires = [], prepare }) => ({
    name: `wakes a watcher when a message ${what}`,
    requires: ["wakeUp" as const, ...requires],
    async run(context: ConformanceContext) {
      const act = await prepare?.(context);
      const texts = await wokenTo(context.driver, context.queue, async () => act?.());
      assert.deepEqual(texts, ["a"]);
    },
  })),
  {
    name: "wakes every watcher of the queue",
    requires: ["wakeUp"],
    async run({ driver, queue, open }) {
      const other = await open();
      const woken = [driver, driver, other].map(
        (own) =>
          new Promise<void>((resolve) => {
            const cancel = method(own, "watch")(queue, () => {
              cancel();
              resolve();
            });
          }),
      );
      await publishTexts(driver, queue, ["a"]);
      await Promise.all(woken);
    },
  },
  {
    name: "does not call a watcher inside the call that made the message ready",
    requires: ["wakeUp"],
    async run({ driver, queue }) {
      let isInside = true;
      let wasInside = false;
      const woken = new Promise<void>((resolve) => {
        method(driver, "watch")(queue, () => {
          wasInside = isInside;
          resolve();
        });
      });
      const publishing = publishTexts(driver, queue, ["a"]);
      isInside = false;
      await Promise.all([publishing, woken]);
      assert.equal(wasInside, false);
    },
  },
  {
    name: "leaves a watcher alone after it was cancelled, however often",
    requires: ["wakeUp"],
    async run({ driver, queue }) {
      let calls = 0;
      const watch = method(driver, "watch");
      const cancel = watch(queue, () => {
        calls += 1;
      });
      cancel();
      cancel();
      const stillWoken = wokenTo(driver, queue, () => publishTexts(driver, queue, ["a"]));
      assert.deepEqual(await stillWoken, ["a"]);
      await pause(100);
      assert.equal(calls, 0);
    },
  },
]);
