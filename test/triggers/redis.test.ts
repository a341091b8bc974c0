import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedServer, whyNoServer } from "../support/servers.ts";
import { createTriggerBed, type TriggerBed } from "./trigger-bed.ts";

const missing = whyNoServer("redis");
const it = test.skipIf(missing !== null);
const tag = `t${process.pid}`;

let url: URL;
let bed: TriggerBed;
let client: Redis;

beforeAll(async () => {
  if (missing !== null) return console.log(`skipped: ${missing}`);
  url = new URL((await sharedServer("redis")).url);
  bed = createTriggerBed();
  client = new Redis(url.href);
  const add = client.multi();
  add.rpush(`${tag}:list`, "a", "b", "c");
  add.zadd(`${tag}:zset`, 1, "a", 2, "b");
  add.sadd(`${tag}:set`, "a");
  add.hset(`${tag}:hash`, { a: 1, b: 2, c: 3, d: 4 });
  add.set(`${tag}:text`, "a");
  for (const entry of ["1", "2", "3", "4", "5"]) add.xadd(`${tag}:stream`, "*", "n", entry);
  add.xgroup("CREATE", `${tag}:stream`, "workers", "0");
  add.xreadgroup("GROUP", "workers", "one", "COUNT", 2, "STREAMS", `${tag}:stream`, ">");
  await add.exec();
});
afterAll(async () => {
  await bed?.close();
  const keys = await client?.keys(`${tag}:*`);
  if (keys?.length) await client.del(keys);
  client?.disconnect();
});

const parameters = () => ({ password: url.password });
const read = (type: string, metadata: Record<string, string>) =>
  bed.read(type, { address: url.host, ...metadata }, { parameters: parameters() });

it.each([
  ["list", 3],
  ["zset", 2],
  ["set", 1],
  ["hash", 4],
  ["nothing", 0],
])("counts the entries of a %s", async (kind, value) => {
  expect(await read("redis", { listName: `${tag}:${kind}` })).toEqual({
    metricName: `s0-redis-${tag}-${kind}`,
    value,
    active: value > 0,
  });
});

it("takes a key that cannot be counted for an error", async () => {
  await expect(read("redis", { listName: `${tag}:text` })).rejects.toThrow("key of type string");
});

it.each([
  [{ consumerGroup: "workers" }, 2, 5],
  [{ consumerGroup: "workers", lagCount: "7" }, 3, 7],
  [{ consumerGroup: "absent", lagCount: "7" }, 5, 7],
  [{}, 5, 5],
  [{ streamLength: "9" }, 5, 9],
])("measures a stream with %j: %d against %d", async (metadata, value, target) => {
  const all = { address: url.host, stream: `${tag}:stream`, ...metadata };
  const trigger = await bed.create("redis-streams", all, { parameters: parameters() });
  const [spec] = await trigger.metricSpecs();
  expect(spec).toMatchObject({ metricName: `s0-redis-streams-${tag}-stream`, target });
  expect(await trigger.read()).toMatchObject([{ value, active: true }]);
});

it("uses activationLagCount whatever is counted", async () => {
  const metadata = { stream: `${tag}:stream`, activationLagCount: "5" };
  expect(await read("redis-streams", metadata)).toMatchObject({ value: 5, active: false });
});

it("knows no lag of a stream that is not there yet, and no pending entries either", async () => {
  const metadata = { stream: `${tag}:new`, consumerGroup: "workers" };
  expect(await read("redis-streams", { ...metadata, lagCount: "1" })).toMatchObject({ value: 0 });
  await expect(read("redis-streams", metadata)).rejects.toThrow("NOGROUP");
});

it("reads another database, and takes host and port apart", async () => {
  const { hostname: host, port } = url;
  const metadata = { host, port, listName: `${tag}:list`, databaseIndex: "1" };
  const reading = await bed.read("redis", metadata, { parameters: parameters() });
  expect(reading).toMatchObject({ value: 0, active: false });
});

it("shares one connection, and replaces it within a reading when it was cut", async () => {
  const all = { address: url.host, listName: `${tag}:list` };
  const triggers = await Promise.all(
    Array.from({ length: 20 }, () => bed.create("redis", all, { parameters: parameters() })),
  );
  await Promise.all(triggers.map((trigger) => trigger.read()));
  const ours = async () =>
    [...String(await client.client("LIST")).matchAll(/^id=(\d+).*name=sluice-scaler.* db=0/gm)].map(
      ([, id = ""]) => id,
    );
  const [id = "", ...others] = await ours();
  expect(others).toEqual([]);
  await client.client("KILL", "ID", id);
  expect(await triggers[0]?.read()).toMatchObject([{ value: 3 }]);
});

it("says that a server cannot be reached or wants another password, without showing it", async () => {
  const metadata = { listName: "a" };
  for (const address of ["127.0.0.1:1", url.host]) {
    const error = await bed
      .read("redis", { ...metadata, address }, { parameters: { password: "topsecret" } })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "TRIGGER_FAILED",
      message: expect.stringMatching(/ECONNREFUSED|WRONGPASS/),
    });
    expect(String(error)).not.toContain("topsecret");
  }
});

test.each([
  ["redis", { listName: "a" }, "address is required"],
  ["redis", { address: "h:1" }, "listName is required"],
  ["redis", { host: "a,b", port: "1", listName: "a" }, "as many of one as of the other"],
  ["redis", { address: "h:1", listName: "a", listLength: "5.0" }, "listLength must be a whole"],
  ["redis", { address: "h:1", listName: "a", listLength: "0" }, "listLength must be more than 0"],
  ["redis", { address: "h:1", listName: "a", enableTLS: "yes" }, "enableTLS must be true or false"],
  ["redis-sentinel", { address: "h:1", listName: "a" }, "sentinelMaster is required"],
  ["redis-streams", { address: "h:1" }, "stream is required"],
])("%s refuses %j", async (type, metadata, problem) => {
  await expect(createTriggerBed().create(type, metadata)).rejects.toThrow(problem);
});
