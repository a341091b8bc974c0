import { expect, test } from "vitest";
import { createAnnouncer } from "../../src/drivers/postgres/announcer.ts";
import { createVirtualClock } from "../../src/testing/index.ts";

function setUp() {
  const clock = createVirtualClock();
  const sent: string[] = [];
  const announcer = createAnnouncer(clock, async (queue) => {
    sent.push(`${queue}@${clock.now()}`);
  });
  const startedAt = clock.now();
  return {
    clock,
    announcer,
    told: () => sent.map((line) => line.replace(/\d+$/, (at) => String(Number(at) - startedAt))),
  };
}

test("tells the first time at once, and what follows soon after it once", async () => {
  const { clock, announcer, told } = setUp();
  for (let round = 0; round < 5; round += 1) announcer.announce("a");
  expect(told()).toEqual(["a@0"]);
  await clock.advance(100);
  expect(told()).toEqual(["a@0", "a@5"]);
});

test("tells of each queue for itself", () => {
  const { announcer, told } = setUp();
  announcer.announce("a");
  announcer.announce("b");
  expect(told()).toEqual(["a@0", "b@0"]);
});

test("says what is still to be said when it closes, and leaves no timer", async () => {
  const { clock, announcer, told } = setUp();
  announcer.announce("a");
  announcer.announce("a");
  await announcer.close();
  await clock.advance(100);
  expect(told()).toEqual(["a@0", "a@0"]);
});
