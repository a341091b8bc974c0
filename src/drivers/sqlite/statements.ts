import type { Database, Statement } from "./database.ts";

const held = "WHERE seq = ? AND lease = ? AND published_at = ? AND queue = ? AND state = 2";

type StatementName =
  | "findQueue"
  | "addQueue"
  | "count"
  | "findKeyed"
  | "forgetIds"
  | "rememberId"
  | "insert"
  | "prospect"
  | "promoteDue"
  | "promoteExpired"
  | "claim"
  | "ack"
  | "history"
  | "retry"
  | "bury"
  | "release"
  | "extend"
  | "depth"
  | "oldest"
  | "due";

/** The SQL of publishing and working; what an operator asks is in operator-store.ts. */
const texts: Readonly<Record<StatementName, string>> = {
  findQueue: "SELECT id FROM sluice_queues WHERE name = ?",
  addQueue: "INSERT INTO sluice_queues (name) VALUES (?)",
  count: `
    UPDATE sluice_queues
    SET ready = ready + ?, delayed = delayed + ?, in_flight = in_flight + ?, dead = dead + ? WHERE id = ?`,
  findKeyed:
    "SELECT 1 AS found FROM sluice_messages WHERE queue = ? AND id = ? AND keyed = 1 AND state < 3",
  forgetIds: `
    DELETE FROM sluice_ids
    WHERE (queue, id) IN (SELECT queue, id FROM sluice_ids WHERE until <= ? LIMIT 100)`,
  rememberId: `
    INSERT INTO sluice_ids (queue, id, until) VALUES (?, ?, ?)
    ON CONFLICT (queue, id) DO UPDATE SET until = excluded.until WHERE until <= ?`,
  insert: `
    INSERT INTO sluice_messages
      (queue, id, keyed, state, priority, due_at, published_at, headers, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  prospect: `
    SELECT EXISTS (SELECT 1 FROM sluice_messages WHERE queue = q.id AND state = 0) AS ready,
      (SELECT min(due_at) FROM sluice_messages WHERE queue = q.id AND state = 1) AS delayed,
      (SELECT min(lease_until) FROM sluice_messages WHERE queue = q.id AND state = 2) AS leased
    FROM sluice_queues q WHERE name = ?`,
  promoteDue: `
    UPDATE sluice_messages SET state = 0 WHERE seq IN (
      SELECT seq FROM sluice_messages WHERE queue = ? AND state = 1 AND due_at <= ?
      ORDER BY due_at LIMIT ?)`,
  promoteExpired: `
    UPDATE sluice_messages SET state = 0, lease_until = NULL WHERE seq IN (
      SELECT seq FROM sluice_messages WHERE queue = ? AND state = 2 AND lease_until <= ?
      ORDER BY lease_until LIMIT ?)`,
  claim: `
    UPDATE sluice_messages SET state = 2, lease = lease + 1, lease_until = ? WHERE seq IN (
      SELECT seq FROM sluice_messages WHERE queue = ? AND state = 0
      ORDER BY priority DESC, due_at, seq LIMIT ?)
    RETURNING seq, id, priority, due_at, published_at, lease, releases, headers, history, body`,
  ack: `DELETE FROM sluice_messages ${held}`,
  history: `SELECT history FROM sluice_messages ${held}`,
  retry: `UPDATE sluice_messages SET state = ?, due_at = ?, history = ?, lease_until = NULL ${held}`,
  bury: `
    UPDATE sluice_messages
    SET state = 3, died_at = ?, reason = ?, history = ?, lease_until = NULL ${held}`,
  release: `
    UPDATE sluice_messages SET state = 0, releases = releases + 1, lease_until = NULL ${held}`,
  extend: `UPDATE sluice_messages SET lease_until = ? ${held}`,
  depth: "SELECT id, ready, delayed, in_flight, dead FROM sluice_queues WHERE name = ?",
  oldest: `
    SELECT due_at FROM sluice_messages WHERE queue = ? AND state = 0 AND priority = ?
    ORDER BY due_at LIMIT 1`,
  due: `
    SELECT count(*) AS count FROM sluice_messages
    WHERE queue = ? AND state = 1 AND due_at > ? AND due_at <= ?`,
};

/** Each text of the table above, prepared. */
export type Statements = Readonly<Record<StatementName, Statement>>;

/** Prepares every statement once. */
export function prepareStatements(database: Database): Statements {
  const prepared = Object.entries(texts).map(([name, text]) => [name, database.prepare(text)]);
  return Object.fromEntries(prepared) as Statements;
}
