/**
 * Between AMQP messages and ours. The body travels as it is; standard properties carry id, time and content type for
 * foreign consumers; the caller's headers and a few of ours go into the table of headers.
 */
import {
  bytesContentType,
  contentTypeHeader,
  createId,
  type DeadLetter,
  type Delivery,
  type Failure,
  type Headers,
  type OutgoingMessage,
} from "../../core/index.ts";
import type { AmqpMessage, AmqpProperties, AmqpPublishOptions } from "./client.ts";

/** A message between its travels: what is known of it apart from its lease. */
export interface Parcel {
  readonly id: string;
  readonly body: Buffer;
  readonly headers: Headers;
  readonly publishedAt: number | null;
  readonly readyAt: number | null;
  /** Deliveries that ended before this copy was sent; the broker's own count comes on top. */
  readonly attempts: number;
  readonly history: readonly Failure[];
  readonly reason?: string;
  readonly deadAt?: number;
}

/** amqplib encodes the table of headers into 64 KiB; a little is left for what surrounds a value. */
const tableBytes = 64_000;

/** Headers that the broker writes, or that amqplib cannot carry; ours of these names travel under another. */
const ownedByBroker =
  /^(x-death|x-(first|last)-death-.*|x-delivery-count|x-acquired-count|x-delay|__proto__)$/;
const escapePrefix = "sluice-user-";

const jsonType = "application/json";

/** A new message. */
export function toParcel(message: OutgoingMessage, now: number): Parcel {
  const { buffer, byteOffset, byteLength } = message.body;
  return {
    id: message.id,
    body: Buffer.from(buffer, byteOffset, byteLength),
    headers: message.headers,
    publishedAt: now,
    readyAt: now + message.delayMs,
    attempts: 0,
    history: [],
  };
}

/** How a parcel is published. */
export function toPublishOptions(parcel: Parcel, now: number): AmqpPublishOptions {
  const { publishedAt, headers } = parcel;
  return {
    mandatory: true,
    persistent: true,
    messageId: parcel.id,
    timestamp: Math.floor((publishedAt ?? now) / 1000),
    contentType: headers[contentTypeHeader] ?? jsonType,
    headers: toTable(parcel),
  };
}

function toTable(parcel: Parcel): Record<string, unknown> {
  const { publishedAt, readyAt, attempts, history, reason, deadAt } = parcel;
  const table: Record<string, unknown> = {};
  let bytes = 0;
  for (const [name, value] of Object.entries(parcel.headers)) {
    table[ownedByBroker.test(name) ? escapePrefix + name : name] = value;
    if (history.length > 0) bytes += name.length + Buffer.byteLength(value) + 20;
  }
  // Always there: it is also how a message of ours is known. 0 stands for a foreign one without a time.
  table["sluice-published-at"] = publishedAt ?? 0;
  if (readyAt !== null && readyAt !== publishedAt) table["sluice-ready-at"] = readyAt;
  if (attempts > 0) table["sluice-attempts"] = attempts;
  if (reason !== undefined) table["sluice-reason"] = reason;
  if (deadAt !== undefined) table["sluice-dead-at"] = deadAt;
  if (history.length > 0) {
    const left = tableBytes - bytes - 300 - Buffer.byteLength(reason ?? "");
    table["sluice-history"] = historyWithin(history, left);
  }
  return table;
}

/** As many of the latest failures as fit: texts of many-byte characters are longer than their count. */
function historyWithin(history: readonly Failure[], maxBytes: number): string {
  for (let first = 0; first < history.length; first += 1) {
    const text = JSON.stringify(history.slice(first));
    if (Buffer.byteLength(text) <= maxBytes) return text;
  }
  return "[]";
}

