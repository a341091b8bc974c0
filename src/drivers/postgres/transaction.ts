import type { TransactionClient } from "../../core/index.ts";
import type { Query, Row } from "./database.ts";
import { toDriverError } from "./errors.ts";

/** Queries through a connection of the caller's, with rows as arrays whatever they come as. */
export function queryOf(client: TransactionClient, place: string): Query {
  return async (text, values = []) => {
    try {
      const { rows } = await client.query(text, [...values]);
      return rows.map((row) => (Array.isArray(row) ? row : Object.values(row as object)) as Row);
    } catch (error) {
      throw toDriverError(place, error);
    }
  };
}
