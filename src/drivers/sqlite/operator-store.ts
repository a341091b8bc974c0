/** The SQL of what an operator asks: dead letters, peeking, purging, listing. Runs inside the driver's transactions. */
import type { DeadLetter, DeadLetterSelection, WaitingMessage } from "../../core/index.ts";
import type { Database, Row } from "./database.ts";
import { toDeadLetter, toWaitingMessage } from "./rows.ts";

/** See the top of this file. */
export interface OperatorStore {
  deadLetters(queue: string, limit: number): readonly DeadLetter[];
  redrive(queue: string, selection: DeadLetterSelection): number;
  purgeDeadLetters(queue: string, selection: DeadLetterSelection): number;
  peek(queue: string, limit: number): readonly WaitingMessage[];
  purge(queue: string): number;
  queues(): readonly string[];
}

/** Prepares every statement once. */
export function createOperatorStore(database: Database): OperatorStore {
  const ofQueue = "queue = (SELECT id FROM sluice_queues WHERE name = ?1)";
  const chosen = `${ofQueue} AND state = 3 AND (?2 IS NULL OR id IN (SELECT value FROM json_each(?2)))`;
  const sql = {
    dead: database.prepare(
      `SELECT * FROM sluice_messages WHERE ${ofQueue} AND state = 3 ORDER BY died_at, seq LIMIT ?2`,
    ),
    redrive: database.prepare(`
      UPDATE sluice_messages SET state = 0, keyed = 0, releases = lease, died_at = NULL, reason = NULL WHERE ${chosen}`),
    purgeDead: database.prepare(`DELETE FROM sluice_messages WHERE ${chosen}`),
    peekReady: database.prepare(
      `SELECT * FROM sluice_messages WHERE ${ofQueue} AND state = 0 ORDER BY priority DESC, due_at, seq LIMIT ?2`,
    ),
    peekDelayed: database.prepare(
      `SELECT * FROM sluice_messages WHERE ${ofQueue} AND state = 1 ORDER BY due_at, seq LIMIT ?2`,
    ),
    peekLeased: database.prepare(
      `SELECT * FROM sluice_messages WHERE ${ofQueue} AND state = 2 ORDER BY lease_until, seq LIMIT ?2`,
    ),
    purge: database.prepare(`DELETE FROM sluice_messages WHERE ${ofQueue} AND state IN (0, 1)`),
    emptied: database.prepare("UPDATE sluice_queues SET ready = 0, delayed = 0 WHERE name = ?"),
    count: database.prepare(
      "UPDATE sluice_queues SET ready = ready + ?2, dead = dead - ?3 WHERE name = ?1",
    ),
    queues: database.prepare("SELECT name FROM sluice_queues ORDER BY name"),
  };
  const idsOf = (selection: DeadLetterSelection): string | null =>
    selection.ids === undefined ? null : JSON.stringify(selection.ids);

  return {
    deadLetters: (queue, limit) =>
      sql.dead.all(queue, limit).map((row) => toDeadLetter(queue, row)),
    redrive(queue, selection) {
      const redriven = Number(sql.redrive.run(queue, idsOf(selection)).changes);
      sql.count.run(queue, redriven, redriven);
      return redriven;
    },
    purgeDeadLetters(queue, selection) {
      const purged = Number(sql.purgeDead.run(queue, idsOf(selection)).changes);
      sql.count.run(queue, 0, purged);
      return purged;
    },
    peek(queue, limit) {
      const rows: Row[] = [];
      for (const statement of [sql.peekReady, sql.peekDelayed, sql.peekLeased]) {
        if (rows.length < limit) rows.push(...statement.all(queue, limit - rows.length));
      }
      return rows.map(toWaitingMessage);
    },
    purge(queue) {
      const purged = Number(sql.purge.run(queue).changes);
      sql.emptied.run(queue);
      return purged;
    },
    queues: () => sql.queues.all().map((row) => String(row.name)),
  };
}
