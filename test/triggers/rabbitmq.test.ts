import { connect } from "amqplib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedServer, type TestServer, whyNoServer } from "../support/servers.ts";
import { until } from "../support/until.ts";
import { createTriggerBed, type TriggerBed } from "./trigger-bed.ts";

const missing = whyNoServer("rabbitmq");
const it = test.skipIf(missing !== null);

let server: TestServer;
let bed: TriggerBed;
let broker: Awaited<ReturnType<typeof connect>>;
/** The management API collects its figures every five seconds. */
const statistics = { withinMs: 15_000, what: "figures of the management API" };
const tag = `t${process.pid}`;

beforeAll(async () => {
  if (missing !== null) return console.log(`skipped: ${missing}`);
  server = await sharedServer("rabbitmq");
  bed = createTriggerBed();
  broker = await connect(server.url);
  const channel = await broker.createConfirmChannel();
  for (const [queue, count] of [
    [`${tag}.mail`, 5],
    [`${tag}.empty`, 0],
    [`${tag}.pay/ment`, 2],
  ] as const) {
    await channel.assertQueue(queue);
    for (let sent = 0; sent < count; sent += 1) channel.sendToQueue(queue, Buffer.from("job"));
  }
  await channel.waitForConfirms();
  await channel.prefetch(2); // two of the five are held and not acknowledged
  const held: unknown[] = [];
  await channel.consume(`${tag}.mail`, (message) => held.push(message));
  await until(() => held.length === 2, { withinMs: 5000, what: "two messages held" });
}, 120_000);
afterAll(async () => {
  await bed?.close();
  if (broker) {
    const channel = await broker.createChannel();
    for (const queue of ["mail", "empty", "pay/ment"]) await channel.deleteQueue(`${tag}.${queue}`);
    await broker.close();
  }
});

const read = (host: string, metadata: Record<string, string>) =>
  bed.read("rabbitmq", metadata, { parameters: { host } });
const http = () => new URL(server.adminUrl ?? "").href;

function administer(path: string, method: string): Promise<Response> {
  const url = new URL(server.adminUrl ?? "");
  url.pathname = `/api/${path}`;
  const login = Buffer.from(`${url.username}:${url.password}`).toString("base64");
  url.username = "";
  url.password = "";
  return fetch(url, { method, headers: { authorization: `Basic ${login}` } });
}

interface Listed {
  readonly name: string;
  readonly client_properties?: { readonly connection_name?: string };
}

async function ourConnections(): Promise<readonly string[]> {
  const listed = (await (await administer("connections", "GET")).json()) as readonly Listed[];
  return listed
    .filter(({ client_properties: of }) => of?.connection_name === "sluice-scaler")
    .map(({ name }) => name);
}

it("counts over AMQP what is ready, not what a consumer holds", async () => {
  expect(await read(server.url, { queueName: `${tag}.mail` })).toEqual({
    metricName: `s0-rabbitmq-${tag}-mail`,
    value: 3,
    active: true,
  });
  const [spec] = await (
    await bed.create("rabbitmq", { queueName: "q", host: server.url })
  ).metricSpecs();
  expect(spec).toMatchObject({ metricType: "AverageValue", target: 20 });
});

it("is not active at the activation value", async () => {
  const metadata = { queueName: `${tag}.mail`, mode: "QueueLength", value: "2" };
  expect(await read(server.url, { ...metadata, activationValue: "3" })).toMatchObject({
    active: false,
  });
});

it("names a queue with a slash as KEDA does", async () => {
  expect(await read(server.url, { queueName: `${tag}.pay/ment` })).toMatchObject({
    metricName: `s0-rabbitmq-${tag}-pay-2Fment`,
    value: 2,
  });
});

