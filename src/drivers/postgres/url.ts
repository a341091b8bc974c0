import { type Duration, SluiceError, showValue } from "../../core/index.ts";

/** What a queue URL may say about the connection itself; all of it is the client's. */
const connectionParameters: ReadonlySet<string> = new Set([
  "host",
  "port",
  "user",
  "password",
  "dbname",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "uselibpqcompat",
  "application_name",
]);

const sslModes: readonly string[] = [
  "disable",
  "prefer",
  "require",
  "verify-ca",
  "verify-full",
  "no-verify",
];

/** Modes that the client takes for `verify-full`. */
const verified: readonly string[] = ["prefer", "require", "verify-ca"];

/** What a queue URL may say about the queue. */
const ownParameters: readonly string[] = ["schema", "dedup", "pool"];

/** A URL taken apart. */
export interface ParsedUrl {
  /** For the client, without what is ours. */
  readonly connectionString: string;
  /** For people: no user, no password. */
  readonly place: string;
  readonly schema?: string;
  readonly dedupWindow?: Duration;
  readonly pool?: number;
}

/** Takes a URL apart. Throws `URL_INVALID`; the message never shows what may be a password. */
export function parsePostgresUrl(url: string): ParsedUrl {
  const parsed = parse(url);
  const parameters = parsed.searchParams;
  for (const name of parameters.keys()) {
    if (!connectionParameters.has(name) && !ownParameters.includes(name)) {
      const known = [...ownParameters, "sslmode"].join(", ");
      throw invalid(
        `the parameters ${known} and others of the client; got ${showValue(name)}`,
        "Remove it",
      );
    }
  }
  const sslMode = parameters.get("sslmode");
  if (sslMode !== null && !sslModes.includes(sslMode))
    throw invalid(
      `sslmode as one of ${sslModes.join(", ")}; got ${showValue(sslMode)}`,
      "Correct it",
    );
  // What the client makes of them, with a warning in the log of everybody who connects; unless the URL asks for libpq's way.
  if (sslMode !== null && verified.includes(sslMode) && !parameters.has("uselibpqcompat"))
    parameters.set("sslmode", "verify-full");
  const schema = parameters.get("schema");
  const dedupWindow = parameters.get("dedup");
  const pool = parameters.get("pool");
  for (const name of ownParameters) parameters.delete(name);
  return {
    connectionString: parsed.href,
    place: placeOf(parsed),
    ...(schema !== null && { schema }),
    ...(dedupWindow !== null && { dedupWindow }),
    ...(pool !== null && { pool: Number(pool) }),
  };
}

function parse(url: string): URL {
  const fix =
    "Write postgres://user:password@host:5432/database, with % and two hexadecimal digits for / ? # @ : and % in a password";
  if (!URL.canParse(url)) throw invalid("the form of a URL", fix);
  const parsed = new URL(url);
  if (parsed.protocol !== "postgres:" && parsed.protocol !== "postgresql:")
    throw invalid("the scheme postgres: or postgresql:", fix);
  if (parsed.hash !== "") throw invalid("no part that begins with #", fix);
  for (const part of [parsed.username, parsed.password, parsed.pathname, parsed.hostname])
    if (!isDecodable(part) || decodeURIComponent(part).includes("\0"))
      throw invalid("no % but those that encode a character, and no NUL", fix);
  if (parsed.hostname === "" && parsed.pathname.length <= 1 && !parsed.searchParams.has("host"))
    throw invalid("a host and a database", fix);
  return parsed;
}

function isDecodable(text: string): boolean {
  return !/%(?![0-9a-f]{2})/i.test(text) && URL.canParse(`data:${text}`) && !isBroken(text);
}

function isBroken(text: string): boolean {
  try {
    decodeURIComponent(text);
    return false;
  } catch {
    return true;
  }
}

function placeOf(url: URL): string {
  const host = url.searchParams.get("host") ?? decodeURIComponent(url.host);
  return `postgres://${host}${url.pathname}`;
}

function invalid(expected: string, fix: string): SluiceError {
  return new SluiceError("URL_INVALID", `a postgres URL has ${expected}. ${fix}.`);
}
