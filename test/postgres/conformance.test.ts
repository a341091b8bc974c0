/** Everything that a driver owes, against a real PostgreSQL. */
import { beforeAll, describe, test } from "vitest";
import { postgresDriver } from "../../src/drivers/postgres/index.ts";
import { driverConformance, runConformanceCase } from "../../src/testing/index.ts";
import { startPostgres, type TestServer, whyNoServer } from "../support/servers.ts";

const missing = whyNoServer("postgres");

describe.skipIf(missing !== null)(`postgres${missing === null ? "" : `: ${missing}`}`, () => {
  const schema = `conformance_${process.pid}`;
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres();
    return () => server.close();
  });
  const open = () => postgresDriver({ url: server.url, schema, pool: 2 });

  for (const entry of driverConformance) {
    // Most cases wait most of the time. Each keeps its own time-out; the runner's must not strike first.
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
