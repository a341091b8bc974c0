/** What each call of publishing and working asks of the database: one round trip, whatever the size of the batch. */
import {
  appendFailure,
  type Delivery,
  historyLimit,
  type OutgoingMessage,
  type QueueDepth,
  type ReceiveRequest,
  type Settlement,
  storableText,
} from "../../core/index.ts";
import type { Database, Query, Row } from "./database.ts";
import {
  type HeldLease,
  packLeases,
  packMessages,
  parseReceipt,
  textArray,
  toDeliveries,
} from "./rows.ts";
import { quoted } from "./schema.ts";
import { dueLimit } from "./views.ts";

/** Bodies of one statement: PostgreSQL takes a gigabyte, and a parameter is in memory several times. */
const maxBytesPerCall = 32 * 1024 * 1024;

/** From this size on a publish may well take seconds to travel. */
const patientFromBytes = 1024 * 1024;

/** How a publish is carried out. */
export interface PublishMode {
  readonly dedupWindowMs: number;
  /** Tell listeners as part of the same transaction. */
  readonly tell: boolean;
}

/** See the top of this file. */
export interface Store {
  publish(
    query: Query,
    queue: string,
    messages: readonly OutgoingMessage[],
    mode: PublishMode,
  ): Promise<void>;
  claim(queue: string, request: ReceiveRequest, holder: number): Promise<readonly Delivery[]>;
  settle(queue: string, settlements: readonly Settlement[]): Promise<readonly boolean[]>;
  extend(queue: string, receipts: readonly string[], leaseMs: number): Promise<readonly boolean[]>;
  /** The counts, and of how many rows they are the sum. */
  depth(queue: string): Promise<{ readonly depth: QueueDepth; readonly rows: number }>;
  dueWithin(queue: string, edgesMs: readonly number[]): Promise<readonly number[]>;
  /** Makes everything ready that is due. */
  promoteAll(queue: string): Promise<void>;
  fold(queue: string): Promise<void>;
  vacuum(): Promise<void>;
  register(queue: string): Promise<void>;
}

/** The store in `schema` of a database. */
export function createStore(database: Database, schema: string): Store {
  const s = quoted(schema);
  const { query } = database;

  async function promoteAll(queue: string): Promise<void> {
    const text = `SELECT ${s}.promote(o.id, clock_timestamp()) FROM ${s}.queue o WHERE o.name = $1`;
    while (Number((await query(text, [queue]))[0]?.[0] ?? 0) > 0);
  }

  return {
    promoteAll,
    async publish(send, queue, messages, mode) {
      const text = `SELECT ${s}.publish_batch($1, $2::text::text[], $3, $4::text::integer[], $5::text::text[],
        $6::text::float8[], $7::text::integer[], $8::text::boolean[], $9, $10)`;
      for (const group of inCalls(messages)) {
        const { ids, bodies, sizes, headers, delays, priorities, keyed } = packMessages(group);
        const columns = [ids, bodies, sizes, headers, delays, priorities, keyed];
        const patient = bodies.byteLength > patientFromBytes;
        await send(text, [queue, ...columns, mode.dedupWindowMs, mode.tell], { patient });
      }
    },
    async claim(queue, { max, leaseMs }, holder) {
      const text = `SELECT * FROM ${s}.claim($1, $2, $3, $4)`;
      return toDeliveries(await query(text, [queue, max, leaseMs, holder]), holder);
    },
    async settle(queue, settlements) {
      const answers = settlements.map(() => false);
      const { acks, others } = sortOut(settlements);
      if (acks.length === 0 && others.length === 0) return answers;
      const [row] = await query(
        `SELECT acked, ended FROM ${s}.settle($1, $2::text::bigint[], $3::text::integer[], $4::text::integer[], $5::text::jsonb, $6)`,
        [
          queue,
          ...(acks.length === 0 ? [null, null, null] : packLeases(acks)),
          others.length === 0 ? null : JSON.stringify(others),
          historyLimit,
        ],
      );
      for (const ord of numbers(row?.[0])) answers[acks[ord - 1]?.index ?? -1] = true;
      for (const ord of numbers(row?.[1])) answers[ord] = true;
      return answers;
    },
    async extend(queue, receipts, leaseMs) {
      const answers = receipts.map(() => false);
      const held = receipts.flatMap((receipt, index) => heldAt(receipt, index)).sort(bySeq);
      if (held.length === 0) return answers;
      const text = `SELECT ${s}.extend($1, $2::text::bigint[], $3::text::integer[], $4::text::integer[], $5)`;
      const [row] = await query(text, [queue, ...packLeases(held), leaseMs]);
      for (const ord of numbers(row?.[0])) answers[held[ord - 1]?.index ?? -1] = true;
      return answers;
    },
    async depth(queue) {
      const text = `SELECT ready, delayed, in_flight, dead, oldest_age_seconds, unpromoted, tally_rows FROM ${s}.depth($1)`;
      let [row] = await query(text, [queue]);
      if (Number(row?.[5] ?? 0) >= dueLimit) {
        await promoteAll(queue);
        [row] = await query(text, [queue]);
      }
      return toDepth(row);
    },
    async dueWithin(queue, edgesMs) {
      const text = `SELECT ${s}.due_within($1, $2::text::float8[])`;
      const [row] = await query(text, [queue, `{${edgesMs.join()}}`]);
      return numbers(row?.[0]);
    },
    async fold(queue) {
      await query(`SELECT ${s}.fold($1)`, [queue]);
    },
    async vacuum() {
      const how = "SKIP_LOCKED, TRUNCATE false, INDEX_CLEANUP true";
      await query(`VACUUM (${how}) ${s}.message`, [], { patient: true });
    },
    async register(queue) {
      await query(`SELECT ${s}.queue_id($1)`, [queue]);
    },
  };
}

