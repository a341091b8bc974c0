import { type Clock, type Driver, type Logger, redactUrl, SluiceError } from "../../core/index.ts";
import { redisDriver } from "./driver.ts";

const parameterNames: readonly string[] = ["prefix", "dedup"];

/**
 * Opens the queues that a URL names: `redis://user:password@host:6379/0`, `rediss://…` for TLS, with `?prefix=sluice:`
 * and `?dedup=10m`. Rejects with `URL_INVALID`, `CLIENT_MISSING`, `ACCESS_DENIED` or a `STORE_*` error.
 */
export async function openRedis(
  url: string,
  context: { readonly clock: Clock; readonly logger: Logger; readonly create?: boolean },
): Promise<Driver> {
  const { protocol, hostname, port, username, password, pathname, searchParams } = parse(url);
  for (const name of searchParams.keys()) {
    if (!parameterNames.includes(name))
      throw invalid(url, `no parameter but ${parameterNames.join(" and ")}`, `Remove ${name}`);
  }
  const db = /^\/?(\d{0,5})$/.exec(pathname)?.[1];
  if (db === undefined)
    throw invalid(url, "the number of a database as its path", "Write redis://host:6379/0");
  const prefix = searchParams.get("prefix");
  return redisDriver({
    host: hostname === "" ? "localhost" : hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? 6379 : Number(port),
    db: Number(db),
    ...(username !== "" && { username: decode(username, url) }),
    ...(password !== "" && { password: decode(password, url) }),
    ...(protocol === "rediss:" && { tls: true }),
    ...(prefix !== null && { prefix }),
    dedupWindow: searchParams.get("dedup") ?? "10m",
    ...context,
  });
}

function parse(url: string): URL {
  if (/^rediss?:\/\//.test(url) && URL.canParse(url)) return new URL(url);
  throw invalid(
    url,
    "a host, and characters such as / # ? @ in user and password as %2F %23 %3F %40",
    "Write redis://user:password@host:6379/0",
  );
}

function decode(text: string, url: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(url, "two hexadecimal digits after each %", "Write %25 for a plain %");
  }
}

/** A password that was not encoded may hold any character, so nothing before the last `@` is shown. */
function invalid(url: string, expected: string, fix: string): SluiceError {
  const shown = redactUrl(url.replace(/\/\/.*@/s, "//***@"));
  return new SluiceError("URL_INVALID", `a redis URL has ${expected}; got ${shown}. ${fix}.`);
}