it("takes a missing queue for an error, and other triggers on the connection go on", async () => {
  const trigger = await bed.create("rabbitmq", { queueName: `${tag}.mail`, host: server.url });
  const [missingQueue, present] = await Promise.allSettled([
    read(server.url, { queueName: `${tag}.nothing` }),
    trigger.read(),
  ]);
  expect(missingQueue).toMatchObject({
    reason: {
      code: "TRIGGER_FAILED",
      message: expect.stringMatching(/rabbitmq.*shop\/mailer.*NOT_FOUND - no queue/s),
    },
  });
  expect(present).toMatchObject({ value: [{ value: 3 }] });
  await expect(read(http(), { queueName: `${tag}.nothing` })).rejects.toThrow("answered 404");
});

it("counts over HTTP what a consumer holds too, unless told otherwise", async () => {
  const queueName = `${tag}.mail`;
  await until(async () => (await read(http(), { queueName })).value === 5, statistics);
  const excludeUnacknowledged = "true";
  expect(await read(http(), { queueName, excludeUnacknowledged })).toMatchObject({ value: 3 });
});

it("adds up the queues that match an expression; none that matches is zero", async () => {
  const regex = { useRegex: "true", mode: "QueueLength", value: "1" };
  const queueName = `^${tag}\\.`;
  await until(async () => (await read(http(), { ...regex, queueName })).value === 7, statistics);
  const of = async (more: Record<string, string>) =>
    (await read(http(), { ...regex, queueName, ...more })).value;
  expect(await of({ operation: "max" })).toBe(5);
  expect(await of({ operation: "avg" })).toBe(2);
  expect(await of({ queueName: "^nothing" })).toBe(0);
  await expect(of({ pageSize: "1" })).rejects.toThrow("raise pageSize");
});

it("reads rates over HTTP", async () => {
  const metadata = { queueName: `${tag}.empty`, mode: "MessageRate", value: "1" };
  expect(await read(http(), metadata)).toMatchObject({ value: 0, active: false });
});

it("shares one connection, and opens another when that was cut", async () => {
  const metadata = { queueName: `${tag}.mail`, host: server.url };
  const trigger = await bed.create("rabbitmq", metadata);
  await Promise.all(Array.from({ length: 20 }, () => read(server.url, metadata)));
  await until(async () => (await ourConnections()).length === 1, statistics);
  const [name = ""] = await ourConnections();
  await administer(`connections/${encodeURIComponent(name)}`, "DELETE");
  expect(await trigger.read()).toMatchObject([{ value: 3 }]);
});

it("says that a broker cannot be reached or refuses the password, without showing it", async () => {
  const refused = new URL(server.url);
  refused.password = "topsecret";
  for (const host of [refused.href, "amqp://u:topsecret@127.0.0.1:1"]) {
    const error = await read(host, { queueName: "q" }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "TRIGGER_FAILED", retryable: true });
    expect(String(error)).not.toContain("topsecret");
  }
});

test.each([
  [{ host: "amqp://h" }, "queueName is required"],
  [{ queueName: "q" }, "host is required"],
  [{ queueName: "q", host: "kafka://h" }, "host must begin with amqp://"],
  [{ queueName: "q", host: "amqp://h", useRegex: "true" }, "useRegex takes the protocol http"],
  [
    { queueName: "q", host: "amqp://h", mode: "MessageRate", value: "1" },
    "takes the protocol http",
  ],
  [{ queueName: "q", host: "http://h", mode: "Rate", value: "1" }, "mode must be one of"],
  [{ queueName: "q", host: "http://h", mode: "QueueLength" }, "value is required"],
  [{ queueName: "q", host: "http://h", value: "5" }, "mode is required"],
  [{ queueName: "q", host: "http://h", queueLength: "5", mode: "QueueLength" }, "one or the other"],
  [{ queueName: "q", host: "http://h", value: "-5", mode: "QueueLength" }, "more than 0"],
])("refuses %j", async (metadata, problem) => {
  const bed = createTriggerBed();
  await expect(bed.create("rabbitmq", metadata)).rejects.toThrow(problem);
});
