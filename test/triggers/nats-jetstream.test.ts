import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedServer, whyNoServer } from "../support/servers.ts";
import { until } from "../support/until.ts";
import { startHttpServer } from "./http-server.ts";
import { createTriggerBed } from "./trigger-bed.ts";

const missing = whyNoServer("nats");
const it = test.skipIf(missing !== null);
const bed = createTriggerBed();

let endpoint = "";
beforeAll(async () => {
  if (missing !== null) return console.log(`skipped: ${missing}`);
  const server = await sharedServer("nats");
  endpoint = new URL(server.adminUrl ?? "").host;
  const consumer = { durable_name: "pushers", ack_policy: "explicit" };
  await speak(new URL(server.url), [
    ["$JS.API.STREAM.CREATE.MAIL", JSON.stringify({ name: "MAIL", subjects: ["mail"] })],
    [
      "$JS.API.CONSUMER.DURABLE.CREATE.MAIL.pushers",
      JSON.stringify({ stream_name: "MAIL", config: consumer }),
    ],
    ...["1", "2", "3", "4", "5"].map((job): [string, string] => ["mail", job]),
    ["$JS.API.CONSUMER.MSG.NEXT.MAIL.pushers", JSON.stringify({ batch: 1 })],
  ]);
}, 60_000);
afterAll(() => bed.close());

/** Sends requests one after the other in NATS's own protocol, and waits for the answer to each. */
async function speak(url: URL, requests: readonly (readonly [string, string])[]): Promise<void> {
  const socket = connect(Number(url.port), url.hostname);
  let heard = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    heard += text;
  });
  socket.write('CONNECT {"verbose":false}\r\nSUB _INBOX.here 1\r\n');
  for (const [index, [subject, body]] of requests.entries()) {
    socket.write(`PUB ${subject} _INBOX.here ${Buffer.byteLength(body)}\r\n${body}\r\n`);
    const answers = () => heard.split(/^MSG /m).length - 1 > index;
    await until(answers, { withinMs: 5000, what: `an answer to ${subject}` });
  }
  if (heard.includes('"error"')) throw new Error(heard);
  socket.destroy();
}

const read = (more: Record<string, string> = {}) =>
  bed.read("nats-jetstream", {
    natsServerMonitoringEndpoint: endpoint,
    account: "$G",
    stream: "MAIL",
    consumer: "pushers",
    ...more,
  });

it("counts what is not delivered and what is not acknowledged", async () => {
  expect(await read()).toEqual({
    metricName: "s0-nats-jetstream-MAIL",
    value: 5,
    active: true,
  });
  expect(await read({ activationLagThreshold: "5" })).toMatchObject({ active: false });
});

it.each([
  [{ stream: "OTHER" }, "no stream OTHER"],
  [{ consumer: "other" }, "no consumer other"],
  [{ account: "nobody" }, "no stream MAIL in the account nobody"],
  [{ natsServerMonitoringEndpoint: "127.0.0.1:1" }, "ECONNREFUSED"],
])("with %j it fails", async (more, problem) => {
  await expect(read(more)).rejects.toMatchObject({
    code: "TRIGGER_FAILED",
    message: expect.stringContaining(problem),
  });
});

test("asks the node of a cluster that leads the consumer, and remembers it", async () => {
  const nodes = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
  let leader = "127.0.0.3";
  const nameOf = (host: string) => `node-${host.at(-1)}`;
  const cluster = await startHttpServer(({ url = "", headers }) => {
    const host = headers.host?.replace(/:\d+$/, "") ?? "";
    if (url === "/varz") {
      const connect_urls = nodes.slice(1).map((node) => `${node}:4222`);
      return { body: JSON.stringify({ server_name: nameOf(host), connect_urls }) };
    }
    const num_pending = host === leader ? 8 : 3; // only the leader knows
    const consumer = { name: "pushers", num_pending, cluster: { leader: nameOf(leader) } };
    const stream = { name: "MAIL", consumer_detail: [consumer] };
    return {
      body: JSON.stringify({
        account_details: [{ id: "A", name: "shop", stream_detail: [stream] }],
        meta_cluster: { cluster_size: 3 },
      }),
    };
  }, "0.0.0.0");
  const trigger = await bed.create("nats-jetstream", {
    natsServerMonitoringEndpoint: new URL(cluster.url).host,
    accountID: "A",
    stream: "MAIL",
    consumer: "pushers",
  });
  expect(await trigger.read()).toMatchObject([{ value: 8 }]);
  const asked = cluster.requests.length;
  expect(await trigger.read()).toMatchObject([{ value: 8 }]);
  expect(cluster.requests.length).toBe(asked + 1);
  leader = "127.0.0.2";
  expect(await trigger.read()).toMatchObject([{ value: 8 }]);
  leader = "127.0.0.9";
  await expect(trigger.read()).rejects.toThrow("no node of the NATS cluster leads");
  await cluster.close();
});

const good = { natsServerMonitoringEndpoint: "h:8222", account: "a", stream: "s", consumer: "c" };

test.each([
  [{ ...good, account: "" }, "account or accountID is required"],
  [{ ...good, stream: "" }, "stream is required"],
  [{ ...good, consumer: "" }, "consumer is required"],
  [{ ...good, natsServerMonitoringEndpoint: "" }, "natsServerMonitoringEndpoint is required"],
  [{ ...good, lagThreshold: "0" }, "lagThreshold must be more than 0"],
  [{ ...good, lagThreshold: "Y" }, "lagThreshold must be a whole number"],
  [{ ...good, useHttps: "error" }, "useHttps must be true or false"],
])("refuses %j", async (metadata, problem) => {
  await expect(bed.create("nats-jetstream", metadata)).rejects.toThrow(problem);
});
