/**
 * What the lease tables of SQL drivers have in common. A message is one row from publish to settle, and `state` says where
 * it stands: 0 ready, 1 delayed, 2 in flight, 3 dead. `lease` counts the receipts that were handed out and never goes back;
 * the attempt is that, less the leases that were given back. A receipt names the row, its lease and a mark that tells the
 * row from another of the same number, so an old receipt matches nothing.
 *
 * Each driver maps its own columns to the shapes here; values are as its client gives them.
 */
import type { DeadLetter, Delivery, Failure, Headers, WaitingMessage } from "../../core/index.ts";

/** What every row has. Times in milliseconds since 1970. */
export interface StoredMessage {
  readonly id: unknown;
  readonly body: unknown;
  /** JSON, or null for none. */
  readonly headers: unknown;
  readonly attempts: unknown;
  readonly publishedAt: unknown;
}

/** A row that was leased. */
export interface LeasedMessage extends StoredMessage {
  readonly priority: unknown;
  readonly readyAt: unknown;
  /** JSON, or null for none. */
  readonly history: unknown;
}

/** What a receipt names. */
export interface Lease {
  readonly seq: number;
  readonly lease: number;
  readonly mark: number;
}

export function toDelivery(row: LeasedMessage, receipt: string): Delivery {
  return {
    id: String(row.id),
    body: toBody(row.body),
    headers: decodeHeaders(row.headers),
    attempt: Number(row.attempts),
    priority: Number(row.priority),
    publishedAt: Number(row.publishedAt),
    readyAt: Number(row.readyAt),
    history: decodeHistory(row.history),
    receipt,
  };
}

/** A dead row of `queue`. */
export function toDeadLetter(
  queue: string,
  row: StoredMessage & {
    readonly reason: unknown;
    readonly deadAt: unknown;
    readonly history: unknown;
  },
): DeadLetter {
  return {
    id: String(row.id),
    queue,
    body: toBody(row.body),
    headers: decodeHeaders(row.headers),
    attempts: Number(row.attempts),
    reason: String(row.reason),
    publishedAt: Number(row.publishedAt),
    deadAt: Number(row.deadAt),
    history: decodeHistory(row.history),
  };
}

const stateNames = ["ready", "delayed", "in flight"] as const;

/** A row that is not dead. */
export function toWaitingMessage(
  row: StoredMessage & { readonly priority: unknown; readonly state: unknown },
): WaitingMessage {
  return {
    id: String(row.id),
    body: toBody(row.body),
    headers: decodeHeaders(row.headers),
    state: stateNames[Number(row.state)] ?? "ready",
    attempts: Number(row.attempts),
    priority: Number(row.priority),
    publishedAt: Number(row.publishedAt),
  };
}

/** A receipt of three whole numbers from 0. */
export function toReceipt(seq: unknown, lease: unknown, mark: unknown): string {
  return `${seq}.${lease}.${mark}`;
}

/** The lease that a receipt names; null for a receipt that is not ours. */
export function parseReceipt(receipt: string): Lease | null {
  const found = /^(\d{1,15})\.(\d{1,9})\.(\d{1,15})$/.exec(receipt);
  if (found === null) return null;
  return { seq: Number(found[1]), lease: Number(found[2]), mark: Number(found[3]) };
}

/** The headers as JSON; null for none. */
export function encodeHeaders(headers: Headers): string | null {
  return hasHeaders(headers) ? JSON.stringify(headers) : null;
}

export function hasHeaders(headers: Headers): boolean {
  for (const _ in headers) return true;
  return false;
}

/** Clients may give an empty body back as null. */
function toBody(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array();
}

function decodeHeaders(value: unknown): Headers {
  return typeof value === "string" ? JSON.parse(value) : {};
}

/** The failures of a column. */
export function decodeHistory(value: unknown): readonly Failure[] {
  return typeof value === "string" ? JSON.parse(value) : [];
}
