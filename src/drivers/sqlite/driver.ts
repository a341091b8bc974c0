import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import {
  aborted,
  type Browser,
  type Clock,
  type DeadLetters,
  type Delivery,
  type Driver,
  type DriverCapabilities,
  type DueTimes,
  type Duration,
  type LeaseExtender,
  type Logger,
  type Purger,
  type QueueDriver,
  type QueueLister,
  type ReceiveRequest,
  receiveWithin,
  SluiceError,
  silentLogger,
  systemClock,
  toMs,
  type Waker,
} from "../../core/index.ts";
import { type Database, openDatabase, type Synchronous } from "./database.ts";
import { createOperatorStore } from "./operator-store.ts";
import { migrate } from "./schema.ts";
import { prepareStatements, type Statements } from "./statements.ts";
import * as store from "./store.ts";
import { createWakeUps, type WakeUps } from "./wake-ups.ts";

/** Where the file is and how it is written. */
export interface SqliteOptions {
  readonly path: string;
  /** `full` (default): a publish is on the disk when it resolves. `normal`: faster; power loss may take the last ones. */
  readonly synchronous?: Synchronous;
  /** How long an id that a publisher chose is remembered. Default 10m. */
  readonly dedupWindow?: Duration;
  /** `false`: a file that does not exist is `STORE_UNAVAILABLE`. Default true. */
  readonly create?: boolean;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** What every SQLite queue can do. */
export const sqliteCapabilities: DriverCapabilities = {
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
  transactions: "none",
  depth: { ready: "exact", delayed: "exact", inFlight: "exact", dead: "exact", oldestAge: "exact" },
  limits: {
    maxBodyBytes: 16 * 1024 * 1024,
    maxHeaderBytes: 64 * 1024,
    maxDelayMs: 10 * 365 * 86_400_000,
    maxPublishBatch: 1000,
    maxPriority: store.maxPriority,
  },
};

/**
 * Opens or creates a file of queues. Any number of processes on one machine may have it open; it must not lie on a
 * network file system, where SQLite's locks do not hold. Rejects with `STORE_*`, `SCHEMA_NEWER` or `CLIENT_MISSING`.
 *
 * @example
 * ```ts
 * import { Sluice } from "sluice";
 * import { sqliteDriver } from "sluice/drivers/sqlite";
 *
 * const sluice = new Sluice(await sqliteDriver({ path: "jobs.db", synchronous: "normal" }));
 * ```
 */
export async function sqliteDriver(options: SqliteOptions): Promise<Driver> {
  const clock = options.clock ?? systemClock;
  const dedupWindowMs = toMs(options.dedupWindow ?? "10m", "dedupWindow");
  const path = resolve(options.path);
  if (options.create === false && !existsSync(path)) {
    const message = `${path} does not exist. Name another file, or publish a job, which creates it.`;
    throw new SluiceError("STORE_UNAVAILABLE", message, { retryable: false });
  }
  const database = await openDatabase(path, clock);
  try {
    await migrate(database);
    const sql = prepareStatements(database);
    const wakeUps = createWakeUps({
      path: database.path,
      clock,
      logger: options.logger ?? silentLogger,
      prospect: (queue) => file.read(() => store.prospect(sql, queue)),
    });
    const settings = { synchronous: options.synchronous ?? "full", dedupWindowMs } as const;
    const file: OpenFile = openFile({ database, sql, wakeUps, clock, settings });
    return {
      name: "sqlite",
      capabilities: sqliteCapabilities,
      ...queueMethods(file),
      ...operatorMethods(file),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

interface Settings {
  readonly synchronous: Synchronous;
  readonly dedupWindowMs: number;
}

interface Parts {
  readonly database: Database;
  readonly sql: Statements;
  readonly wakeUps: WakeUps;
  readonly clock: Clock;
  readonly settings: Settings;
}

/** An open file, and how its methods reach it. */
interface OpenFile extends Parts {
  /** Aborts with close. */
  readonly closed: AbortSignal;
  close(): void;
  /** Throws `CLOSED`, or `STORE_UNAVAILABLE` when the file is no longer the one that was opened. */
  check(): void;
  /** A read of one moment. */
  read<T>(work: () => T): T;
  /** A write; one whose loss would only cause a second delivery, such as a lease, need not wait for the disk. */
  write<T>(durability: "durable" | "lease", work: () => T): Promise<T>;
  /** Makes everything ready that is due. */
  promoteAll(queue: string): Promise<void>;
}

function openFile(parts: Parts): OpenFile {
  const { database, sql, clock, settings } = parts;
  const closing = new AbortController();
  const opened = statSync(database.path).ino;

  /** Whoever deletes the file under us would leave us writing to one that nobody else can see. */
  function check(): void {
    if (closing.signal.aborted) {
      throw new SluiceError(
        "CLOSED",
        `the connection to ${database.path} was closed; connect again.`,
      );
    }
    if (statSync(database.path, { throwIfNoEntry: false })?.ino === opened) return;
    const fix = "Stop all processes before you delete a queue file, then start them again";
    const message = `${database.path} was deleted or replaced while it was in use. ${fix}.`;
    throw new SluiceError("STORE_UNAVAILABLE", message, { retryable: false });
  }

  function read<T>(work: () => T): T {
    check();
    return database.read(work);
  }

  async function write<T>(durability: "durable" | "lease", work: () => T): Promise<T> {
    check();
    return database.write(durability === "lease" ? "normal" : settings.synchronous, work);
  }

  return {
    ...parts,
    closed: closing.signal,
    check,
    read,
    write,
    async promoteAll(queue) {
      while (
        store.isDue(
          read(() => store.prospect(sql, queue)),
          clock.now(),
        )
      ) {
        await write("lease", () => store.promote(sql, queue, clock.now()));
      }
    },
    close() {
      if (closing.signal.aborted) return;
      closing.abort();
      parts.wakeUps.close();
      database.close();
    },
  };
}

function queueMethods(
  file: OpenFile,
): Omit<QueueDriver, "name" | "capabilities"> & LeaseExtender & Waker & DueTimes {
  const { sql, clock, wakeUps, settings } = file;

  async function claim(queue: string, request: ReceiveRequest): Promise<readonly Delivery[]> {
    if (file.closed.aborted) return [];
    const found = file.read(() => store.prospect(sql, queue));
    if (!found.ready && !store.isDue(found, clock.now())) return [];
    return file.write("lease", () => {
      const now = clock.now();
      store.promote(sql, queue, now);
      return store.claim(sql, queue, request.max, now + request.leaseMs);
    });
  }

  return {
    async publish(queue, messages, { signal } = {}) {
      if (signal?.aborted) throw aborted(signal);
      await file.write("durable", () => {
        const now = clock.now();
        store.publish(sql, queue, messages, { now, rememberUntil: now + settings.dedupWindowMs });
      });
      wakeUps.announce(queue);
      return messages.map((message) => message.id);
    },
    async receive(queue, request) {
      file.check();
      return receiveWithin({
        attempt: () => claim(queue, request),
        watch: (onReady) => wakeUps.watch(queue, onReady),
        waitMs: request.waitMs,
        signal: request.signal,
        closing: file.closed,
        clock,
      });
    },
    async settle(queue, settlements) {
      const results = await file.write("durable", () =>
        store.settle(sql, queue, settlements, clock.now()),
      );
      wakeUps.announce(queue);
      return results;
    },
    extend: (queue, receipts, leaseMs) =>
      file.write("lease", () => store.extend(sql, queue, receipts, clock.now() + leaseMs)),
    async depth(queue) {
      await file.promoteAll(queue);
      return file.read(() => store.depth(sql, queue, clock.now()));
    },
    dueWithin: async (queue, edgesMs) =>
      file.read(() => store.dueWithin(sql, queue, edgesMs, clock.now())),
    watch(queue, onReady) {
      file.check();
      return wakeUps.watch(queue, onReady);
    },
    close: async () => file.close(),
  };
}

function operatorMethods(file: OpenFile): DeadLetters & Browser & QueueLister & Purger {
  const operator = createOperatorStore(file.database);
  return {
    deadLetters: async (queue, { limit }) => file.read(() => operator.deadLetters(queue, limit)),
    async redrive(queue, selection) {
      const redriven = await file.write("durable", () => operator.redrive(queue, selection));
      file.wakeUps.announce(queue);
      return redriven;
    },
    purgeDeadLetters: (queue, selection) =>
      file.write("durable", () => operator.purgeDeadLetters(queue, selection)),
    async peek(queue, { limit }) {
      await file.promoteAll(queue);
      return file.read(() => operator.peek(queue, limit));
    },
    purge: (queue) => file.write("durable", () => operator.purge(queue)),
    queues: async () => file.read(() => operator.queues()),
  };
}
