import fc from "fast-check";
import { expect, test } from "vitest";
import type { Driver } from "../../core/index.ts";
import { memoryDriver } from "../../drivers/memory/index.ts";
import { createVirtualClock } from "../virtual-clock.ts";
import type { ConformanceContext } from "./conformance-case.ts";
import { followModel } from "./follow-model.ts";
import { checkSeed } from "./model.ts";
import { endings, type Operation } from "./operations.ts";

const which = fc.nat({ max: 50 });
const ending = fc.constantFrom(...endings);
const hourMs = 3_600_000;

/** As the suite's own operations, and time that passes: delays and leases end, ids leave the window. */
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("publish" as const),
      count: fc.integer({ min: 1, max: 4 }),
      priority: fc.nat({ max: 9 }),
      isDelayed: fc.boolean(),
      key: fc.option(fc.nat({ max: 3 })),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("receive" as const),
      max: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      which,
      endings: fc.uniqueArray(ending, { minLength: 1, maxLength: 3 }),
    }),
  },
  fc.record({ kind: fc.constant("settle again" as const), which, ending }),
  fc.record({
    kind: fc.constantFrom("redrive" as const, "purge dead" as const),
    which: fc.option(which),
  }),
  fc.record({
    kind: fc.constantFrom("depth" as const, "peek" as const, "list dead" as const),
  }),
  fc.record({
    kind: fc.constant("wait" as const),
    ms: fc.constantFrom(1, 599_990, 600_000, hourMs - 2, hourMs, 2 * hourMs),
  }),
);

test("the memory driver does what the model does, also as time passes", async () => {
  const property = fc.asyncProperty(
    fc.array(operation, { maxLength: 80, size: "max" }),
    async (operations) => {
      const clock = createVirtualClock();
      const driver = memoryDriver({ clock });
      const { advance } = clock;
      await followModel({
        driver,
        queue: "q",
        operations,
        advance,
        patienceMs: 0,
        isTimeExact: true,
      });
      await driver.close();
    },
  );
  await fc.assert(property, { numRuns: 150, seed: 20_260_101 });
});

test("a driver that differs from the model fails with the seed and few operations", async () => {
  const driver = memoryDriver();
  let queues = 0;
  const context: ConformanceContext = {
    driver: forgetfulOf(driver),
    queue: "q",
    freshQueue() {
      queues += 1;
      return `q${queues}`;
    },
    open: () => Promise.reject(new Error("one connection is enough")),
  };
  const error = await checkSeed(context, { seed: 3, count: 120, patienceMs: 50 }).then(
    () => null,
    (reason: unknown) => reason as Error,
  );
  await driver.close();
  expect(error?.message).toMatch(/^seed 3: driver and model differ at /);
  const operations = error?.message.split("\n").slice(2) ?? [];
  const kinds = operations.map((line) => JSON.parse(line).kind);
  expect(kinds).toContain("settle");
  expect(kinds.length).toBeLessThan(12);
});

/** The driver, except that it drops every message that is retried a second time. */
function forgetfulOf(driver: Driver): Driver {
  return {
    ...driver,
    settle: (queue, settlements) =>
      driver.settle(
        queue,
        settlements.map((settlement) => {
          if (settlement.outcome !== "retry") return settlement;
          const isSecond = settlement.failure?.attempt === 2;
          return isSecond ? { receipt: settlement.receipt, outcome: "ack" as const } : settlement;
        }),
      ),
  };
}
