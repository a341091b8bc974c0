/** A cluster of three nodes refuses a call whose keys lie in different slots, and sends callers on to the right node. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLogger, systemClock } from "../../src/core/index.ts";
import { openRedis } from "../../src/drivers/redis/index.ts";
import { driverConformance, runConformanceCase } from "../../src/testing/index.ts";
import { freePorts } from "../support/servers/free-port.ts";
import { serverFolder, startPlanned, type TestServer } from "../support/servers/test-server.ts";
import { whyNoOwnServer } from "../support/servers.ts";
import { clientAt, drain, message, messages, openAt, persist } from "./redis-bed.ts";

const it = test.skipIf(whyNoOwnServer("redis") !== null);
/** Areas that touch every script and every way to wake up. */
const areas: readonly string[] = ["lease", "settle", "dead-letter", "browse", "depth", "wake-up"];
interface Node extends TestServer {
  /** Where the nodes talk to each other. */
  readonly bus: number;
}

let nodes: readonly Node[] = [];

beforeAll(async () => {
  if (whyNoOwnServer("redis") !== null) return;
  nodes = await Promise.all([startNode(), startNode(), startNode()]);
  const clients = nodes.map(({ url }) => clientAt(url));
  const [first] = nodes;
  for (const [index, client] of clients.entries()) {
    const [from, to] = [Math.ceil((16_384 * index) / 3), Math.ceil((16_384 * (index + 1)) / 3) - 1];
    const slots = Array.from({ length: to - from + 1 }, (_, slot) => from + slot);
    await client.call("CLUSTER", "ADDSLOTS", ...slots);
    await client.call("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
    const meeting = ["127.0.0.1", new URL(urlOf(0)).port, first?.bus ?? 0];
    if (index > 0) await client.call("CLUSTER", "MEET", ...meeting);
  }
  for (const client of clients) {
    await persist(async () => {
      const info = String(await client.call("CLUSTER", "INFO"));
      expect(info).toMatch(/cluster_state:ok.*cluster_known_nodes:3/s);
    });
    client.disconnect();
  }
}, 60_000);
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.close()));
});

async function startNode(): Promise<Node> {
  const folder = serverFolder("redis-cluster");
  const [port = 0, bus = 0] = await freePorts(2);
  const settings = `--bind 127.0.0.1 --port ${port} --cluster-port ${bus} --dir ${folder} --cluster-enabled yes --cluster-announce-ip 127.0.0.1 --appendonly yes`;
  const server = await startPlanned({
    folder,
    url: `redis://127.0.0.1:${port}`,
    command: { file: "redis-server", args: settings.split(" ") },
    readyText: "Ready to accept connections",
    readyWithinMs: 10_000,
    stopSignal: "SIGTERM",
  });
  return { ...server, bus };
}

for (const entry of driverConformance.filter(({ area }) => areas.includes(area))) {
  const concurrent = entry.runsAlone !== true;
  test(`${entry.area}: ${entry.name}`, { concurrent, timeout: 50_000 }, async ({ skip }) => {
    const [node] = nodes;
    if (node === undefined) return skip("no server");
    const url = `${node.url}?prefix=${randomUUID()}:`;
    const open = () => openRedis(url, { clock: systemClock, logger: silentLogger });
    const result = await runConformanceCase(entry, { open });
    if (result.status === "skipped") skip(result.reason);
    if (result.status === "failed") throw result.error;
  });
}

it("works many queues at once, each on the node of its slot, whichever node the URL names", async () => {
  const [publisher, consumer] = [await openAt(urlOf(0)), await openAt(urlOf(2))];
  const queues = Array.from({ length: 20 }, (_, index) => `queue-${index}`);
  const receiving = queues.map((queue) =>
    consumer.receive(queue, { max: 1, waitMs: 10_000, leaseMs: 60_000 }),
  );
  for (const queue of queues) await publisher.publish(queue, [message("a", { deduplicate: true })]);
  expect((await Promise.all(receiving)).flat()).toHaveLength(20);
  expect(await publisher.queues?.()).toEqual(queues.toSorted());
  for (const { url } of nodes) {
    const client = clientAt(url);
    expect((await client.keys("sluice:{queue-*")).length).toBeGreaterThan(0);
    client.disconnect();
  }
  await publisher.close();
  await consumer.close();
});

it("goes on while the slot of its queue moves to another node", { timeout: 30_000 }, async () => {
  const driver = await openAt(urlOf(0));
  const clients = nodes.map(({ url }) => clientAt(url));
  const slot = Number(await clients[0]?.cluster("KEYSLOT", "sluice:{moving}:ready"));
  const ids = await Promise.all(clients.map((client) => client.cluster("MYID")));
  const from = ownerOf(slot);
  const to = (from + 1) % clients.length;
  const [source, target] = [clients[from], clients[to]];
  await driver.publish("moving", messages(20));
  await target?.call("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[from] ?? "");
  await source?.call("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to] ?? "");
  // Another queue's keys may lie in this slot, too.
  const keys = (await source?.cluster("GETKEYSINSLOT", slot, 10_000)) ?? [];
  const first = keys.find((key) => key.startsWith("sluice:{moving}:")) ?? "";
  const others = keys.filter((key) => key !== first);
  const port = new URL(urlOf(to)).port;
  await source?.call("MIGRATE", "127.0.0.1", port, first, 0, 5000);
  // Some keys are here and some are there: nobody can run a script on them, for now.
  await expect(driver.depth("moving")).rejects.toMatchObject({ retryable: true });
  await source?.call("MIGRATE", "127.0.0.1", port, "", 0, 5000, "KEYS", ...others);
  for (const client of [target, source, ...clients])
    await client?.call("CLUSTER", "SETSLOT", slot, "NODE", ids[to] ?? "");
  expect(await persist(() => drain(driver, "moving"))).toHaveLength(20);
  for (const client of clients) client.disconnect();
  await driver.close();
});

function urlOf(index: number): string {
  return nodes[index]?.url ?? "";
}

/** The node to which `beforeAll` gave a slot. */
function ownerOf(slot: number): number {
  return Math.floor((slot * 3) / 16_384);
}
