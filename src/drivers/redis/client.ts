/** The client library, loaded when first used, and the part of it that is used. */
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { SluiceError } from "../../core/index.ts";
import type { Argument } from "./records.ts";

/** A connection of the client library that connects anew by itself. */
export interface ClientLike {
  readonly status: string;
  /** The socket of the moment; a cluster has several. */
  readonly stream?: SocketLike | undefined;
  connect(): Promise<void>;
  disconnect(reconnect?: boolean): void;
  callBuffer(command: string, args: readonly Argument[]): Promise<unknown>;
  on(event: string, listener: (error?: unknown) => void): unknown;
  off(event: string, listener: (error?: unknown) => void): unknown;
}

/** How far a socket has come. */
export interface SocketLike {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly writableLength: number;
  readonly writable: boolean;
}

/** Where the server is and who we are to it. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  /** The number of the database. */
  readonly db: number;
  /** Encrypts; what Node's `tls.connect` takes. */
  readonly tls?: ConnectionOptions;
}

interface RedisModule {
  readonly default: {
    new (options: object): ClientLike;
    readonly Cluster: new (nodes: readonly object[], options: object) => ClientLike;
  };
}

const connectTimeoutMs = 5000;
const longestPauseMs = 1000;

/**
 * Makes clients that do not connect yet. They try again for ever, but what was under way when a connection broke is
 * rejected at once and never sent a second time: whether it was carried out is for the caller to judge.
 */
export async function loadClient(): Promise<
  (address: ServerAddress, isCluster: boolean) => ClientLike
> {
  const { default: Redis } = await importClient();
  const pause = (attempt: number): number =>
    Math.min(25 * 2 ** Math.min(attempt, 10), longestPauseMs);
  return (address, isCluster) => {
    const { host, port, tls, username, password, db } = address;
    const options = {
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      ...(tls && { tls: { ...(isIP(host) === 0 && { servername: host }), ...tls } }),
      // Version 6 of the client speaks RESP3 if it may, in which streams are answered in another shape.
      protocol: 2,
      connectTimeout: connectTimeoutMs,
      disconnectTimeout: 100,
      keepAlive: 10_000,
      lazyConnect: true,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // It would tell the server its name with commands that a strict access list forbids.
      disableClientInfo: true,
    };
    if (!isCluster) return new Redis({ ...options, host, port, db, retryStrategy: pause });
    return new Redis.Cluster([{ host, port }], {
      redisOptions: options,
      clusterRetryStrategy: pause,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      lazyConnect: true,
    });
  };
}

async function importClient(): Promise<RedisModule> {
  try {
    return (await import("ioredis")) as unknown as RedisModule;
  } catch (cause) {
    throw new SluiceError(
      "CLIENT_MISSING",
      "the redis driver needs the package ioredis, which is not installed. Run: npm install ioredis@^5",
      { cause },
    );
  }
}
