/** Between what the scripts store and the shapes of the driver contract. */
import {
  appendFailure,
  type DeadLetter,
  type Delivery,
  type Failure,
  type OutgoingMessage,
  type Settlement,
  type WaitingMessage,
} from "../../core/index.ts";
import { laneWidth } from "./scripts/prelude.ts";
import { publishReadyScript, publishScript } from "./scripts/publish.ts";
import type { Script } from "./scripts/script.ts";

/** One argument of a command. */
export type Argument = string | number | Buffer;

const lineEnd = 10;

/** What one script call stores at most, unless a single message is larger. */
const maxPublishBytes = 8 * 1024 * 1024;

/** A script with its arguments. */
export interface PublishCall {
  readonly script: Script;
  readonly args: readonly Argument[];
}

interface Encoded {
  readonly message: OutgoingMessage;
  readonly record: Buffer;
}

/** The calls that it takes to publish the messages: one, unless they are large. */
export function publishCalls(
  messages: readonly OutgoingMessage[],
  windowMs: number,
): readonly PublishCall[] {
  let group: Encoded[] = [];
  const groups = [group];
  let bytes = 0;
  for (const message of messages) {
    const record = encodeRecord(message);
    if (bytes > 0 && bytes + record.length > maxPublishBytes) {
      group = [];
      groups.push(group);
      bytes = 0;
    }
    group.push({ message, record });
    bytes += record.length;
  }
  return groups.map((encoded) => publishCall(encoded, windowMs));
}

function publishCall(group: readonly Encoded[], windowMs: number): PublishCall {
  if (group.every(({ message }) => message.delayMs <= 0 && !message.deduplicate)) {
    const priorities = group.map(({ message }) => message.priority).join("");
    const args = [priorities, ...group.map(({ record }) => record)];
    return { script: publishReadyScript, args };
  }
  const args = group.flatMap(({ message, record }) => [encodeHead(message), record]);
  return { script: publishScript, args: [windowMs, ...args] };
}

/** What the script must know of a message: priority, whether its id is chosen, delay, that id. */
function encodeHead({ id, priority, delayMs, deduplicate }: OutgoingMessage): string {
  const delay = delayMs > 0 ? Math.ceil(delayMs) : "";
  return `${priority}${deduplicate ? "k" : "-"}${delay}${deduplicate ? ` ${id}` : ""}`;
}

/**
 * A message as it is stored but for the time of publishing in front: id, headers and body, each after a line end, so that
 * `HGET` shows them to anybody.
 */
function encodeRecord({ id, headers, body }: OutgoingMessage): Buffer {
  const front = `\n${id}\n${encodeHeaders(headers)}\n`;
  const frontBytes = Buffer.byteLength(front);
  const record = Buffer.allocUnsafe(frontBytes + body.byteLength);
  record.write(front);
  record.set(body, frontBytes);
  return record;
}

function encodeHeaders(headers: OutgoingMessage["headers"]): string {
  for (const _ in headers) return JSON.stringify(headers);
  return "";
}

/** What every view of a message shares, as copies that keep no network buffer alive. */
function content(record: Buffer) {
  const afterTime = record.indexOf(lineEnd);
  const afterId = record.indexOf(lineEnd, afterTime + 1);
  const afterHeaders = record.indexOf(lineEnd, afterId + 1);
  return {
    publishedAt: Number(record.toString("latin1", 0, afterTime)),
    id: record.toString("utf8", afterTime + 1, afterId),
    headers:
      afterHeaders === afterId + 1
        ? {}
        : JSON.parse(record.toString("utf8", afterId + 1, afterHeaders)),
    body: new Uint8Array(record.subarray(afterHeaders + 1)),
  };
}

/** The priority that a member of a sorted set names. */
function priorityOf(member: string): number {
  return member.charCodeAt(15) - 48;
}

/** The message that receive answers with: member and state, record, history. */
export function toDelivery(lease: Buffer, record: Buffer, history: Buffer): Delivery {
  const [member = "", leases, releases, place, leasedAt] = lease.toString("latin1").split(" ", 5);
  return {
    ...content(record),
    attempt: Number(leases) - Number(releases),
    priority: priorityOf(member),
    readyAt: Number(place) % laneWidth,
    history: decodeHistory(history),
    receipt: `${member}.${leases}.${leasedAt}`,
  };
}

/** The message that peek answers with: member, state, record, and where it stands. */
export function toWaitingMessage(fields: readonly Buffer[]): WaitingMessage {
  const [member = "", state = "", , where] = fields.map((field, index) =>
    index === 2 ? "" : String(field),
  );
  return {
    ...content(fields[2] ?? Buffer.alloc(0)),
    state: where === "leased" ? "in flight" : where === "delayed" ? "delayed" : "ready",
    attempts: attemptsOf(state),
    priority: priorityOf(member),
  };
}

/** The dead letter that the script answers with: state, record, history, reason, time of death. */
export function toDeadLetter(queue: string, fields: readonly Buffer[]): DeadLetter {
  const [state, record = Buffer.alloc(0), history, reason, deadAt] = fields;
  return {
    ...content(record),
    queue,
    attempts: attemptsOf(String(state)),
    reason: String(reason),
    deadAt: Number(String(deadAt)),
    history: decodeHistory(history),
  };
}

function attemptsOf(state: string): number {
  const [leases = 0, releases = 0] = state.split(" ", 2).map(Number);
  return leases - releases;
}

function decodeHistory(lines: Buffer | undefined): readonly Failure[] {
  if (lines === undefined || lines.length === 0) return [];
  return String(lines)
    .split("\n")
    .map((line): Failure => JSON.parse(line));
}

const receiptForm = /^(\d{15}\d[k-])\.(\d{1,15}\.\d{1,17})$/;

/** The member of a receipt and what proves that its lease is the last one; `null` when it is none of ours. */
export function parseReceipt(receipt: string): readonly [member: string, proof: string] | null {
  const [, member, proof] = receiptForm.exec(receipt) ?? [];
  return member === undefined || proof === undefined ? null : [member, proof];
}

/** A settlement as the settle script reads it: a letter, the failure on the same line, then delay or reason. */
export function encodeSettlement(settlement: Settlement): string {
  switch (settlement.outcome) {
    case "ack":
      return "a";
    case "release":
      return "g";
    case "retry":
      return `r${encodeFailure(settlement.failure)}\n${Math.ceil(settlement.delayMs)}`;
    case "dead-letter":
      return `d${encodeFailure(settlement.failure)}\n${settlement.reason}`;
  }
}

function encodeFailure(failure: Failure | undefined): string {
  const [storable] = appendFailure([], failure);
  return storable === undefined ? "" : JSON.stringify(storable);
}
