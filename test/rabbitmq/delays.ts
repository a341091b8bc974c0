/** Delays: how exact they are, and where long ones wait. */
import { expect, test } from "vitest";
import { takeNothing, takeOne } from "../../src/testing/driver-conformance/consumer.ts";
import { publishTexts, textOf } from "../../src/testing/driver-conformance/sample-messages.ts";
import { useRabbitmq } from "./support.ts";

const bed = useRabbitmq();

/** What a machine with other things to do may add to each of a few hops. */
const slackMs = 1500;

test.concurrent.each([1000, 5000])(
  "delivers after %i ms: never before, and little later",
  async (delayMs) => {
    const driver = await bed().open();
    const queue = `delay.${delayMs}`;
    const publishedAt = Date.now();
    await publishTexts(driver, queue, ["later"], { delayMs });
    const delivery = await takeOne(driver, queue, { waitMs: delayMs + 8000 });
    const took = Date.now() - publishedAt;
    expect(took).toBeGreaterThanOrEqual(delayMs);
    expect(took).toBeLessThan(delayMs * (1 + 1 / 32) + slackMs);
    expect(delivery.readyAt).toBeGreaterThanOrEqual(publishedAt + delayMs);
  },
  30_000,
);

test.concurrent("keeps a delay of a year on the highest rung that is in it, as a durable message", async () => {
  const driver = await bed().open();
  const yearMs = 365 * 86_400_000;
  await publishTexts(driver, "long", ["much later"], { delayMs: yearMs });
  const rung = Math.floor(Math.log2(yearMs));
  const channel = await bed().channel();
  const { messageCount } = await channel.checkQueue(`sluice.delay.${rung}`);
  expect(messageCount).toBe(1);
  await takeNothing(driver, "long");
});

test.concurrent("keeps delays of queues with similar names apart", async () => {
  const driver = await bed().open();
  await publishTexts(driver, "a.b", ["of a.b"], { delayMs: 50 });
  await publishTexts(driver, "x.a.b", ["of x.a.b"], { delayMs: 50 });
  expect(textOf(await takeOne(driver, "a.b"))).toBe("of a.b");
  expect(textOf(await takeOne(driver, "x.a.b"))).toBe("of x.a.b");
  await takeNothing(driver, "a.b");
});
