import { createHmac } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Answer, type HttpServer, startHttpServer } from "./http-server.ts";
import { createTriggerBed } from "./trigger-bed.ts";

/** A stand-in for the management API, which exists in Azure alone: paths, pages, Atom and signatures are checked. */
const key = "topsecret+/=";
const counts: Readonly<Record<string, number>> = {
  mail: 7,
  "orders/eu": 3,
  "orders/us": 4,
  ...Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`bulk-${index}`, 2])),
};
const subscriptions: Readonly<Record<string, number>> = { billing: 5, "billing-eu": 1 };

const entry = (name: string, count: number, kind: string) =>
  `<entry xmlns="http://www.w3.org/2005/Atom"><id>https://x/${name}</id><title type="text">${name}</title><content type="application/xml"><${kind} xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"><MessageCount>99</MessageCount><CountDetails xmlns:d2p1="http://schemas.microsoft.com/netservices/2011/06/servicebus"><d2p1:ActiveMessageCount>${count}</d2p1:ActiveMessageCount><d2p1:DeadLetterMessageCount>50</d2p1:DeadLetterMessageCount></CountDetails></${kind}></content></entry>`;
const feed = (entries: readonly string[]) =>
  `<feed xmlns="http://www.w3.org/2005/Atom"><title type="text">x</title>${entries.join("")}</feed>`;

function answer({ url = "", headers }: IncomingMessage): Answer {
  const { pathname, searchParams } = new URL(url, "http://x");
  if (!isSigned(headers.authorization ?? "")) return { status: 401, body: "InvalidSignature" };
  const page = (all: Readonly<Record<string, number>>, kind: string): Answer => {
    const skip = Number(searchParams.get("$skip"));
    const shown = Object.entries(all).slice(skip, skip + Number(searchParams.get("$top")));
    return { body: feed(shown.map(([name, count]) => entry(name, count, kind))) };
  };
  if (pathname === "/$Resources/Queues") return page(counts, "QueueDescription");
  if (pathname === "/news/Subscriptions") return page(subscriptions, "SubscriptionDescription");
  const path = decodeURIComponent(pathname.slice(1));
  const [, subscription = ""] = /^news\/Subscriptions\/(.*)$/.exec(path) ?? [];
  const count = counts[path] ?? subscriptions[subscription];
  if (path === "gone") return { status: 404 };
  if (count === undefined) return { body: feed([]) };
  const kind = subscription === "" ? "QueueDescription" : "SubscriptionDescription";
  return { body: entry(path, count, kind) };
}

/** https://learn.microsoft.com/rest/api/eventhub/generate-sas-token */
function isSigned(header: string): boolean {
  const fields = new URLSearchParams(header.replace(/^SharedAccessSignature /, ""));
  const resource = encodeURIComponent(fields.get("sr") ?? "");
  const expiry = fields.get("se");
  const wanted = createHmac("sha256", key).update(`${resource}\n${expiry}`).digest("base64");
  return (
    fields.get("sig") === wanted &&
    fields.get("skn") === "manager" &&
    Number(expiry) * 1000 > Date.now()
  );
}

const bed = createTriggerBed();
let server: HttpServer;
let connection = "";
beforeAll(async () => {
  server = await startHttpServer(answer);
  const { host } = new URL(server.url);
  connection = `Endpoint=sb://${host}/;SharedAccessKeyName=manager;SharedAccessKey=${key};UseDevelopmentEmulator=true`;
});
afterAll(async () => {
  await bed.close();
  await server.close();
});

const read = (metadata: Record<string, string>) =>
  bed.read("azure-servicebus", metadata, { parameters: { connection } });

test.each([
  [{ queueName: "mail" }, "s0-azure-servicebus-mail", 7],
  [{ queueName: "orders/eu" }, "s0-azure-servicebus-orders-eu", 3],
  [{ topicName: "news", subscriptionName: "billing" }, "s0-azure-servicebus-news", 5],
  [{ queueName: "orders/.*", useRegex: "true" }, "s0-azure-servicebus-queue-regex", 7],
  [
    { queueName: "orders/..", useRegex: "true", operation: "max" },
    "s0-azure-servicebus-queue-regex",
    4,
  ],
  [
    { queueName: "orders/..", useRegex: "true", operation: "avg" },
    "s0-azure-servicebus-queue-regex",
    3,
  ],
  [{ queueName: "rders", useRegex: "true" }, "s0-azure-servicebus-queue-regex", 0],
  [{ queueName: "bulk-.*", useRegex: "true" }, "s0-azure-servicebus-queue-regex", 300],
  [
    { topicName: "news", subscriptionName: "billing.*", useRegex: "true" },
    "s0-azure-servicebus-topic-regex",
    6,
  ],
])("%j: %s is %d", async (metadata, metricName, value) => {
  expect(await read(metadata)).toEqual({ metricName, value, active: value > 0 });
});

test("is not active at the activation value", async () => {
  const metadata = { queueName: "mail", activationMessageCount: "7" };
  expect(await read(metadata)).toMatchObject({ active: false });
});

test.each([
  [{ queueName: "nothing" }, "there is no queue nothing"],
  [{ queueName: "gone" }, "there is no queue gone"],
  [{ topicName: "news", subscriptionName: "x" }, "no subscription x of a topic news"],
])("%j is an error", async (metadata, problem) => {
  await expect(read(metadata)).rejects.toMatchObject({
    code: "TRIGGER_FAILED",
    message: expect.stringContaining(problem),
  });
});

test("a wrong key is an error that does not show it", async () => {
  const parameters = { connection: connection.replace("topsecret", "topsecrets") };
  const error = await bed
    .read("azure-servicebus", { queueName: "mail" }, { parameters })
    .catch((reason: unknown) => reason);
  expect(String(error)).toContain("answered 401: InvalidSignature");
  expect(String(error)).not.toContain("topsecret");
});

test.each([
  [{}, {}, "queueName is required"],
  [{ queueName: "q", topicName: "t" }, {}, "queueName excludes"],
  [{ queueName: "q", subscriptionName: "t" }, {}, "queueName excludes"],
  [{ topicName: "t" }, {}, "subscriptionName is required"],
  [{ queueName: "q" }, { connection: "" }, "connection is required"],
  [{ queueName: "q" }, { connection: "topsecret" }, "connection: expected the form"],
  [{ queueName: "*", useRegex: "true" }, {}, "no regular expression"],
  [{ queueName: "q", operation: "min" }, {}, "operation must be one of sum, max, avg"],
  [{ queueName: "q", messageCount: "5.5" }, {}, "messageCount must be a whole number"],
])("refuses %j with %j", async (metadata, more, problem) => {
  const parameters = { connection, ...more };
  await expect(bed.create("azure-servicebus", metadata, { parameters })).rejects.toThrow(problem);
});
