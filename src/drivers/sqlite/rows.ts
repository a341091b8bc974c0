/** Between rows and the shapes of the driver contract. */
import type { Delivery, Failure, OutgoingMessage } from "../../core/index.ts";
import type { Row } from "./database.ts";

/** `UPDATE … RETURNING` promises no order. */
export function byOrder(a: Row, b: Row): number {
  return (
    Number(b.priority) - Number(a.priority) ||
    Number(a.due_at) - Number(b.due_at) ||
    Number(a.seq) - Number(b.seq)
  );
}

export function toDelivery(row: Row): Delivery {
  return {
    id: String(row.id),
    body: toBody(row),
    headers: decodeHeaders(row),
    attempt: Number(row.lease) - Number(row.releases),
    priority: Number(row.priority),
    publishedAt: Number(row.published_at),
    readyAt: Number(row.due_at),
    history: decodeHistory(row.history ?? null),
    receipt: `${row.seq}.${row.lease}.${row.published_at}`,
  };
}

/** The values of the `held` condition of every statement that needs a lease. */
export type HeldKey = readonly [seq: number, lease: number, publishedAt: number, queue: number];

/** The key that a receipt of this queue names; one that is not ours names no row. */
export function parseReceipt(receipt: string, queue: number): HeldKey {
  const [seq = -1, lease = -1, publishedAt = -1] = receipt.split(".").map(Number);
  const isOurs = [seq, lease, publishedAt].every(Number.isSafeInteger);
  return isOurs ? [seq, lease, publishedAt, queue] : [-1, -1, -1, queue];
}

export function encodeHeaders(headers: OutgoingMessage["headers"]): string | null {
  for (const _ in headers) return JSON.stringify(headers);
  return null;
}

/** The body of a row; SQLite may give an empty one back as NULL. */
export function toBody(row: Row): Uint8Array {
  return row.body instanceof Uint8Array ? row.body : new Uint8Array();
}

/** The headers of a row. */
export function decodeHeaders(row: Row): Record<string, string> {
  return typeof row.headers === "string" ? JSON.parse(row.headers) : {};
}

/** The history of a row. */
export function decodeHistory(stored: Row[string]): readonly Failure[] {
  return typeof stored === "string" ? JSON.parse(stored) : [];
}
