import type { ConnectionOptions } from "node:tls";
import {
  aborted,
  type Clock,
  type Delivery,
  type Driver,
  type DriverCapabilities,
  type DriverLimits,
  type Duration,
  type LeaseExtender,
  type Logger,
  type QueueDriver,
  type ReceiveRequest,
  receiveWithin,
  SluiceError,
  silentLogger,
  systemClock,
  toMs,
  type Waker,
} from "../../core/index.ts";
import { loadClient, type ServerAddress } from "./client.ts";
import { type Connection, openConnection } from "./connection.ts";
import { withTlsHint } from "./errors.ts";
import { createKeySpace } from "./keys.ts";
import { operatorMethods } from "./operator-methods.ts";
import { encodeSettlement, parseReceipt, publishCalls, toDelivery } from "./records.ts";
import { checkRights } from "./rights-check.ts";
import { depthScript } from "./scripts/look.ts";
import { receiveScript } from "./scripts/receive.ts";
import { extendScript, settleScript } from "./scripts/settle.ts";
import { checkServer } from "./server-check.ts";
import { createStore, type Store } from "./store.ts";

/** Where the server is and how it is used. */
export interface RedisOptions {
  /** Default localhost. */
  readonly host?: string;
  /** Default 6379. */
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  /** The number of the database; default 0. */
  readonly db?: number;
  /** `true`, or what Node's `tls.connect` takes, such as a certificate authority of your own. */
  readonly tls?: boolean | ConnectionOptions;
  /** `false`: for those who only want to look; the right to write is not asked for. Default true. */
  readonly create?: boolean;
  /** All keys begin with it. Default `sluice:`. */
  readonly prefix?: string;
  /** How long an id that a publisher chose is remembered. Default 10m. */
  readonly dedupWindow?: Duration;
  /** How long a call waits without a sign of life from the server before it rejects. Default 5s. */
  readonly timeout?: Duration;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** What every Redis queue can do; `durable` is false on a server that saves nothing. */
export const redisCapabilities: DriverCapabilities = {
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
    // The next group is encoded while the server stores one: a third more sends. A third call adds nothing.
    maxCallsUnderWay: 2,
    maxPriority: 9,
  },
};

/** What one script call hands out at most. */
const maxReceive = 1000;

/**
 * Queues on a Redis or Valkey server, version 6.2 or newer, or on a cluster of them. Rejects with `ACCESS_DENIED`,
 * `STORE_*`, `CLIENT_MISSING` or `OPTION_INVALID`; later, calls reject with a retryable error while the server is away, and work
 * again when it is back.
 *
 * @example
 * ```ts
 * import { Sluice } from "sluice";
 * import { redisDriver } from "sluice/drivers/redis";
 *
 * const sluice = new Sluice(await redisDriver({ host: "localhost", prefix: "shop:" }));
 * ```
 */
export async function redisDriver(options: RedisOptions = {}): Promise<Driver> {
  const { clock = systemClock, logger = silentLogger, prefix = "sluice:" } = options;
  const windowMs = toMs(options.dedupWindow ?? "10m", "dedupWindow");
  const timeoutMs = toMs(options.timeout ?? "5s", "timeout");
  const keys = createKeySpace(prefix);
  const server = serverAddress(options);
  const address = `${server.host}:${server.port}/${server.db}`;
  const newClient = await loadClient();
  const { connection, isCluster, isPersistent, maxArgumentBytes } = await openServer({
    open: (isCluster) =>
      openConnection({ client: newClient(server, isCluster), address, clock, timeoutMs }),
    server,
    address,
    logger,
  });
  try {
    if (options.create !== false) await checkRights(connection, keys, address);
  } catch (error) {
    connection.close();
    throw error;
  }
  const makeClient = () => newClient(server, isCluster);
  const store = createStore({ connection, isCluster, keys, address, clock, logger, makeClient });
  return {
    name: "redis",
    capabilities: {
      ...redisCapabilities,
      durable: isPersistent !== false,
      limits: limitsWithin(maxArgumentBytes),
    },
    ...queueMethods(store, windowMs),
    ...operatorMethods(store),
  };
}

/** A message is one argument: id and headers in front of the body. */
function limitsWithin(maxArgumentBytes: number | null): DriverLimits {
  const { limits } = redisCapabilities;
  const maxBodyBytes =
    (maxArgumentBytes ?? Number.POSITIVE_INFINITY) - limits.maxHeaderBytes - 1024;
  if (maxBodyBytes >= limits.maxBodyBytes) return limits;
  return { ...limits, maxBodyBytes, maxBodySetting: "proto-max-bulk-len" };
}

interface Opening {
  readonly open: (isCluster: boolean) => Promise<Connection>;
  readonly server: ServerAddress;
  /** For messages; without the password. */
  readonly address: string;
  readonly logger: Logger;
}

