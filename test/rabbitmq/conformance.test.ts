/**
 * What every driver owes, case by case, against a real RabbitMQ: with quorum queues, and with classic ones.
 */
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, test } from "vitest";
import { silentLogger, systemClock } from "../../src/core/index.ts";
import { openRabbitmq } from "../../src/drivers/rabbitmq/index.ts";
import { driverConformance, runConformanceCase } from "../../src/testing/index.ts";
import { startRabbitmq, type TestServer, whyNoServer } from "../support/servers.ts";

const missing = whyNoServer("rabbitmq");
let server: TestServer;
beforeAll(async () => {
  if (missing === null) server = await startRabbitmq();
}, 180_000);
afterAll(() => server?.close(), 60_000);

/**
 * Without a goodbye: harder than a stop, and twice as fast. RabbitMQ 3 writes down half a second late that a quorum queue
 * was declared (see the driver's page), and a case begins with declaring some.
 */
async function restart(): Promise<void> {
  await wait(1000);
  await server.kill();
  await server.start();
}

for (const queueType of ["quorum", "classic"]) {
  describe(`rabbitmq with ${queueType} queues`, () => {
    const context = { clock: systemClock, logger: silentLogger };
    const subject = {
      open: () => openRabbitmq(`${server.url}?queueType=${queueType}`, context),
      // Restarts take most of the time of this file, and what they try is not in the type of the queue.
      ...(queueType === "quorum" && { restart }),
    };
    for (const entry of driverConformance) {
      // Most cases wait most of the time. Each keeps its own time-out; the runner's must not strike first.
      const concurrent = entry.runsAlone !== true;
      const timeout = (entry.timeoutMs ?? 20_000) + 30_000;
      test(`${entry.area}: ${entry.name}`, { concurrent, timeout }, async ({ skip }) => {
        if (missing !== null) skip(missing);
        const result = await runConformanceCase(entry, subject);
        if (result.status === "skipped") skip(result.reason);
        if (result.status === "failed") throw result.error;
      });
    }
  });
}
