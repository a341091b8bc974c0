/** What an operator asks: dead letters, peeking, purging, listing. Large changes go in steps, each its own transaction. */
import type { Browser, DeadLetters, Purger, QueueLister } from "../../core/index.ts";
import type { Database, Row } from "./database.ts";
import { epochMs } from "./functions.ts";
import { toDeadLetter, toWaitingMessage } from "./rows.ts";
import { quoted } from "./schema.ts";
import { idsParameter } from "./store.ts";

/** How many messages one step changes: a second's work at most. */
const stepSize = 10_000;

const waitingColumns = `id, body, headers::text, lease - releases, ${epochMs("published_at")}`;

/** The operator's part of the driver; `promoteAll` makes ready what is due. */
export function createOperatorStore(
  { query }: Database,
  schema: string,
  promoteAll: (queue: string) => Promise<void>,
): DeadLetters & Browser & QueueLister & Purger {
  const s = quoted(schema);
  const ofQueue = `queue = (SELECT o.id FROM ${s}.queue o WHERE o.name = $1)`;
  const chosen = `${ofQueue} AND state = 3 AND ($2::text IS NULL OR id = ANY ($2::text::text[]))`;
  const step = (where: string): string => `ctid = ANY (ARRAY(
    SELECT ctid FROM ${s}.message WHERE ${where} LIMIT ${stepSize} FOR UPDATE SKIP LOCKED))`;

  /** A change, the note of it in the tally, and how many rows it changed. */
  const counted = (change: string, difference: string): string => `
    WITH changed AS (${change} RETURNING queue, state), noted AS (
      INSERT INTO ${s}.tally SELECT queue, ${difference} FROM changed GROUP BY queue)
    SELECT count(*) FROM changed`;

  async function repeat(text: string, values: readonly unknown[]): Promise<number> {
    for (let total = 0; ; ) {
      const [row] = await query(text, values, { patient: true });
      const changed = Number(row?.[0] ?? 0);
      total += changed;
      if (changed < stepSize) return total;
    }
  }

  async function waiting(queue: string, limit: number): Promise<readonly Row[]> {
    const rows: Row[] = [];
    const orders = ["priority DESC, due_at, seq", "due_at, seq", "lease_until, seq"];
    for (const [state, order] of orders.entries()) {
      const text = `SELECT ${waitingColumns}, priority, state FROM ${s}.message
        WHERE ${ofQueue} AND state = ${state} ORDER BY ${order} LIMIT $2`;
      if (rows.length < limit) rows.push(...(await query(text, [queue, limit - rows.length])));
    }
    return rows;
  }

  return {
    async deadLetters(queue, { limit }) {
      const text = `SELECT ${waitingColumns}, history::text, reason, ${epochMs("died_at")} FROM ${s}.message
        WHERE ${ofQueue} AND state = 3 ORDER BY died_at, seq LIMIT $2`;
      return (await query(text, [queue, limit])).map((row) => toDeadLetter(queue, row));
    },
    redrive: (queue, { ids }) =>
      repeat(
        counted(
          `UPDATE ${s}.message SET state = 0, keyed = false, releases = lease, died_at = NULL, reason = NULL
            WHERE ${step(chosen)}`,
          "count(*), 0, 0, -count(*)",
        ),
        [queue, idsParameter(ids)],
      ),
    purgeDeadLetters: (queue, { ids }) =>
      repeat(counted(`DELETE FROM ${s}.message WHERE ${step(chosen)}`, "0, 0, 0, -count(*)"), [
        queue,
        idsParameter(ids),
      ]),
    async peek(queue, { limit }) {
      await promoteAll(queue);
      return (await waiting(queue, limit)).map(toWaitingMessage);
    },
    purge: (queue) =>
      repeat(
        counted(
          `DELETE FROM ${s}.message WHERE ${step(`${ofQueue} AND state IN (0, 1)`)}`,
          "-count(*) FILTER (WHERE state = 0), -count(*) FILTER (WHERE state = 1), 0, 0",
        ),
        [queue],
      ),
    async queues() {
      const rows = await query(`SELECT name FROM ${s}.queue ORDER BY name`);
      return rows.map(([name]) => String(name));
    },
  };
}