/** A connection to a server that will do; to the whole cluster when the server belongs to one. */
async function openServer({ open, server, address, logger }: Opening) {
  let connection: Connection | null = null;
  try {
    connection = await open(false);
    // The client would only report that it could not, and go on in database 0.
    if (server.db !== 0) await selectDatabase(connection, server.db, address);
    const facts = await checkServer(connection, address, logger);
    if (!facts.isCluster) return { connection, ...facts };
    connection.close();
    connection = await open(true);
    return { connection, ...facts };
  } catch (error) {
    connection?.close();
    throw withTlsHint(error, server.tls !== undefined);
  }
}

async function selectDatabase(connection: Connection, db: number, address: string): Promise<void> {
  try {
    await connection.send("SELECT", [db]);
  } catch (error) {
    if (!(error instanceof SluiceError && error.code === "DRIVER_FAILED")) throw error;
    const message = `redis at ${address} has no database ${db}. A cluster has 0 only, a server as many as its setting databases says; correct the URL.`;
    throw new SluiceError("STORE_MISCONFIGURED", message, { cause: error.cause });
  }
}

function serverAddress(options: RedisOptions): ServerAddress {
  const { host = "localhost", port = 6379, db = 0, username, password, tls = false } = options;
  return {
    host,
    port,
    db,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== false && { tls: tls === true ? {} : tls }),
  };
}

function queueMethods(
  store: Store,
  windowMs: number,
): Omit<QueueDriver, "name" | "capabilities"> & LeaseExtender & Waker {
  const { clock, wakeUps } = store;
  return {
    async publish(queue, messages, { signal } = {}) {
      store.check();
      if (signal?.aborted) throw aborted(signal);
      if (messages.length === 0) return [];
      const registered = store.register(queue);
      // A claim that follows on this connection finds them: who waits here need not wait for the server's word.
      const onWritten = messages.some(({ delayMs }) => delayMs <= 0)
        ? () => wakeUps.ringSoon(queue)
        : undefined;
      for (const { script, args } of publishCalls(messages, windowMs)) {
        await Promise.all([registered, store.run(script, queue, args, onWritten)]);
      }
      return messages.map((message) => message.id);
    },
    async receive(queue, request) {
      store.check();
      return receiveWithin({
        attempt: () => claim(store, queue, request),
        watch: (onReady) => wakeUps.watch(queue, onReady),
        waitMs: request.waitMs,
        signal: request.signal,
        closing: store.closed,
        clock,
      });
    },
    async settle(queue, settlements) {
      store.check();
      const receipts = settlements.map(({ receipt }) => receipt);
      return answerEach(receipts, (held) =>
        store.run(
          settleScript,
          queue,
          held.flatMap(([index, ...lease]) => {
            const settlement = settlements[index];
            return settlement === undefined ? [] : [...lease, encodeSettlement(settlement)];
          }),
        ),
      );
    },
    async extend(queue, receipts, leaseMs) {
      store.check();
      return answerEach(receipts, (held) =>
        store.run(extendScript, queue, [leaseMs, ...held.flatMap(([, ...lease]) => lease)]),
      );
    },
    async depth(queue) {
      let figures: readonly number[];
      do figures = (await store.run(depthScript, queue)) as readonly number[];
      while (figures[0] === 1);
      const [, ready = 0, delayed = 0, inFlight = 0, dead = 0, oldestAgeMs = 0] = figures;
      return { ready, delayed, inFlight, dead, oldestAgeMs };
    },
    watch(queue, onReady) {
      store.check();
      return wakeUps.watch(queue, onReady);
    },
    close: () => store.close(),
  };
}

async function claim(
  store: Store,
  queue: string,
  { max, leaseMs }: ReceiveRequest,
): Promise<readonly Delivery[]> {
  let reply: readonly Buffer[];
  try {
    const args = [Math.min(max, maxReceive), Math.ceil(leaseMs)];
    reply = (await store.run(receiveScript, queue, args)) as readonly Buffer[];
  } catch (error) {
    if (store.closed.aborted) return [];
    throw error;
  }
  const deliveries: Delivery[] = [];
  for (let start = 0; start < reply.length; start += 3) {
    const [lease, record, history] = reply.slice(start, start + 3);
    if (lease && record && history) deliveries.push(toDelivery(lease, record, history));
  }
  return deliveries;
}

/** A receipt of ours: its place in the call, member and proof. */
type Held = readonly [index: number, member: string, proof: string];

/** Asks for the receipts that can be ours, and answers `false` for the others. */
async function answerEach(
  receipts: readonly string[],
  ask: (held: readonly Held[]) => Promise<unknown>,
): Promise<readonly boolean[]> {
  const held = receipts.flatMap((receipt, index): Held[] => {
    const lease = parseReceipt(receipt);
    return lease === null ? [] : [[index, ...lease]];
  });
  const results = receipts.map(() => false);
  if (held.length === 0) return results;
  const answers = (await ask(held)) as readonly number[];
  for (const [place, [index]] of held.entries()) results[index] = answers[place] === 1;
  return results;
}
