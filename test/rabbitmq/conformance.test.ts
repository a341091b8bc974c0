/**
 * What every driver owes, case by case, against a real RabbitMQ: with quorum queues, and with classic ones.
 */
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Driver, silentLogger, systemClock } from "../../src/core/index.ts";
import { openRabbitmq } from "../../src/drivers/rabbitmq/index.ts";
import { retry, settleAll, takeOne } from "../../src/testing/driver-conformance/consumer.ts";
import { publishTexts } from "../../src/testing/driver-conformance/sample-messages.ts";
import {
  type ConformanceCase,
  type ConformanceResult,
  driverConformance,
  runConformanceCase,
} from "../../src/testing/index.ts";
import { startRabbitmq, type TestServer, whyNoServer } from "../support/servers.ts";
import { until } from "../support/until.ts";

const missing = whyNoServer("rabbitmq");
let server: TestServer;
beforeAll(async () => {
  if (missing === null) server = await startRabbitmq();
}, 180_000);
afterAll(() => server?.close(), 60_000);

const openWith =
  (queueType: "quorum" | "classic"): (() => Promise<Driver>) =>
  () =>
    openRabbitmq(`${server.url}?queueType=${queueType}`, {
      clock: systemClock,
      logger: silentLogger,
    });

/** Where the code differs with the type of the queue, or the broker does. The rest is the same for both. */
const areasOfClassic: readonly string[] = [
  "concurrency",
  "dead-letter",
  "lease",
  "lifecycle",
  "model",
  "settle",
  "time",
];

/** Settles by how a case ended. */
function conclude(result: ConformanceResult | undefined, skip: (reason: string) => void): void {
  if (result?.status === "skipped") skip(result.reason);
  if (result?.status === "failed") throw result.error;
}

const needsRestart = ({ needs = [] }: ConformanceCase): boolean => needs.includes("restart");

for (const queueType of ["quorum", "classic"] as const) {
  describe(`rabbitmq with ${queueType} queues`, () => {
    for (const entry of driverConformance) {
      if (needsRestart(entry)) continue;
      if (queueType === "classic" && !areasOfClassic.includes(entry.area)) continue;
      // Most cases wait most of the time. Each keeps its own time-out; the runner's must not strike first.
      const concurrent = entry.runsAlone !== true;
      const timeout = (entry.timeoutMs ?? 20_000) + 30_000;
      test(`${entry.area}: ${entry.name}`, { concurrent, timeout }, async ({ skip }) => {
        if (missing !== null) skip(missing);
        conclude(await runConformanceCase(entry, { open: openWith(queueType) }), skip);
      });
    }
  });
}

/** A restart takes longer than any case, so all cases that need one begin together and share it. */
describe("rabbitmq, restarted", () => {
  const runs = new Map<string, () => Promise<ConformanceResult | undefined>>();
  const ends = new Map<string, Promise<ConformanceResult | undefined>>();
  /** Cases that wait for the restart, or need none any more. */
  let ready = 0;
  let restarting: Promise<void> | null = null;

  /**
   * Once everybody is ready for it, and without a goodbye: harder than a stop, and twice as fast. RabbitMQ 3 writes down
   * half a second late that a quorum queue was declared (see the driver's page), and a case begins with declaring some.
   */
  async function restartOnce(): Promise<void> {
    await until(() => ready >= runs.size, { withinMs: 30_000, what: "all cases are ready" });
    await wait(1000);
    await server.kill();
    await server.start();
  }

  function restart(): Promise<void> {
    ready += 1;
    restarting ??= restartOnce();
    return restarting;
  }

  for (const queueType of ["quorum", "classic"] as const) {
    for (const entry of driverConformance.filter(needsRestart)) {
      const subject = { open: openWith(queueType), restart };
      runs.set(`${queueType}: ${entry.name}`, () => runConformanceCase(entry, subject));
    }
  }
  runs.set("keeps a retry with its backoff and history", async () => {
    const open = openWith("quorum");
    const driver = await open();
    await publishTexts(driver, "survivor", ["again"]);
    const first = await takeOne(driver, "survivor");
    const failure = { attempt: 1, at: Date.now(), error: "it broke" };
    await settleAll(driver, "survivor", [retry(first, 3000, failure)]);
    await driver.close();
    await restart();
    const other = await open();
    const second = await takeOne(other, "survivor", { waitMs: 30_000 });
    await other.close();
    expect(second).toMatchObject({ id: first.id, attempt: 2, history: [failure] });
    return undefined;
  });

  beforeAll(() => {
    if (missing !== null || !server.isOurs) return;
    for (const [name, run] of runs) {
      const end = run().finally(() => {
        ready += 1;
      });
      end.catch(() => undefined); // it is told by its test
      ends.set(name, end);
    }
  });

  for (const name of runs.keys()) {
    test(name, { concurrent: false, timeout: 150_000 }, async ({ skip }) => {
      if (missing !== null) skip(missing);
      if (!server.isOurs) skip("the server is not ours to restart");
      conclude(await ends.get(name), skip);
    });
  }
});
