import type { Transactional, TransactionClient } from "./driver.ts";
import { SluiceError, showValue } from "./errors.ts";

/** A driver's publish into the transaction. Throws `OPTION_UNSUPPORTED` or `OPTION_INVALID`, having sent nothing. */
export function publisherWithin(
  driver: { readonly name: string } & Partial<Transactional>,
  transaction: TransactionClient,
): Transactional["publishWithin"] {
  const { publishWithin } = driver;
  if (publishWithin === undefined) {
    throw new SluiceError(
      "OPTION_UNSUPPORTED",
      `the ${driver.name} driver cannot publish inside a transaction. Publish after the commit, or use a queue URL of the same database.`,
    );
  }
  checkTransaction(transaction);
  return publishWithin.bind(driver);
}

/** The transaction that all messages of a call share. Throws `OPTION_INVALID` when there are several. */
export function sharedTransaction(
  transactions: ReadonlySet<TransactionClient | undefined>,
): TransactionClient | undefined {
  if (transactions.size <= 1) return [...transactions][0];
  throw new SluiceError(
    "OPTION_INVALID",
    "transaction must be the same for all inputs of publishMany; publish those of another one by themselves.",
  );
}

/**
 * Throws `OPTION_INVALID` for what is no connection. A pool of `pg` would run every statement on whichever connection is
 * free, outside of the transaction.
 */
export function checkTransaction(client: TransactionClient): void {
  const isClient = typeof client === "object" && typeof client?.query === "function";
  if (isClient && !("totalCount" in client)) return;
  throw new SluiceError(
    "OPTION_INVALID",
    `transaction must be one connection with query(text, values) and a transaction under way; got ${isClient ? "a pool" : showValue(client)}. Take a client of the pool and begin there.`,
  );
}
