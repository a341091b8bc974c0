/** The part of the package `ioredis` that is used, so that its types never show in ours. */
import { loadClient } from "../client.ts";
import { noAnswer, reasonOf, wrongAnswer } from "../failure.ts";
import type { ConnectionPlan } from "../shared-connection.ts";
import { type TlsTexts, tlsOptions } from "../tls.ts";

/** A connection of `ioredis`, to one server or to a cluster. */
export interface RedisLike {
  connect(): Promise<void>;
  disconnect(): void;
  call(command: string, ...args: readonly (string | number)[]): Promise<unknown>;
  on(event: "error", listener: (error: Error) => void): unknown;
}

interface IoredisLike {
  new (options: object): RedisLike;
  readonly Cluster: new (nodes: readonly object[], options: object) => RedisLike;
}

/** How servers are arranged. */
export type Topology = "single" | "cluster" | "sentinel";

/** Where servers are and who asks. */
export interface RedisPlace {
  readonly topology: Topology;
  /** `host:port` each; a single server is the first. */
  readonly addresses: readonly string[];
  readonly database: number;
  readonly username: string | null;
  readonly password: string | null;
  readonly sentinelMaster: string | null;
  readonly sentinelUsername: string | null;
  readonly sentinelPassword: string | null;
  readonly tls: TlsTexts | null;
}

/** The connection behind a place. */
export function redisConnection(place: RedisPlace, timeoutMs: number): ConnectionPlan<RedisLike> {
  return {
    key: `redis ${JSON.stringify(place)}`,
    async open() {
      const ioredis = await loadClient<IoredisLike>(
        "ioredis@^5.11",
        "a redis trigger",
        () => import("ioredis"),
      );
      const client = createClient(ioredis, place, timeoutMs);
      let lastError: unknown = null;
      client.on("error", (error) => {
        lastError = error;
      });
      try {
        await client.connect();
        await client.call("PING"); // the client may come up although the server refused its password
        return client;
      } catch (error) {
        client.disconnect();
        throw noAnswer(`${shown(place)} cannot be reached: ${reasonOf(lastError ?? error)}`);
      }
    },
    async close(client) {
      client.disconnect();
    },
    atOnce: 64,
  };
}

/** A broken connection is not mended by the client: whoever uses it drops it. */
function createClient(ioredis: IoredisLike, place: RedisPlace, timeoutMs: number): RedisLike {
  const { topology, addresses, database, username, password, tls } = place;
  const never = (): null => null;
  const common = {
    ...(username !== null && { username }),
    ...(password !== null && { password }),
    ...(tls && { tls: tlsOptions(tls) }),
    connectTimeout: timeoutMs,
    connectionName: "sluice-scaler",
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    retryStrategy: never,
  };
  const nodes = addresses.map(toNode);
  if (topology === "cluster") {
    const options = { redisOptions: common, clusterRetryStrategy: never, lazyConnect: true };
    return new ioredis.Cluster(nodes, options);
  }
  const single = { ...common, db: database, lazyConnect: true };
  if (topology === "single") return new ioredis({ ...single, ...nodes[0] });
  const { sentinelMaster, sentinelUsername, sentinelPassword } = place;
  return new ioredis({
    ...single,
    sentinels: nodes,
    name: sentinelMaster ?? "",
    ...(sentinelUsername !== null && { sentinelUsername }),
    ...(sentinelPassword !== null && { sentinelPassword }),
    ...(tls && { sentinelTLS: tlsOptions(tls), enableTLSForSentinelMode: true }),
    sentinelRetryStrategy: never,
  });
}

function toNode(address: string): { readonly host: string; readonly port: number } {
  const [, host = address, port = "6379"] = /^(.*?)(?::(\d+))?$/.exec(address) ?? [];
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}

/** States of the server that pass, unlike what it says of a command. */
const passing = /^(LOADING|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|BUSY|NOAUTH) /;

/** Sends a command. What the server says of it lasts; all else may be a broken connection. */
export async function call(
  client: RedisLike,
  place: RedisPlace,
  command: string,
  ...args: readonly (string | number)[]
): Promise<unknown> {
  try {
    return await client.call(command, ...args);
  } catch (error) {
    const reason = reasonOf(error);
    const isReply = error instanceof Error && error.name === "ReplyError" && !passing.test(reason);
    const message = `${shown(place)} cannot be read: ${reason}`;
    throw isReply ? wrongAnswer(message) : noAnswer(message);
  }
}

/** Whether the server said this of a command. */
export function isReply(error: unknown, reply: string): boolean {
  return error instanceof Error && error.message.endsWith(`: ${reply}`);
}

function shown({ topology, addresses }: RedisPlace): string {
  const servers = topology === "single" ? addresses.slice(0, 1) : addresses;
  return `redis at ${servers.join(", ")}`;
}
