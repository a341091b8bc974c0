/**
 * The SQL of the queue: what each call reads and writes. Every function here runs inside a transaction that the driver
 * opened, is synchronous, and keeps the counters of `sluice_queues` equal to the rows.
 */
import {
  appendFailure,
  type Delivery,
  type Failure,
  type OutgoingMessage,
  type QueueDepth,
  type Settlement,
} from "../../core/index.ts";
import { decodeHistory, encodeHeaders } from "../sql/index.ts";
import { byOrder, type HeldKey, parseReceipt, toDelivery } from "./rows.ts";
import type { Statements } from "./statements.ts";

/** Priorities run from 0 to this. */
export const maxPriority = 9;

/** How many due or expired messages one transaction makes ready, so that none takes long. */
const promoteLimit = 1000;

/** What a queue has to offer now, and when that may change by itself. */
export interface Prospect {
  readonly ready: boolean;
  /** When the next delay or lease ends; `null` when none is pending. */
  readonly nextAt: number | null;
}

/** Whether a promotion would find something. */
export function isDue(found: Prospect, now: number): boolean {
  return found.nextAt !== null && found.nextAt <= now;
}

/** Changes of the counters of one queue. */
interface Counts {
  readonly ready?: number;
  readonly delayed?: number;
  readonly inFlight?: number;
  readonly dead?: number;
}

/** The queue's row, or null when nothing was ever published to it. */
function findQueue(sql: Statements, name: string): number | null {
  const row = sql.findQueue.get(name);
  return row === undefined ? null : Number(row.id);
}

function count(sql: Statements, queue: number, change: Counts): void {
  const { ready = 0, delayed = 0, inFlight = 0, dead = 0 } = change;
  if (ready !== 0 || delayed !== 0 || inFlight !== 0 || dead !== 0) {
    sql.count.run(ready, delayed, inFlight, dead, queue);
  }
}

/** Stores the messages; drops those whose chosen id is known. */
export function publish(
  sql: Statements,
  name: string,
  messages: readonly OutgoingMessage[],
  time: PublishTime,
): void {
  const queue = findQueue(sql, name) ?? Number(sql.addQueue.run(name).lastInsertRowid);
  let delayed = 0;
  let stored = 0;
  for (const message of messages) {
    if (message.deduplicate && !isNewId(sql, queue, message.id, time)) continue;
    insert(sql, queue, message, time.now);
    stored += 1;
    if (message.delayMs > 0) delayed += 1;
  }
  count(sql, queue, { ready: stored - delayed, delayed });
}

/** When a message is published, and until when its id is remembered. */
export interface PublishTime {
  readonly now: number;
  readonly rememberUntil: number;
}

function insert(sql: Statements, queue: number, message: OutgoingMessage, now: number): void {
  sql.insert.run(
    queue,
    message.id,
    message.deduplicate ? 1 : 0,
    message.delayMs > 0 ? 1 : 0,
    message.priority,
    now + message.delayMs,
    now,
    encodeHeaders(message.headers),
    message.body,
  );
}

/** Whether the id is new; remembers it when it is. */
function isNewId(sql: Statements, queue: number, id: string, time: PublishTime): boolean {
  if (sql.findKeyed.get(queue, id) !== undefined) return false;
  sql.forgetIds.run(time.now);
  return Number(sql.rememberId.run(queue, id, time.rememberUntil, time.now).changes) === 1;
}

/** What the queue has to offer. */
export function prospect(sql: Statements, name: string): Prospect {
  const row = sql.prospect.get(name);
  if (row === undefined) return { ready: false, nextAt: null };
  const times = [row.delayed, row.leased].filter((at) => typeof at === "number");
  return { ready: row.ready === 1, nextAt: times.length === 0 ? null : Math.min(...times) };
}

/** Makes due and expired messages ready, up to a thousand of each. */
export function promote(sql: Statements, name: string, now: number): void {
  const queue = findQueue(sql, name);
  if (queue === null) return;
  const due = Number(sql.promoteDue.run(queue, now, promoteLimit).changes);
  const expired = Number(sql.promoteExpired.run(queue, now, promoteLimit).changes);
  count(sql, queue, { ready: due + expired, delayed: -due, inFlight: -expired });
}

