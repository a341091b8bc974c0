import { randomInt } from "node:crypto";
import {
  aborted,
  type Browser,
  type Clock,
  type DeadLetters,
  type Driver,
  type DriverCapabilities,
  type DueTimes,
  type Duration,
  type LeaseExtender,
  type Logger,
  type Purger,
  type QueueDriver,
  type QueueLister,
  receiveWithin,
  SluiceError,
  showValue,
  silentLogger,
  systemClock,
  type Transactional,
  toMs,
  type Waker,
} from "../../core/index.ts";
import { type Announcer, createAnnouncer } from "./announcer.ts";
import { createCleaner } from "./cleaner.ts";
import { loadPg } from "./client.ts";
import { closedError, createDatabase, type Database } from "./database.ts";
import { createOperatorStore } from "./operator-store.ts";
import { migrate } from "./schema.ts";
import { createStore, type Store } from "./store.ts";
import { queryOf } from "./transaction.ts";
import { parsePostgresUrl } from "./url.ts";
import { createWakeUps, type WakeUps } from "./wake-ups.ts";

/** Where the database is and how it is used. What the URL says goes before. */
export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database`. */
  readonly url: string;
  /** The schema with the tables, made when missing: a letter or _, then letters, digits or _. Default `sluice`. */
  readonly schema?: string;
  /** `false`: a schema that does not exist is `STORE_UNAVAILABLE`. Default true. */
  readonly create?: boolean;
  /** Most connections for calls; watching a queue takes one more. Default 4. */
  readonly pool?: number;
  /** How long an id that a publisher chose is remembered. Default 10m. */
  readonly dedupWindow?: Duration;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** From 0 to 1, to spread what many processes do regularly. */
  readonly random?: () => number;
}

/** The driver for PostgreSQL: everything that a driver may have, and publishing inside a transaction of the caller's. */
export type PostgresDriver = Driver & Transactional;

/** What every PostgreSQL queue can do. */
export const postgresCapabilities: DriverCapabilities = {
  durable: true,
  shared: true,
  ordering: "fifo",
  delay: "native",
  priority: "native",
  deduplication: "native",
  leaseExtension: "native",
  failureHistory: "native",
  wakeUp: "native",
  deadLetters: "native",
  browse: "native",
  transactions: "native",
  depth: { ready: "exact", delayed: "exact", inFlight: "exact", dead: "exact", oldestAge: "exact" },
  limits: {
    maxBodyBytes: 16 * 1024 * 1024,
    maxHeaderBytes: 64 * 1024,
    maxDelayMs: 3650 * 86_400_000,
    maxPublishBatch: 1000,
    maxPriority: 9,
  },
};

/** One in so many calls that change counts adds up the queue's tally: by chance, so that short-lived processes do too. */
const foldEvery = 200;

/**
 * Opens the queues of a PostgreSQL database, version 13 or newer, and creates or updates their schema. Rejects with
 * `ACCESS_DENIED`, `STORE_*`, `SCHEMA_NEWER`, `URL_INVALID`, `OPTION_*` or `CLIENT_MISSING`.
 *
 * @example
 * ```ts
 * import { Sluice } from "sluice";
 * import { postgresDriver } from "sluice/drivers/postgres";
 *
 * export async function open(url: string): Promise<Sluice> {
 *   return new Sluice(await postgresDriver({ url, schema: "jobs", pool: 8 }));
 * }
 * ```
 */
export async function postgresDriver(options: PostgresOptions): Promise<PostgresDriver> {
  const { connectionString, place, ...fromUrl } = parsePostgresUrl(options.url);
  const wanted = { ...options, ...fromUrl };
  const schema = checkSchema(wanted.schema ?? "sluice");
  const dedupWindowMs = toMs(wanted.dedupWindow ?? "10m", "dedupWindow");
  const poolSize = checkPool(wanted.pool ?? 4);
  const database = createDatabase(await loadPg(), { connectionString, place, poolSize });
  try {
    await migrate(database, { schema, create: wanted.create ?? true });
  } catch (error) {
    await database.close();
    throw error;
  }
  const { clock = systemClock, logger = silentLogger, random = Math.random } = options;
  const wakeUps = createWakeUps({ database, schema, clock, logger, random });
  const announcer = createAnnouncer(clock, async (queue) => {
    await database
      .query("SELECT pg_notify($1, $2)", [schema, queue])
      .catch((error) => logger.debug("announcing failed", { queue, error }));
  });
  const store = createStore(database, schema);
  const kept = { clock, logger, random, dedupWindowMs };
  const parts = { database, schema, store, wakeUps, announcer, ...kept };
  const open = openQueues(parts);
  return {
    name: "postgres",
    capabilities: postgresCapabilities,
    ...queueMethods(open),
    ...operatorMethods(open),
    ...transactionMethods(open),
  };
}

interface Parts {
  readonly database: Database;
  readonly schema: string;
  readonly store: Store;
  readonly wakeUps: WakeUps;
  readonly announcer: Announcer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly dedupWindowMs: number;
}

interface OpenQueues extends Parts {
  /** Aborts with close. */
  readonly closed: AbortSignal;
  check(): void;
  /** Messages of the queue may have become ready, or will. */
  announce(queue: string): void;
  /** The counts of a queue have changed; adds them up now and then. */
  changed(queue: string): void;
  close(): Promise<void>;
}

function openQueues(parts: Parts): OpenQueues {
  const { database, store, wakeUps, announcer, logger, random } = parts;
  const closing = new AbortController();
  let closed: Promise<void> | null = null;

  async function close(): Promise<void> {
    closing.abort();
    await Promise.all([announcer.close(), wakeUps.close()]);
    await database.close();
  }

  return {
    ...parts,
    closed: closing.signal,
    check() {
      if (closing.signal.aborted) throw closedError(database.place);
    },
    announce(queue) {
      if (closing.signal.aborted) return;
      wakeUps.announce(queue);
      announcer.announce(queue);
    },
    changed(queue) {
      if (closing.signal.aborted || random() * foldEvery >= 1) return;
      // A fold that fails leaves more for the next one.
      void store
        .fold(queue)
        .catch((error) => logger.debug("adding up counts failed", { queue, error }));
    },
    close() {
      closed ??= close();
      return closed;
    },
  };
}

function queueMethods(
  open: OpenQueues,
): Omit<QueueDriver, "name" | "capabilities"> & LeaseExtender & Waker & DueTimes {
  const { store, clock, logger, wakeUps, closed } = open;
  const cleaner = createCleaner(clock, () =>
    store.vacuum().catch((error) => logger.debug("cleaning up failed", { error })),
  );
  return {
    async publish(queue, messages, { signal } = {}) {
      open.check();
      if (signal?.aborted) throw aborted(signal);
      const mode = { dedupWindowMs: open.dedupWindowMs, tell: false };
      await store.publish(open.database.query, queue, messages, mode);
      open.changed(queue);
      open.announce(queue);
      return messages.map((message) => message.id);
    },
    async receive(queue, request) {
      open.check();
      return receiveWithin({
        async attempt() {
          if (closed.aborted) return [];
          const taken = await store.claim(queue, request, randomInt(999_999_999));
          if (taken.length > 0) open.changed(queue);
          return taken;
        },
        watch: (onReady) => wakeUps.watch(queue, onReady),
        waitMs: request.waitMs,
        signal: request.signal,
        closing: closed,
        clock,
      });
    },
    async settle(queue, settlements) {
      open.check();
      const answers = await store.settle(queue, settlements);
      open.changed(queue);
      cleaner.gone(settlements.length);
      const returns = settlements.some(
        ({ outcome }, index) => answers[index] && (outcome === "retry" || outcome === "release"),
      );
      if (returns) open.announce(queue);
      return answers;
    },
    async extend(queue, receipts, leaseMs) {
      open.check();
      return store.extend(queue, receipts, leaseMs);
    },
    async depth(queue) {
      const { depth, rows } = await store.depth(queue);
      // Whoever may only read leaves it to others.
      if (rows > 2 * foldEvery) await store.fold(queue).catch(ignoreDenied);
      return depth;
    },
    async dueWithin(queue, edgesMs) {
      open.check();
      return store.dueWithin(queue, edgesMs);
    },
    watch(queue, onReady) {
      open.check();
      return wakeUps.watch(queue, onReady);
    },
    close: () => open.close(),
  };
}

function operatorMethods(open: OpenQueues): DeadLetters & Browser & QueueLister & Purger {
  const { database, schema, store } = open;
  const operator = createOperatorStore(database, schema, store.promoteAll);
  return {
    ...operator,
    async redrive(queue, selection) {
      const redriven = await operator.redrive(queue, selection);
      if (redriven > 0) open.announce(queue);
      return redriven;
    },
  };
}

function transactionMethods(open: OpenQueues): Transactional {
  const { store, dedupWindowMs } = open;
  const registered = new Set<string>();
  return {
    async publishWithin(transaction, queue, messages) {
      open.check();
      // A queue that only an open transaction knows would make every other publisher to it wait for that one.
      if (!registered.has(queue)) await store.register(queue);
      registered.add(queue);
      const query = queryOf(transaction, open.database.place);
      await store.publish(query, queue, messages, { dedupWindowMs, tell: true });
      open.changed(queue);
      return messages.map((message) => message.id);
    },
  };
}

function ignoreDenied(error: unknown): void {
  if (!(error instanceof SluiceError && error.code === "ACCESS_DENIED")) throw error;
}

/** Throws `OPTION_INVALID` for a name that would have to be quoted in one place or another. */
function checkSchema(schema: string): string {
  if (typeof schema === "string" && /^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(schema)) {
    if (!/^pg_/i.test(schema)) return schema;
  }
  throw new SluiceError(
    "OPTION_INVALID",
    `schema must be a letter or _ and then at most 62 letters, digits or _, and not begin with pg_; got ${showValue(schema)}.`,
  );
}

function checkPool(pool: number): number {
  if (Number.isInteger(pool) && pool >= 1 && pool <= 100) return pool;
  throw new SluiceError(
    "OPTION_INVALID",
    `pool must be a whole number from 1 to 100; got ${showValue(pool)}.`,
  );
}
