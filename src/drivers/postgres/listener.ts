/**
 * A connection that listens, and comes back when it breaks.
 *
 * States: connecting → listening → (error, end, or a look without an answer) connecting, after a pause that grows →
 * … → closed. A broken network is not told by any event, so the looks that go over this connection every few seconds
 * prove that it lives: one that is not answered in time ends it.
 */
import { type Cancel, type Clock, type Logger, SluiceError } from "../../core/index.ts";
import { cutOff, type PgClientLike } from "./client.ts";
import type { Database, Row } from "./database.ts";
import { sqlStateOf, toDriverError } from "./errors.ts";
import { endConnection } from "./pool.ts";

/** What a {@link Listener} works with. */
export interface ListenerOptions {
  readonly database: Database;
  /** The channel, as a quoted identifier. */
  readonly channel: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly onNotification: (payload: string) => void;
  /** It listens (again): what was sent before was not heard. */
  readonly onListening: () => void;
  /** It is away and has been for a while. */
  readonly onAway: () => void;
}

/** See the top of this file. */
export interface Listener {
  /** A statement over the listening connection; rejects at once while there is none. */
  query(text: string, values: readonly unknown[]): Promise<readonly Row[]>;
  close(): Promise<void>;
}

const answerTimeoutMs = 4000;
const firstPauseMs = 100;
const longestPauseMs = 5000;

/** Begins to connect at once. */
export function createListener(options: ListenerOptions): Listener {
  const { database, clock, logger } = options;
  let current: PgClientLike | null = null;
  let isClosed = false;
  let failures = 0;
  let cancelPause: Cancel = () => undefined;
  let connecting = connect();

  async function connect(): Promise<void> {
    try {
      const client = await database.connect(answerTimeoutMs);
      if (isClosed) return await endConnection(client);
      client.on("notification", ({ payload }) => options.onNotification(payload ?? ""));
      client.on("error", (error) => lose(client, error));
      client.on("end", () => lose(client));
      current = client;
      await client.query({ text: `LISTEN ${options.channel}` });
      if (failures > 0) logger.info("listening for new messages again");
      failures = 0;
      options.onListening();
    } catch (error) {
      if (current === null) comeBack(error);
      else lose(current, error);
    }
  }

  function lose(client: PgClientLike, error?: unknown): void {
    if (client !== current) return;
    current = null;
    cutOff(client);
    if (sqlStateOf(error) === null) database.dropIdle();
    comeBack(error ?? "the connection was closed");
  }

  function comeBack(error: unknown): void {
    if (isClosed) return;
    const pauseMs = Math.min(firstPauseMs * 2 ** failures, longestPauseMs);
    failures += 1;
    logger.warn("listening for new messages was interrupted; connecting again", { error });
    if (pauseMs >= longestPauseMs) options.onAway();
    cancelPause = clock.after(pauseMs * (0.5 + options.random() / 2), () => {
      connecting = connect();
    });
  }

  return {
    async query(text, values) {
      const client = current;
      if (client === null)
        throw new SluiceError("STORE_UNAVAILABLE", `not connected to ${database.place}.`);
      try {
        return (await client.query({ text, values: [...values], rowMode: "array" })).rows as Row[];
      } catch (error) {
        lose(client, error);
        throw toDriverError(database.place, error);
      }
    },
    async close() {
      isClosed = true;
      cancelPause();
      const client = current;
      current = null;
      if (client !== null) await endConnection(client);
      await connecting;
    },
  };
}
