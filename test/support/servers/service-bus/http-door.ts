/** The HTTP door of the test server: queues as ATOM entries, as far as the administration client asks for them. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { MessageQueue, QueueSettings } from "./message-queue.ts";
import type { Namespace } from "./namespace.ts";
import { checkToken, pathOf, type Right, TokenRefusal } from "./tokens.ts";

/** See the top of this file. */
export interface HttpDoor {
  listen(port: number): Promise<void>;
  close(): Promise<void>;
}

const brokerNames = "http://schemas.microsoft.com/netservices/2010/10/servicebus/connect";

/** Opens the door to a namespace. */
export function createHttpDoor(namespace: Namespace): HttpDoor {
  let server: Server | null = null;
  return {
    listen: (port) =>
      new Promise((resolve) => {
        server = createServer((request, response) => void serve(namespace, request, response));
        server.listen(port, "127.0.0.1", resolve);
      }),
    close: () =>
      new Promise((resolve) => {
        if (server === null) return resolve();
        server.closeAllConnections();
        server.close(() => resolve());
        server = null;
      }),
  };
}

async function serve(
  namespace: Namespace,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const url = new URL(request.url ?? "/", "http://namespace");
  const path = decodeURIComponent(url.pathname.slice(1));
  const { status, body } = handle(namespace, {
    method: request.method ?? "GET",
    path,
    search: url.searchParams,
    token: request.headers.authorization ?? "",
    body: Buffer.concat(chunks).toString(),
  });
  response.writeHead(status, { "content-type": "application/atom+xml;type=entry;charset=utf-8" });
  response.end(body);
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly search: URLSearchParams;
  readonly token: string;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function handle(namespace: Namespace, call: Call): Answer {
  const right = rightOf(namespace, call);
  if (right !== null) return right;
  if (namespace.busyFor > 0) {
    namespace.busyFor -= 1;
    return refusal(503, "The namespace is being throttled.");
  }
  if (call.method === "GET" && call.path === "$namespaceinfo") return describeNamespace(namespace);
  if (call.method === "GET" && /^\$resources\/queues$/i.test(call.path))
    return list(namespace, call);
  const queue = namespace.queues.get(call.path.toLowerCase());
  if (call.method === "PUT") return create(namespace, call, queue);
  if (queue === undefined) return empty;
  if (call.method === "GET") return { status: 200, body: entryOf(queue) };
  if (call.method === "DELETE") {
    namespace.remove(call.path);
    return { status: 200, body: "" };
  }
  return refusal(405, "this server does not know the request");
}

/** Everything here takes the right to manage: 401 without a valid token, 401 with SubCode for one without the right. */
function rightOf(namespace: Namespace, { path, token }: Call): Answer | null {
  try {
    const needed: Right = "Manage";
    if (checkToken(namespace, token, pathOf(path)).rights.includes(needed)) return null;
    return refusal(401, "SubCode=40100. Manage,EntityRead claims required for this operation.");
  } catch (error) {
    if (error instanceof TokenRefusal) return refusal(401, error.message);
    throw error;
  }
}

function create(namespace: Namespace, call: Call, existing: MessageQueue | undefined): Answer {
  if (existing) return refusal(409, "SubCode=40900. Conflict. The entity exists.");
  if (!/^[a-z0-9]([a-z0-9._/-]{0,258}[a-z0-9])?$/i.test(call.path))
    return refusal(400, "SubCode=40000. The entity name is not valid.");
  const queue = namespace.create(call.path, settingsOf(call.body));
  return { status: 201, body: entryOf(queue) };
}

function settingsOf(xml: string): Partial<QueueSettings> {
  const text = (name: string): string | undefined =>
    new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  const lock = text("LockDuration");
  const count = text("MaxDeliveryCount");
  const window = text("DuplicateDetectionHistoryTimeWindow");
  const detects = text("RequiresDuplicateDetection") === "true";
  const size = text("MaxMessageSizeInKilobytes");
  return {
    ...(lock && { lockMs: msOf(lock) }),
    ...(count && { maxDeliveryCount: Number(count) }),
    ...(size && { maxMessageBytes: Number(size) * 1024 }),
    duplicateWindowMs: detects ? msOf(window ?? "PT10M") : null,
  };
}

/** The part of ISO 8601 durations that queues are described with. */
function msOf(duration: string): number {
  const parts = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(duration);
  if (parts === null) throw new Error(`not a duration: ${duration}`);
  const [days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
  const [d = 0, h = 0, m = 0, s = 0] = [days, hours, minutes, seconds];
  return (((d * 24 + h) * 60 + m) * 60 + s) * 1000;
}

/** What the service answers for a queue that it does not have. */
const empty: Answer = {
  status: 200,
  body: `<feed xmlns="http://www.w3.org/2005/Atom"><title type="text">Publicly Listed Services</title></feed>`,
};

function list(namespace: Namespace, { search }: Call): Answer {
  const skip = Number(search.get("$skip") ?? 0);
  const top = Number(search.get("$top") ?? 100);
  const all = [...namespace.queues.values()];
  const page = all
    .slice(skip, skip + top)
    .map(entryOf)
    .join("");
  const self = `<link rel="self" href="https://test.servicebus.windows.net/$Resources/queues"/>`;
  const next = `https://test.servicebus.windows.net/$Resources/queues?$skip=${skip + top}&amp;$top=${top}`;
  const link = all.length > skip + top ? `<link rel="next" href="${next}"/>` : "";
  const body = `<feed xmlns="http://www.w3.org/2005/Atom"><title type="text">Queues</title>${self}${link}${page}</feed>`;
  return { status: 200, body };
}

function describeNamespace({ sku }: Namespace): Answer {
  const now = new Date().toISOString();
  const content = `<NamespaceInfo xmlns="${brokerNames}"><CreatedTime>${now}</CreatedTime><MessagingSKU>${sku}</MessagingSKU><ModifiedTime>${now}</ModifiedTime><Name>test</Name><NamespaceType>Messaging</NamespaceType></NamespaceInfo>`;
  return { status: 200, body: entry("$namespaceinfo", "test", content) };
}

function entryOf(queue: MessageQueue): string {
  const { settings } = queue;
  const { active, scheduled } = queue.counts();
  const dead = queue.deadLetters?.counts().active ?? 0;
  const created = new Date(queue.createdAt).toISOString();
  const counts = Object.entries({
    ActiveMessageCount: active,
    DeadLetterMessageCount: dead,
    ScheduledMessageCount: scheduled,
    TransferMessageCount: 0,
    TransferDeadLetterMessageCount: 0,
  })
    .map(([name, count]) => `<d2p1:${name}>${count}</d2p1:${name}>`)
    .join("");
  const content = [
    `<QueueDescription xmlns="${brokerNames}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">`,
    `<LockDuration>PT${settings.lockMs / 1000}S</LockDuration>`,
    "<MaxSizeInMegabytes>1024</MaxSizeInMegabytes>",
    `<RequiresDuplicateDetection>${settings.duplicateWindowMs !== null}</RequiresDuplicateDetection>`,
    "<RequiresSession>false</RequiresSession>",
    "<DefaultMessageTimeToLive>P10675199DT2H48M5.4775807S</DefaultMessageTimeToLive>",
    "<DeadLetteringOnMessageExpiration>false</DeadLetteringOnMessageExpiration>",
    `<DuplicateDetectionHistoryTimeWindow>PT${(settings.duplicateWindowMs ?? 0) / 1000}S</DuplicateDetectionHistoryTimeWindow>`,
    `<MaxDeliveryCount>${settings.maxDeliveryCount}</MaxDeliveryCount>`,
    "<EnableBatchedOperations>true</EnableBatchedOperations>",
    "<SizeInBytes>0</SizeInBytes>",
    `<MessageCount>${active + scheduled + dead}</MessageCount>`,
    "<Status>Active</Status>",
    `<CreatedAt>${created}</CreatedAt><UpdatedAt>${created}</UpdatedAt><AccessedAt>${created}</AccessedAt>`,
    `<CountDetails xmlns:d2p1="http://schemas.microsoft.com/netservices/2011/06/servicebus">${counts}</CountDetails>`,
    "<EntityAvailabilityStatus>Available</EntityAvailabilityStatus>",
    "<EnablePartitioning>false</EnablePartitioning><EnableExpress>false</EnableExpress>",
    `<MaxMessageSizeInKilobytes>${settings.maxMessageBytes / 1024}</MaxMessageSizeInKilobytes>`,
    "</QueueDescription>",
  ].join("");
  return entry(queue.name, queue.name, content);
}

function entry(path: string, title: string, content: string): string {
  const id = `https://test.servicebus.windows.net/${path}`;
  return `<entry xmlns="http://www.w3.org/2005/Atom"><id>${id}</id><title type="text">${title}</title><content type="application/xml">${content}</content></entry>`;
}

function refusal(status: number, detail: string): Answer {
  return { status, body: `<Error><Code>${status}</Code><Detail>${detail}</Detail></Error>` };
}