/** What came, ours or foreign. */
export function fromAmqp(message: AmqpMessage, now: number): Parcel {
  const { properties, content } = message;
  const table = properties.headers ?? {};
  const publishedAt = toNumber(table["sluice-published-at"]);
  const isOurs = publishedAt !== null;
  const published = isOurs ? publishedAt || null : timeOf(properties.timestamp);
  return {
    id: typeof properties.messageId === "string" ? properties.messageId : createId(now),
    body: content,
    headers: isOurs ? ownHeaders(table) : foreignHeaders(properties, table),
    publishedAt: published,
    readyAt: toNumber(table["sluice-ready-at"]) ?? published,
    attempts: toNumber(table["sluice-attempts"]) ?? 0,
    history: toHistory(table["sluice-history"]),
    ...(typeof table["sluice-reason"] === "string" ? { reason: table["sluice-reason"] } : {}),
    ...(typeof table["sluice-dead-at"] === "number" ? { deadAt: table["sluice-dead-at"] } : {}),
  };
}

/** How often the broker has given out this very copy before: exact for quorum queues, once at most for classic ones. */
export function redeliveries({ properties, fields }: AmqpMessage): number {
  const counted = toNumber(properties.headers?.["x-delivery-count"]);
  if (counted !== null) return counted;
  // RabbitMQ 4.3 also marks what was given back by a nack, which it does not count, and tells so by this header.
  const isCounting = toNumber(properties.headers?.["x-acquired-count"]) !== null;
  return fields.redelivered && !isCounting ? 1 : 0;
}

/** A parcel as a consumer gets it, with a body of its own. */
export function toDelivery(parcel: Parcel, attempt: number, receipt: string): Delivery {
  const { id, headers, publishedAt, readyAt, history } = parcel;
  const body = new Uint8Array(parcel.body);
  return { id, body, headers, attempt, priority: 0, publishedAt, readyAt, history, receipt };
}

/** A parcel from a dead-letter queue. One that was put there by others has no reason of ours. */
export function toDeadLetter(parcel: Parcel, queue: string, now: number): DeadLetter {
  const { id, headers, attempts, publishedAt, history, reason = "unknown", deadAt = now } = parcel;
  const body = new Uint8Array(parcel.body);
  return { id, queue, body, headers, attempts, reason, publishedAt, deadAt, history };
}

function ownHeaders(table: Readonly<Record<string, unknown>>): Headers {
  const headers: (readonly [string, string])[] = [];
  for (const [name, value] of Object.entries(table)) {
    if (name.startsWith(escapePrefix)) headers.push([name.slice(escapePrefix.length), text(value)]);
    else if (!name.startsWith("sluice-") && !ownedByBroker.test(name))
      headers.push([name, text(value)]);
  }
  return Object.fromEntries(headers);
}

/** Whatever others put into the table, as texts under names in lower case, with their content type if it tells something. */
function foreignHeaders(
  { contentType }: AmqpProperties,
  table: Readonly<Record<string, unknown>>,
): Headers {
  const lower = Object.entries(table).map(([name, value]) => [name.toLowerCase(), value] as const);
  const headers = ownHeaders(Object.fromEntries(lower));
  const isTelling =
    typeof contentType === "string" && !/^application\/(.*\+)?json\b/.test(contentType);
  if (!isTelling || headers[contentTypeHeader] !== undefined) return headers;
  // Clients without an opinion call everything a stream of bytes, also what is JSON.
  return contentType === bytesContentType
    ? headers
    : { ...headers, [contentTypeHeader]: contentType };
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "";
  if (Buffer.isBuffer(value)) return value.toString("utf8");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function toNumber(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** AMQP times are seconds; some publishers send milliseconds all the same. */
function timeOf(timestamp: unknown): number | null {
  const time = toNumber(timestamp);
  if (time === null || time <= 0) return null;
  return time < 1e11 ? time * 1000 : time;
}

function toHistory(value: unknown): readonly Failure[] {
  if (typeof value !== "string") return [];
  try {
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) ? parsed.filter(isFailure) : [];
  } catch {
    return [];
  }
}

function isFailure(value: unknown): value is Failure {
  if (typeof value !== "object" || value === null) return false;
  return "attempt" in value && "at" in value && "error" in value && typeof value.error === "string";
}
