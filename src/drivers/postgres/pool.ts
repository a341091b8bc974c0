/** The client's pool, rid of connections that may be dead, and of waits without an end. */
import { cutOff, type PgClientLike, type PgModuleLike, type PgPoolConfig } from "./client.ts";
import { poolBusy, sqlStateOf } from "./errors.ts";

/** See the top of this file. */
export interface Pool {
  /** Lends a connection; one on which anything failed is closed afterwards. */
  use<T>(work: (client: PgClientLike) => Promise<T>): Promise<T>;
  /** Closes the connections that are not lent. */
  dropIdle(): void;
  /** Closes all, politely if the server answers in time. To be called when none is lent. */
  end(): Promise<void>;
}

/** How long a server gets to say good-bye. */
const endTimeoutMs = 1000;

/** A pool that connects when first used. */
export function createPool(pg: PgModuleLike, config: PgPoolConfig): Pool {
  const pool = new pg.Pool(config);
  const connections = new Set<PgClientLike>();
  const lent = new Set<PgClientLike>();
  pool.on("connect", (client) => {
    connections.add(client);
    // One that breaks while it is lent and idle has nobody else to tell; its next call fails.
    client.on("error", () => undefined);
  });
  pool.on("remove", (client) => connections.delete(client));
  // An idle connection that breaks leaves the pool by itself; the next call opens another.
  pool.on("error", () => undefined);

  function dropIdle(): void {
    for (const client of connections) if (!lent.has(client)) cutOff(client);
  }

  return {
    dropIdle,
    async use(work) {
      const client = await pool.connect().catch((error: unknown) => {
        // The client says the same when the server does not answer and when its connections are all in use.
        throw sqlStateOf(error) === null && lent.size >= config.max ? poolBusy(error) : error;
      });
      lent.add(client);
      let isBroken = true;
      try {
        const result = await work(client);
        isBroken = false;
        return result;
      } catch (error) {
        // Not the server's own words: the network failed, and the idle connections went the same way.
        if (sqlStateOf(error) === null) dropIdle();
        throw error;
      } finally {
        lent.delete(client);
        client.release(isBroken);
      }
    },
    async end() {
      await within(
        endTimeoutMs,
        pool.end().catch(() => undefined),
      );
      for (const client of connections) cutOff(client);
    },
  };
}

/** Ends a connection, politely if the server answers in time. */
export async function endConnection(client: PgClientLike): Promise<void> {
  await within(
    endTimeoutMs,
    client.end().catch(() => undefined),
  );
  cutOff(client);
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
