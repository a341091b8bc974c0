/** What every driver owes, against a real Redis. */
import { randomUUID } from "node:crypto";
import { beforeAll, describe, test } from "vitest";
import { silentLogger, systemClock } from "../../src/core/index.ts";
import { openRedis } from "../../src/drivers/redis/index.ts";
import { driverConformance, runConformanceCase } from "../../src/testing/index.ts";
import { startRedis, type TestServer, whyNoServer } from "../support/servers.ts";

const missing = whyNoServer("redis");

describe.skipIf(missing !== null)(`redis${missing === null ? "" : `: ${missing}`}`, () => {
  const prefix = `${randomUUID()}:`;
  let server: TestServer;
  beforeAll(async () => {
    server = await startRedis();
    return () => server.close();
  });
  const open = () =>
    openRedis(`${server.url}?prefix=${prefix}`, { clock: systemClock, logger: silentLogger });

  for (const entry of driverConformance) {
    const concurrent = entry.runsAlone !== true;
    const timeout = (entry.timeoutMs ?? 20_000) + 30_000;
    test(`${entry.area}: ${entry.name}`, { concurrent, timeout }, async ({ skip }) => {
      const restart = server.isOurs ? { restart: () => server.restart() } : {};
      const result = await runConformanceCase(entry, { open, ...restart });
      if (result.status === "skipped") skip(result.reason);
      if (result.status === "failed") throw result.error;
    });
  }
});
