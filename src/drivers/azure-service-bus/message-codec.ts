/**
 * Between Service Bus messages and ours. The body travels as it is; each header is an application property of its name,
 * which is also how foreign consumers read them. What we must remember travels in properties that begin with `sluice-`.
 */
import { randomBytes } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import {
  contentTypeHeader,
  type DeadLetter,
  type Delivery,
  type Failure,
  type Headers,
  type OutgoingMessage,
} from "../../core/index.ts";
import type { PropertyValue, ReceivedMessage, SentMessage } from "./client.ts";

/** What is known of a message apart from its lock. */
export interface Parcel {
  readonly id: string;
  readonly body: Uint8Array;
  readonly contentType: string | null;
  readonly headers: Headers;
  readonly publishedAt: number | null;
  readonly readyAt: number | null;
  /** Deliveries of it and of the messages that it is a copy of, without the present one. */
  readonly attempts: number;
  /** Counts the times that it was given back on purpose, by the delivery count that was noted the last time. */
  readonly stay: number;
  /** It was delivered in this stay and nobody settled it: its holder died, or lost the lock. */
  readonly isAbandoned: boolean;
  readonly history: readonly Failure[];
  readonly deadAt: number | null;
}

/** Our own notes on a message, short because they travel with it. */
interface Notes {
  /** The broker's delivery count when we last gave the message back; one beyond it means a lost lock. */
  readonly c?: number;
  /** Attempts up to then. */
  readonly a?: number;
  /** Published at. */
  readonly p?: number;
  /** Ready at. */
  readonly r?: number;
  /** Died at. */
  readonly d?: number;
}

type Properties = Record<string, PropertyValue>;

const jsonType = "application/json";
const idProperty = "sluice-id";
const notesProperty = "sluice-notes";
const headersProperty = "sluice-headers";
const historyProperties = ["sluice-history", "sluice-history-2"] as const;
/** One property may have 32 KB, all together 64 KB; the user's headers have 16 KiB of them. */
const historyPartBytes = 20_000;
/** A property may come from anybody. */
const mostHistoryBytes = 1024 * 1024;
/** Properties that the broker writes. */
const brokersOwn: ReadonlySet<string> = new Set(["DeadLetterReason", "DeadLetterErrorDescription"]);
/** Names that no property can have in the SDK's plain objects. */
const impossible = "__proto__";
/** The longest message id. */
const maxIdLength = 128;

/** A new message. Its time is `readyAt` when it is delayed. */
export function toSentMessage(message: OutgoingMessage, now: number): SentMessage {
  const { id, body, headers, delayMs, deduplicate } = message;
  const messageId = deduplicate ? id : uniqueId(id);
  const notes: Notes = delayMs > 0 ? { p: now } : {};
  return {
    body: copyOf(body),
    messageId,
    contentType: contentTypeOf(headers),
    applicationProperties: {
      ...headerProperties(headers),
      ...(messageId === id ? {} : { [idProperty]: id }),
      ...(delayMs > 0 ? { [notesProperty]: JSON.stringify(notes) } : {}),
    },
  };
}

/** A message that takes the place of another one, under a message id that tells which. */
export function toCopy(
  parcel: Parcel,
  change: {
    readonly messageId: string;
    readonly attempts: number;
    readonly readyAt: number;
    readonly history?: readonly Failure[];
  },
): SentMessage {
  const { history = parcel.history, attempts, readyAt, messageId } = change;
  const notes = { a: attempts, r: readyAt, ...published(parcel) };
  return {
    body: parcel.body,
    messageId,
    contentType: parcel.contentType ?? contentTypeOf(parcel.headers),
    applicationProperties: {
      ...headerProperties(parcel.headers),
      [idProperty]: parcel.id,
      [notesProperty]: JSON.stringify(notes),
      ...historyToProperties(history),
    },
  };
}

/** The properties of a message that is given back. `count`: its delivery count once it is. */
export function givenBack(
  parcel: Parcel,
  change: {
    readonly count: number;
    readonly attempts: number;
    readonly readyAt: number | null;
    readonly history: readonly Failure[];
  },
): Properties {
  const notes: Notes = {
    c: change.count,
    a: change.attempts,
    ...published(parcel),
    ...(change.readyAt === null ? {} : { r: change.readyAt }),
  };
  return { [notesProperty]: JSON.stringify(notes), ...historyToProperties(change.history) };
}

/** The properties of a message that dies. */
export function buried(
  parcel: Parcel,
  change: {
    readonly attempts: number;
    readonly deadAt: number;
    readonly history: readonly Failure[];
  },
): Properties {
  const notes: Notes = { a: change.attempts, d: change.deadAt, ...published(parcel) };
  return { [notesProperty]: JSON.stringify(notes), ...historyToProperties(change.history) };
}

