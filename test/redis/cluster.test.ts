/** A cluster refuses a call whose keys lie in different slots: one node that owns all slots is enough to see it. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLogger, systemClock } from "../../src/core/index.ts";
import { openRedis } from "../../src/drivers/redis/index.ts";
import { driverConformance, runConformanceCase } from "../../src/testing/index.ts";
import { freePorts } from "../support/servers/free-port.ts";
import { serverFolder, startPlanned, type TestServer } from "../support/servers/test-server.ts";
import { whyNoServer } from "../support/servers.ts";
import { clientAt, openAt, persist } from "./redis-bed.ts";

const it = test.skipIf(whyNoServer("redis") !== null);
/** Areas that touch every script and every way to wake up. */
const areas: readonly string[] = ["lease", "settle", "dead-letter", "browse", "depth", "wake-up"];
let server: TestServer;

beforeAll(async () => {
  if (whyNoServer("redis") !== null) return;
  const folder = serverFolder("redis-cluster");
  const [port = 0, bus = 0] = await freePorts(2);
  const settings = `--bind 127.0.0.1 --port ${port} --cluster-port ${bus} --dir ${folder} --cluster-enabled yes --cluster-announce-ip 127.0.0.1 --appendonly yes`;
  server = await startPlanned({
    folder,
    url: `redis://127.0.0.1:${port}`,
    command: { file: "redis-server", args: settings.split(" ") },
    readyText: "Ready to accept connections",
    readyWithinMs: 10_000,
    stopSignal: "SIGTERM",
  });
  const client = clientAt(server.url);
  await client.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  await persist(async () => expect(await client.call("CLUSTER", "INFO")).toContain("state:ok"));
  client.disconnect();
});
afterAll(async () => {
  await server?.close();
});

for (const entry of driverConformance.filter(({ area }) => areas.includes(area))) {
  const concurrent = entry.runsAlone !== true;
  test(`${entry.area}: ${entry.name}`, { concurrent, timeout: 50_000 }, async ({ skip }) => {
    if (server === undefined) return skip("no server");
    const url = `${server.url}?prefix=${randomUUID()}:`;
    const open = () => openRedis(url, { clock: systemClock, logger: silentLogger });
    const result = await runConformanceCase(entry, { open });
    if (result.status === "skipped") skip(result.reason);
    if (result.status === "failed") throw result.error;
  });
}

it("works many queues at once, each in its own slot", async () => {
  const driver = await openAt(server.url);
  const queues = Array.from({ length: 20 }, (_, index) => `queue-${index}`);
  const body = Buffer.from("x");
  const given = { id: "a", body, headers: {}, delayMs: 0, priority: 0, deduplicate: true };
  const receiving = queues.map((queue) =>
    driver.receive(queue, { max: 1, waitMs: 10_000, leaseMs: 60_000 }),
  );
  for (const queue of queues) await driver.publish(queue, [given]);
  expect((await Promise.all(receiving)).flat()).toHaveLength(20);
  expect(await driver.queues?.()).toEqual(queues.toSorted());
  await driver.close();
});
