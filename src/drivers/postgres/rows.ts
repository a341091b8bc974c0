/** Between the rows of PostgreSQL, which are arrays, and those of every lease table. */
import type { DeadLetter, Delivery, OutgoingMessage, WaitingMessage } from "../../core/index.ts";
import * as leaseTable from "../sql/index.ts";
import type { Row } from "./database.ts";

/**
 * The messages of one publish as parameters: a column each, and all bodies as one value, which is what the client
 * sends fastest. A column that says nothing new is left out.
 */
export interface PackedMessages {
  readonly ids: string;
  readonly bodies: Buffer;
  readonly sizes: string;
  readonly headers: string | null;
  readonly delays: string | null;
  readonly priorities: string | null;
  readonly keyed: string | null;
}

/** See {@link PackedMessages}. */
export function packMessages(messages: readonly OutgoingMessage[]): PackedMessages {
  const some = (isSaid: (message: OutgoingMessage) => boolean) => messages.some(isSaid);
  return {
    ids: textArray(messages.map(({ id }) => id)),
    bodies: Buffer.concat(messages.map(({ body }) => body)),
    sizes: numberArray(messages.map(({ body }) => body.byteLength)),
    headers: some(({ headers }) => leaseTable.hasHeaders(headers))
      ? textArray(messages.map(({ headers }) => leaseTable.encodeHeaders(headers)))
      : null,
    delays: some(({ delayMs }) => delayMs > 0)
      ? numberArray(messages.map(({ delayMs }) => delayMs))
      : null,
    priorities: some(({ priority }) => priority !== 0)
      ? numberArray(messages.map(({ priority }) => priority))
      : null,
    keyed: some(({ deduplicate }) => deduplicate)
      ? `{${messages.map(({ deduplicate }) => deduplicate).join(",")}}`
      : null,
  };
}

/** An array as PostgreSQL writes it. */
export function numberArray(values: readonly number[]): string {
  return `{${values.join(",")}}`;
}

/** An array as PostgreSQL writes it; every text is quoted, so that none is read as NULL or as two. */
export function textArray(values: readonly (string | null)[]): string {
  const items = values.map((value) =>
    value === null ? "NULL" : `"${value.replaceAll(/["\\]/g, "\\$&")}"`,
  );
  return `{${items.join(",")}}`;
}

/** The rows of a claim, which come in no order of their own, as deliveries in the order of receiving. */
export function toDeliveries(rows: readonly Row[], holder: number): readonly Delivery[] {
  return [...rows].sort(byOrder).map((row) => {
    const [seq, lease, id, attempts, priority, readyAt, publishedAt, headers, history, body] = row;
    return leaseTable.toDelivery(
      { id, body, headers, attempts, priority, publishedAt, readyAt, history },
      leaseTable.toReceipt(seq, lease, holder),
    );
  });
}

/** By priority, time and sequence. Rows that share a millisecond are told apart by their exact time, which comes last. */
function byOrder(a: Row, b: Row): number {
  return (
    Number(b[4]) - Number(a[4]) || Number(a[10]) - Number(b[10]) || Number(a[0]) - Number(b[0])
  );
}

/** The columns that {@link toDeadLetter} reads. */
export type DeadRow = readonly [
  id: unknown,
  body: unknown,
  headers: unknown,
  attempts: unknown,
  published: unknown,
  history: unknown,
  reason: unknown,
  died: unknown,
];

/** A row of the dead letters of `queue`. */
export function toDeadLetter(queue: string, row: Row): DeadLetter {
  const [id, body, headers, attempts, publishedAt, history, reason, deadAt] = row as DeadRow;
  const dead = { id, body, headers, attempts, publishedAt, history, reason, deadAt };
  return leaseTable.toDeadLetter(queue, dead);
}

/** A row of what waits. */
export function toWaitingMessage(row: Row): WaitingMessage {
  const [id, body, headers, attempts, publishedAt, priority, state] = row;
  return leaseTable.toWaitingMessage({
    ...{ id, body, headers, attempts, publishedAt, priority, state },
  });
}

/** A lease as the database knows it. */
export interface HeldLease {
  readonly seq: number;
  readonly lease: number;
  readonly holder: number;
}

/** The lease that a receipt names; `null` for a receipt that is not ours. */
export function parseReceipt(receipt: string): HeldLease | null {
  const held = leaseTable.parseReceipt(receipt);
  // A holder is an integer of four bytes.
  if (held === null || held.mark >= 2 ** 31) return null;
  return { seq: held.seq, lease: held.lease, holder: held.mark };
}

/** The columns of some leases, as parameters. */
export function packLeases(
  leases: readonly HeldLease[],
): readonly [seqs: string, leases: string, holders: string] {
  return [
    numberArray(leases.map(({ seq }) => seq)),
    numberArray(leases.map(({ lease }) => lease)),
    numberArray(leases.map(({ holder }) => holder)),
  ];
}