function toDepth(row: Row | undefined): { readonly depth: QueueDepth; readonly rows: number } {
  const [ready, delayed, inFlight, dead, age, , rows] = (row ?? [0, 0, 0, 0, 0, 0, 0]).map(Number);
  const depth = {
    ready: ready ?? 0,
    delayed: delayed ?? 0,
    inFlight: inFlight ?? 0,
    dead: dead ?? 0,
    oldestAgeMs: Math.floor((age ?? 0) * 1000),
  };
  return { depth, rows: rows ?? 0 };
}

/** Groups of messages whose bodies together fit into one call. */
function* inCalls(messages: readonly OutgoingMessage[]): Generator<readonly OutgoingMessage[]> {
  let start = 0;
  let bytes = 0;
  for (const [index, { body }] of messages.entries()) {
    bytes += body.byteLength;
    if (bytes <= maxBytesPerCall || index === start) continue;
    yield messages.slice(start, index);
    start = index;
    bytes = body.byteLength;
  }
  if (start < messages.length) yield messages.slice(start);
}

interface HeldAt extends HeldLease {
  /** Its place in the caller's list. */
  readonly index: number;
}

function heldAt(receipt: string, index: number): readonly HeldAt[] {
  const held = parseReceipt(receipt);
  return held === null ? [] : [{ ...held, index }];
}

/** Every call locks rows in this order, so that two about the same messages cannot deadlock. */
function bySeq(a: HeldLease, b: HeldLease): number {
  return a.seq - b.seq;
}

/** Acknowledgements and the rest. A receipt counts once: what comes for it later in the list finds the lease ended. */
function sortOut(settlements: readonly Settlement[]): {
  readonly acks: readonly HeldAt[];
  readonly others: readonly object[];
} {
  const seen = new Set<string>();
  const acks: HeldAt[] = [];
  const others: (HeldLease & { readonly ord: number })[] = [];
  for (const [index, settlement] of settlements.entries()) {
    const { receipt, outcome } = settlement;
    const held = seen.has(receipt) ? null : parseReceipt(receipt);
    if (held === null) continue;
    seen.add(receipt);
    if (outcome === "ack") acks.push({ ...held, index });
    else others.push({ ...held, ord: index, ...describeEnding(settlement) });
  }
  return { acks: acks.sort(bySeq), others: others.sort(bySeq) };
}

function describeEnding(settlement: Exclude<Settlement, { readonly outcome: "ack" }>): object {
  const { outcome } = settlement;
  if (outcome === "release") return { outcome };
  const [failure] = appendFailure([], settlement.failure);
  if (outcome === "retry") return { outcome, delay: settlement.delayMs, failure };
  return { outcome, reason: storableText(settlement.reason), failure };
}

/** An array of integers; a program may have told the client to leave it as text. */
function numbers(value: unknown): readonly number[] {
  const items: readonly unknown[] = Array.isArray(value)
    ? value
    : (String(value).match(/\d+/g) ?? []);
  return items.map(Number);
}

/** Ids as a parameter, or null for all. An id that no message can have would not travel. */
export function idsParameter(ids: readonly string[] | undefined): string | null {
  return ids === undefined ? null : textArray(ids.filter((id) => !id.includes("\0")));
}
