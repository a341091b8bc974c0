import { expect, test } from "vitest";
import { createCleaner } from "../../src/drivers/postgres/cleaner.ts";
import { createVirtualClock } from "../../src/testing/index.ts";

test("vacuums after many messages, and then rests nine times as long as that took", async () => {
  const clock = createVirtualClock();
  let vacuums = 0;
  const cleaner = createCleaner(clock, () => {
    vacuums += 1;
    return new Promise<void>((resolve) => {
      clock.after(1000, resolve);
    });
  });
  cleaner.gone(49_999);
  expect(vacuums).toBe(0);
  cleaner.gone(1);
  cleaner.gone(50_000);
  expect(vacuums).toBe(1);
  await clock.advance(1000);
  cleaner.gone(1);
  await clock.advance(8999);
  cleaner.gone(1);
  expect(vacuums).toBe(1);
  await clock.advance(1);
  cleaner.gone(1);
  expect(vacuums).toBe(2);
});
