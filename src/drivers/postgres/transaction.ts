/** Publishing inside a transaction of the caller's: the job exists if and only if the caller commits. */
import { type OutgoingMessage, Sluice, SluiceError } from "../../core/index.ts";
import type { Query, Row } from "./database.ts";
import { toDriverError } from "./errors.ts";

/** A connection of the caller's, with a transaction under way: a client of `pg`, or anything that queries likewise. */
export interface PostgresClientLike {
  query(text: string, values: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

/** Publishes as part of a transaction that the caller began and will commit or roll back. */
export interface Transactional {
  /**
   * Stores the messages through the caller's connection. They can be received once the caller commits, and never
   * existed when the caller rolls back. Resolves with their ids in order. Rejects as `publish` does; the transaction
   * can then only be rolled back.
   */
  publishWith(
    client: PostgresClientLike,
    queue: string,
    messages: readonly OutgoingMessage[],
  ): Promise<readonly string[]>;
}

/**
 * The same connection, publishing inside the caller's transaction. Only for PostgreSQL, and only for the same database
 * as the queue's. Throws `OPTION_UNSUPPORTED` for another driver.
 *
 * @example
 * ```ts
 * import type { Sluice } from "sluice";
 * import { inTransaction, type PostgresClientLike } from "sluice/drivers/postgres";
 *
 * export async function placeOrder(sluice: Sluice, client: PostgresClientLike): Promise<void> {
 *   const order = { id: 7 };
 *   await client.query("BEGIN", []);
 *   await client.query("INSERT INTO orders (id) VALUES ($1)", [order.id]);
 *   await inTransaction(sluice, client).publish("send-receipt", order);
 *   await client.query("COMMIT", []);
 * }
 * ```
 */
export function inTransaction(
  sluice: Sluice,
  client: PostgresClientLike,
): Pick<Sluice, "publish" | "publishMany" | "publishEncoded"> {
  const { driver, logger, clock, telemetry } = sluice;
  if (!isTransactional(driver)) {
    const message = `the ${driver.name} driver cannot publish inside a transaction. Use a postgres URL.`;
    throw new SluiceError("OPTION_UNSUPPORTED", message);
  }
  const publish: typeof driver.publish = (queue, messages) =>
    driver.publishWith(client, queue, messages);
  return new Sluice({ ...driver, publish }, { logger, clock, telemetry });
}

function isTransactional(driver: object): driver is Transactional {
  return "publishWith" in driver && typeof driver.publishWith === "function";
}

/** Queries through the caller's connection, with rows as arrays whatever they come as. */
export function queryOf(client: PostgresClientLike, place: string): Query {
  return async (text, values = []) => {
    try {
      const { rows } = await client.query(text, [...values]);
      return rows.map((row) => (Array.isArray(row) ? row : Object.values(row as object)) as Row);
    } catch (error) {
      throw toDriverError(place, error);
    }
  };
}
