/** Between the rows of SQLite and those of every lease table. */
import type { DeadLetter, Delivery, WaitingMessage } from "../../core/index.ts";
import * as leaseTable from "../sql/index.ts";
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
  const { seq, lease, published_at, priority, due_at, history } = row;
  const receipt = leaseTable.toReceipt(seq, lease, published_at);
  return leaseTable.toDelivery({ ...stored(row), priority, readyAt: due_at, history }, receipt);
}

export function toDeadLetter(queue: string, row: Row): DeadLetter {
  const { reason, died_at: deadAt, history } = row;
  return leaseTable.toDeadLetter(queue, { ...stored(row), reason, deadAt, history });
}

export function toWaitingMessage(row: Row): WaitingMessage {
  const { priority, state } = row;
  return leaseTable.toWaitingMessage({ ...stored(row), priority, state });
}

function stored(row: Row): leaseTable.StoredMessage {
  const { id, body, headers, lease, releases, published_at: publishedAt } = row;
  return { id, body, headers, publishedAt, attempts: Number(lease) - Number(releases) };
}

/** The values of the `held` condition of every statement that needs a lease. */
export type HeldKey = readonly [seq: number, lease: number, publishedAt: number, queue: number];

/** The key that a receipt of this queue names; one that is not ours names no row. */
export function parseReceipt(receipt: string, queue: number): HeldKey {
  const held = leaseTable.parseReceipt(receipt);
  return held === null ? [-1, -1, -1, queue] : [held.seq, held.lease, held.mark, queue];
}