/** What came, ours or foreign. */
export function fromReceived(message: ReceivedMessage): Parcel {
  const properties = message.applicationProperties ?? {};
  const notes = parse<Notes>(properties[notesProperty]) ?? {};
  const enqueuedAt = message.enqueuedTimeUtc?.getTime() ?? null;
  // What happens to a dead letter is no attempt.
  const count = notes.d === undefined ? (message.deliveryCount ?? 0) : 0;
  const beyond = Math.max(0, count - (notes.c ?? 0));
  const contentType = message.contentType ?? null;
  return {
    id: idOf(message, properties),
    body: bodyOf(message.body),
    contentType,
    headers: headersOf(properties, contentType),
    publishedAt: notes.p ?? enqueuedAt,
    readyAt: notes.r ?? enqueuedAt,
    attempts: (notes.a ?? 0) + beyond,
    stay: notes.c ?? 0,
    isAbandoned: beyond > 0,
    history: historyOf(properties),
    deadAt: notes.d ?? null,
  };
}

/** A delivery of a parcel. */
export function toDelivery(parcel: Parcel, receipt: string): Delivery {
  const { id, body, headers, attempts, publishedAt, readyAt, history } = parcel;
  const attempt = attempts + 1;
  return { id, body, headers, attempt, priority: 0, publishedAt, readyAt, history, receipt };
}

/** A dead letter, ours or one that the broker or a foreign consumer made. */
export function toDeadLetter(message: ReceivedMessage, queue: string, now: number): DeadLetter {
  const parcel = fromReceived(message);
  const { id, body, headers, attempts, publishedAt, history } = parcel;
  const { deadLetterReason = "unknown", deadLetterErrorDescription: description } = message;
  const isOurs = parcel.deadAt !== null;
  const reason = isOurs || !description ? deadLetterReason : `${deadLetterReason}: ${description}`;
  const deadAt = parcel.deadAt ?? message.enqueuedTimeUtc?.getTime() ?? now;
  return { id, queue, body, headers, attempts, reason, publishedAt, deadAt, history };
}

function published({ publishedAt }: Parcel): Notes {
  return publishedAt === null ? {} : { p: publishedAt };
}

/** Queues with duplicate detection drop a message id that they saw lately, which nobody asked for here. */
function uniqueId(id: string): string {
  const suffix = `.${randomBytes(6).toString("base64url")}`;
  return `${id.slice(0, maxIdLength - suffix.length)}${suffix}`;
}

/** The buffer may be written into again before the SDK has sent it. */
function copyOf(body: Uint8Array): Buffer {
  return Buffer.from(body);
}

/** A symbol, so ASCII; anything else travels as a property only. */
function contentTypeOf(headers: Headers): string {
  const type = headers[contentTypeHeader] ?? jsonType;
  return /^[\x20-\x7e]+$/.test(type) ? type : jsonType;
}

function headerProperties(headers: Headers): Properties {
  const properties: Properties = {};
  const odd: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (name === impossible) odd.push([name, value]);
    else properties[name] = value;
  }
  if (odd.length > 0) properties[headersProperty] = JSON.stringify(odd);
  return properties;
}

function headersOf(
  properties: Readonly<Record<string, unknown>>,
  contentType: string | null,
): Headers {
  const headers: [string, string][] = [];
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("sluice-") || brokersOwn.has(name) || value === null) continue;
    headers.push([name.toLowerCase(), value instanceof Date ? value.toISOString() : `${value}`]);
  }
  headers.push(...(parse<[string, string][]>(properties[headersProperty]) ?? []));
  if (contentType !== null && contentType !== jsonType) {
    const isTold = headers.some(([name]) => name === contentTypeHeader);
    if (!isTold) headers.push([contentTypeHeader, contentType]);
  }
  return Object.fromEntries(headers);
}

function idOf(message: ReceivedMessage, properties: Readonly<Record<string, unknown>>): string {
  const own = properties[idProperty];
  if (typeof own === "string") return own;
  const { messageId, sequenceNumber } = message;
  if (typeof messageId === "string" && messageId !== "") return messageId;
  if (Buffer.isBuffer(messageId)) return messageId.toString("hex");
  return typeof messageId === "number" ? `${messageId}` : `sequence-${sequenceNumber}`;
}

/** Foreign bodies may be AMQP values instead of bytes: text is taken as it is, anything else as JSON. */
function bodyOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  if (body === undefined || body === null) return new Uint8Array();
  return Buffer.from(typeof body === "string" ? body : (JSON.stringify(body) ?? ""));
}

/** As many of the latest failures as fit into two properties; those of a longer history before are emptied. */
function historyToProperties(history: readonly Failure[]): Properties {
  if (history.length === 0) return {};
  const text = packed(history);
  const [first, second] = historyProperties;
  return { [first]: text.slice(0, historyPartBytes), [second]: text.slice(historyPartBytes) };
}

function packed(history: readonly Failure[]): string {
  for (let start = 0; start < history.length; start += 1) {
    const text = deflateRawSync(JSON.stringify(history.slice(start))).toString("base64");
    if (text.length <= historyPartBytes * historyProperties.length) return text;
  }
  return "";
}

function historyOf(properties: Readonly<Record<string, unknown>>): readonly Failure[] {
  const text = historyProperties.map((name) => properties[name] ?? "").join("");
  if (text === "") return [];
  try {
    const history = parse<Failure[]>(
      inflateRawSync(Buffer.from(text, "base64"), { maxOutputLength: mostHistoryBytes }).toString(),
    );
    return Array.isArray(history) ? history : [];
  } catch {
    // Somebody else wrote into our property; the job itself is whole.
    return [];
  }
}

function parse<T>(text: unknown): T | null {
  if (typeof text !== "string") return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}