/** Leases the first ready messages. */
export function claim(
  sql: Statements,
  name: string,
  max: number,
  leaseUntil: number,
): readonly Delivery[] {
  const queue = findQueue(sql, name);
  if (queue === null) return [];
  const rows = sql.claim.all(leaseUntil, queue, max).sort(byOrder);
  count(sql, queue, { ready: -rows.length, inFlight: rows.length });
  return rows.map(toDelivery);
}

/** Ends deliveries; `false` for those whose lease is lost. */
export function settle(
  sql: Statements,
  name: string,
  settlements: readonly Settlement[],
  now: number,
): readonly boolean[] {
  const queue = findQueue(sql, name);
  if (queue === null) return settlements.map(() => false);
  const total = { ready: 0, delayed: 0, inFlight: 0, dead: 0 };
  const results = settlements.map((settlement) => {
    const held = parseReceipt(settlement.receipt, queue);
    if (!applySettlement(sql, settlement, held, now)) return false;
    const next = stateAfter(settlement);
    if (next !== null) total[next] += 1;
    total.inFlight -= 1;
    return true;
  });
  count(sql, queue, total);
  return results;
}

function stateAfter(settlement: Settlement): "ready" | "delayed" | "dead" | null {
  if (settlement.outcome === "ack") return null;
  if (settlement.outcome === "dead-letter") return "dead";
  return settlement.outcome === "retry" && settlement.delayMs > 0 ? "delayed" : "ready";
}

/** Moves the end of leases; `false` for those that are lost. */
export function extend(
  sql: Statements,
  name: string,
  receipts: readonly string[],
  until: number,
): readonly boolean[] {
  const queue = findQueue(sql, name);
  if (queue === null) return receipts.map(() => false);
  return receipts.map(
    (receipt) => Number(sql.extend.run(until, ...parseReceipt(receipt, queue)).changes) === 1,
  );
}

/** Counts from the queue's row, age from the index. */
export function depth(sql: Statements, name: string, now: number): QueueDepth {
  const row = sql.depth.get(name);
  if (row === undefined) return { ready: 0, delayed: 0, inFlight: 0, dead: 0, oldestAgeMs: 0 };
  const oldest = oldestDueAt(sql, Number(row.id));
  return {
    ready: Number(row.ready),
    delayed: Number(row.delayed),
    inFlight: Number(row.in_flight),
    dead: Number(row.dead),
    oldestAgeMs: oldest === null ? 0 : Math.max(0, now - oldest),
  };
}

/** How many delayed messages become ready within each of the times, which ascend. */
export function dueWithin(
  sql: Statements,
  name: string,
  edgesMs: readonly number[],
  now: number,
): readonly number[] {
  const queue = findQueue(sql, name);
  let total = 0;
  let from = now;
  return edgesMs.map((ms) => {
    const to = now + ms;
    if (queue !== null && to > from) total += Number(sql.due.get(queue, from, to)?.count ?? 0);
    from = Math.max(from, to);
    return total;
  });
}

function applySettlement(
  sql: Statements,
  settlement: Settlement,
  held: HeldKey,
  now: number,
): boolean {
  switch (settlement.outcome) {
    case "ack":
      return Number(sql.ack.run(...held).changes) === 1;
    case "release":
      return Number(sql.release.run(...held).changes) === 1;
    case "retry": {
      const state = settlement.delayMs > 0 ? 1 : 0;
      const history = historyWith(sql, held, settlement.failure);
      return Number(sql.retry.run(state, now + settlement.delayMs, history, ...held).changes) === 1;
    }
    case "dead-letter": {
      const history = historyWith(sql, held, settlement.failure);
      return Number(sql.bury.run(now, settlement.reason, history, ...held).changes) === 1;
    }
  }
}

function historyWith(sql: Statements, held: HeldKey, failure: Failure | undefined): string | null {
  const stored = sql.history.get(...held)?.history ?? null;
  const history = appendFailure(decodeHistory(stored), failure);
  return history.length === 0 ? null : JSON.stringify(history);
}

/** One seek per priority: the index orders by priority first, so that a minimum over all would read every row. */
function oldestDueAt(sql: Statements, queue: number): number | null {
  let first: number | null = null;
  for (let priority = 0; priority <= maxPriority; priority += 1) {
    const row = sql.oldest.get(queue, priority);
    if (row !== undefined && (first === null || Number(row.due_at) < first))
      first = Number(row.due_at);
  }
  return first;
}
