/** What every driver owes, case by case, against a server that speaks what the official SDK speaks. */
import { afterAll, beforeAll, describe, test } from "vitest";
import { silentLogger, systemClock } from "../../src/core/index.ts";
import { openAzureServiceBus } from "../../src/drivers/azure-service-bus/index.ts";
import { driverConformance, runConformanceCase } from "../../src/testing/index.ts";
import { startServiceBus, type TestServer } from "../support/servers.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServiceBus();
});
afterAll(() => server?.close());

describe("azure-service-bus", () => {
  /** The shortest lock of the service; a private server has even shorter ones. */
  const shortLock = (): string => (server.isOurs ? "4s" : "5s");
  const openWith = (lock: string) =>
    openAzureServiceBus(`${server.url};Lock=${lock}`, { clock: systemClock, logger: silentLogger });

  for (const entry of driverConformance) {
    // Most cases wait most of the time. Each keeps its own time-out; the runner's must not strike first.
    const concurrent = entry.runsAlone !== true;
    const timeout = (entry.timeoutMs ?? 20_000) + 30_000;
    test(`${entry.area}: ${entry.name}`, { concurrent, timeout }, async ({ skip }) => {
      const restart = server.isOurs ? { restart: () => server.restart() } : {};
      // Where a holder goes away, its messages come back at the end of their locks.
      const isShort = entry.area === "lifecycle" || entry.area === "restart";
      const open = () => openWith(isShort ? shortLock() : "30s");
      const result = await runConformanceCase(entry, { open, ...restart });
      if (result.status === "skipped") skip(result.reason);
      if (result.status === "failed") throw result.error;
    });
  }
});
