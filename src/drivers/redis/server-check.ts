/** What a server says about itself, and what of it should not surprise anybody later. */
import { type Logger, SluiceError } from "../../core/index.ts";
import type { Connection } from "./connection.ts";

/** What is known about a server; `null` where it does not say. */
export interface ServerFacts {
  readonly isCluster: boolean;
  /** Messages survive the end of the server's process. */
  readonly isPersistent: boolean | null;
  /** The longest argument that it reads (`proto-max-bulk-len`); at a longer one it cuts the connection. */
  readonly maxArgumentBytes: number | null;
}

const oldestVersion = [6, 2] as const;

/**
 * Asks the server for its version, persistence and eviction. Rejects with `STORE_MISCONFIGURED` when it is too
 * old and `STORE_READ_ONLY` when it is a replica; warns when it may lose or evict messages. What it may not be asked is taken as fine.
 */
export async function checkServer(
  connection: Connection,
  address: string,
  logger: Logger,
): Promise<ServerFacts> {
  const info = parseInfo(await ask(connection, "INFO", []));
  checkVersion(info.get("redis_version"), address);
  checkKind(info.get("redis_mode"), address);
  const isCluster = info.get("cluster_enabled") === "1";
  if (!isCluster) checkPrimary(info.get("role"), address);
  warnOfEviction(info, address, logger);
  return {
    isCluster,
    isPersistent: await checkPersistence(connection, info, { address, logger }),
    maxArgumentBytes: await settingOf(connection, "proto-max-bulk-len").then(toBytes),
  };
}

/** The answer, or nothing when this user may not ask. A wrong password is no such case. */
async function ask(
  connection: Connection,
  command: string,
  args: readonly string[],
): Promise<unknown> {
  try {
    return await connection.send(command, args);
  } catch (error) {
    const said = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
    if (/^(NOPERM|ERR unknown) ?/i.test(said)) return null;
    throw error;
  }
}

/** `null` when this user may not ask, or the server knows no such setting. */
async function settingOf(connection: Connection, name: string): Promise<string | null> {
  const reply = await ask(connection, "CONFIG", ["GET", name]);
  return Array.isArray(reply) && reply.length === 2 ? String(reply[1]) : null;
}

function toBytes(setting: string | null): number | null {
  return setting !== null && /^\d+$/.test(setting) ? Number(setting) : null;
}

function parseInfo(reply: unknown): ReadonlyMap<string, string> {
  const lines = reply === null ? [] : String(reply).split("\r\n");
  return new Map(
    lines.flatMap((line) => {
      const colon = line.indexOf(":");
      return colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
    }),
  );
}

function checkVersion(version: string | undefined, address: string): void {
  const [major = 0, minor = 0] = (version ?? oldestVersion.join(".")).split(".").map(Number);
  if (major > oldestVersion[0] || (major === oldestVersion[0] && minor >= oldestVersion[1])) return;
  throw new SluiceError(
    "STORE_MISCONFIGURED",
    `the redis driver needs Redis ${oldestVersion.join(".")} or newer, or Valkey; ${address} is ${version}. Update the server.`,
  );
}

function checkKind(mode: string | undefined, address: string): void {
  if (mode !== "sentinel") return;
  throw new SluiceError(
    "STORE_MISCONFIGURED",
    `redis at ${address} is a Sentinel, which keeps no data. Name an address that follows the primary, or a cluster.`,
  );
}

/** A connection to a cluster finds the primary by itself. */
function checkPrimary(role: string | undefined, address: string): void {
  if (role !== "slave") return;
  throw new SluiceError(
    "STORE_READ_ONLY",
    `redis at ${address} is a replica and cannot be written. Name the primary in the URL.`,
  );
}

function warnOfEviction(info: ReadonlyMap<string, string>, address: string, logger: Logger): void {
  const policy = info.get("maxmemory_policy") ?? "noeviction";
  if (policy === "noeviction" || (info.get("maxmemory") ?? "0") === "0") return;
  const what = policy.startsWith("volatile") ? "forget chosen ids" : "delete jobs";
  logger.warn(`redis may ${what} when its memory is full; set maxmemory-policy to noeviction`, {
    address,
    policy,
  });
}

async function checkPersistence(
  connection: Connection,
  info: ReadonlyMap<string, string>,
  { address, logger }: { readonly address: string; readonly logger: Logger },
): Promise<boolean | null> {
  const aof = info.get("aof_enabled");
  if (aof === undefined || aof === "1") return aof === undefined ? null : true;
  const schedule = await settingOf(connection, "save");
  if (schedule === "") {
    logger.warn("redis keeps jobs in memory only: they end with it; set appendonly yes", {
      address,
    });
    return false;
  }
  logger.warn("redis saves snapshots only: a crash loses the jobs since; set appendonly yes", {
    address,
  });
  return schedule === null ? null : true;
}
