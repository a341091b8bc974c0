import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts } from "../support/servers/free-port.ts";
import { serverFolder, startPlanned, type TestServer } from "../support/servers/test-server.ts";
import { sharedServer, whyNoServer } from "../support/servers.ts";
import { until } from "../support/until.ts";
import { createTriggerBed } from "./trigger-bed.ts";

const missing = whyNoServer("redis");
const it = test.skipIf(missing !== null);
const bed = createTriggerBed();
const list = `topologies-${process.pid}`;

let cluster: TestServer;
let sentinel: TestServer;
let primary: Redis;
let password = "";

beforeAll(async () => {
  if (missing !== null) return console.log(`skipped: ${missing}`);
  const shared = await sharedServer("redis");
  [cluster, sentinel] = await Promise.all([startCluster(), startSentinel(new URL(shared.url))]);
  password = new URL(shared.url).password;
  primary = new Redis(shared.url);
  await primary.rpush(list, "a", "b");
  await primary.xadd(list.concat("-stream"), "*", "n", "1");
  const node = new Redis(cluster.url);
  await node.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  const isUp = async () => String(await node.call("CLUSTER", "INFO")).includes("state:ok");
  await until(isUp, { withinMs: 10_000, what: "a cluster" });
  await node.rpush("mail", "a", "b", "c");
  await node.xadd("stream", "*", "n", "1");
  node.disconnect();
}, 60_000);
afterAll(async () => {
  await bed.close();
  await primary?.del(list, list.concat("-stream"));
  primary?.disconnect();
  await Promise.all([cluster?.close(), sentinel?.close()]);
});

/** One node that owns all slots. */
async function startCluster(): Promise<TestServer> {
  const folder = serverFolder("redis-cluster");
  const [port = 0, bus = 0] = await freePorts(2);
  const settings = `--bind 127.0.0.1 --port ${port} --cluster-port ${bus} --dir ${folder} --cluster-enabled yes --cluster-announce-ip 127.0.0.1`;
  return startPlanned({
    folder,
    url: `redis://127.0.0.1:${port}`,
    command: { file: "redis-server", args: settings.split(" ") },
    readyText: "Ready to accept connections",
    readyWithinMs: 10_000,
    stopSignal: "SIGTERM",
  });
}

/** One sentinel that watches the shared server. */
async function startSentinel(watched: URL): Promise<TestServer> {
  const folder = serverFolder("redis-sentinel");
  const [port = 0] = await freePorts(1);
  const configuration = join(folder, "sentinel.conf");
  const lines = [
    `bind 127.0.0.1`,
    `port ${port}`,
    `dir ${folder}`,
    `sentinel monitor primary 127.0.0.1 ${watched.port} 1`,
    `sentinel auth-pass primary ${watched.password}`,
  ];
  writeFileSync(configuration, lines.join("\n"));
  return startPlanned({
    folder,
    url: `redis://127.0.0.1:${port}`,
    command: { file: "redis-server", args: [configuration, "--sentinel"] },
    readyText: "+monitor master primary",
    readyWithinMs: 10_000,
    stopSignal: "SIGTERM",
  });
}

const hostOf = ({ url }: TestServer) => new URL(url).host;

it("asks a cluster", async () => {
  const address = hostOf(cluster);
  expect(await bed.read("redis-cluster", { address, listName: "mail" })).toEqual({
    metricName: "s0-redis-mail",
    value: 3,
    active: true,
  });
  const stream = { address, stream: "stream" };
  expect(await bed.read("redis-cluster-streams", stream)).toMatchObject({ value: 1 });
});

it("asks the primary that a sentinel names", async () => {
  const metadata = { address: hostOf(sentinel), sentinelMaster: "primary" };
  const parameters = { password };
  expect(
    await bed.read("redis-sentinel", { ...metadata, listName: list }, { parameters }),
  ).toMatchObject({ metricName: `s0-redis-${list}`, value: 2 });
  const stream = { ...metadata, stream: `${list}-stream` };
  expect(await bed.read("redis-sentinel-streams", stream, { parameters })).toMatchObject({
    value: 1,
  });
});

it("fails where sentinels know no such primary, or are not there", async () => {
  const metadata = { listName: list, sentinelMaster: "other" };
  for (const address of [hostOf(sentinel), "127.0.0.1:1"]) {
    await expect(
      bed.read("redis-sentinel", { ...metadata, address }, { parameters: { password } }),
    ).rejects.toMatchObject({ code: "TRIGGER_FAILED" });
  }
  const gone = { address: "127.0.0.1:1", listName: "mail" };
  await expect(bed.read("redis-cluster", gone)).rejects.toMatchObject({ code: "TRIGGER_FAILED" });
});
