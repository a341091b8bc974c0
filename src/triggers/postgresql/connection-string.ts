/** From libpq's connection strings, in both of their forms, to the settings of the client. */
import type { ConnectionOptions } from "node:tls";

/** What a connection string says. */
export interface PostgresPlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** As libpq defines them; the default is `prefer`. */
  readonly sslmode: string;
  readonly sslrootcert: string | null;
  readonly sslcert: string | null;
  readonly sslkey: string | null;
}

const sslmodes: readonly string[] = [
  "disable",
  "allow",
  "prefer",
  "require",
  "verify-ca",
  "verify-full",
];

/** Throws an `Error` that says what was expected and never shows what came. */
export function parseConnectionString(text: string): PostgresPlace {
  const parameters = /^postgres(?:ql)?:\/\//.test(text) ? fromUrl(text) : fromPairs(text);
  return placeFrom(parameters);
}

/** The place of separate parameters. Throws an `Error` that says what was expected. */
export function placeFrom(parameters: ReadonlyMap<string, string>): PostgresPlace {
  const user = parameters.get("user") ?? "";
  const sslmode = parameters.get("sslmode") ?? "prefer";
  if (!sslmodes.includes(sslmode)) throw new Error(`sslmode must be one of ${sslmodes.join(", ")}`);
  const port = Number(parameters.get("port") ?? 5432);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error("port must be a whole number from 1 to 65535");
  const host = parameters.get("host") ?? "localhost";
  if (host.includes(",")) throw new Error("host must be one host; several are not supported");
  return {
    host,
    port,
    user,
    password: parameters.get("password") ?? "",
    database: parameters.get("dbname") ?? user,
    sslmode,
    sslrootcert: parameters.get("sslrootcert") ?? null,
    sslcert: parameters.get("sslcert") ?? null,
    sslkey: parameters.get("sslkey") ?? null,
  };
}

const form = "the form postgres://user:password@host:5432/database";

function fromUrl(text: string): ReadonlyMap<string, string> {
  if (!URL.canParse(text)) throw new Error(form);
  const url = new URL(text);
  const parts: [string, string][] = [
    ["host", url.hostname.replace(/^\[(.*)\]$/, "$1")],
    ["port", url.port],
    ["user", url.username],
    ["password", url.password],
    ["dbname", url.pathname.slice(1)],
  ];
  const given = parts.filter(([, value]) => value !== "").map(decodePart);
  return new Map([...given, ...url.searchParams]);
}

function decodePart([name, value]: [string, string]): [string, string] {
  try {
    return [name, decodeURIComponent(value)];
  } catch {
    throw new Error(`${form}, with % and two hexadecimal digits for % in a password`);
  }
}

/** `key = value` between spaces; a value in quotes may hold spaces, and a backslash stands before ' and \. */
const pair = /\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/gy;

function fromPairs(text: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  let end = 0;
  for (const match of text.matchAll(pair)) {
    const [whole, name = "", quoted, plain = ""] = match;
    parameters.set(name, (quoted ?? plain).replaceAll(/\\(.)/g, "$1"));
    end = match.index + whole.length;
  }
  if (end === 0 || text.slice(end).trim() !== "")
    throw new Error(`${form}, or host=… port=… user=… password=… dbname=… sslmode=…`);
  return parameters;
}

/**
 * The ways to try in turn, as libpq's modes go: `null` is without TLS. Files are read by the client.
 */
export function tlsAttempts(
  place: PostgresPlace,
  readFile: (path: string) => string,
): readonly (ConnectionOptions | null)[] {
  const { sslmode, sslrootcert, sslcert, sslkey } = place;
  const files: ConnectionOptions = {
    ...(sslrootcert !== null && sslrootcert !== "system" && { ca: readFile(sslrootcert) }),
    ...(sslcert !== null && { cert: readFile(sslcert) }),
    ...(sslkey !== null && { key: readFile(sslkey) }),
  };
  const unchecked = { ...files, rejectUnauthorized: false };
  const byMode: Readonly<Record<string, readonly (ConnectionOptions | null)[]>> = {
    disable: [null],
    allow: [null, unchecked],
    prefer: [unchecked, null],
    // libpq: with a root certificate, `require` behaves like `verify-ca`.
    require: [sslrootcert === null ? unchecked : { ...files, checkServerIdentity: anyName }],
    "verify-ca": [{ ...files, checkServerIdentity: anyName }],
    "verify-full": [files],
  };
  return byMode[sslmode] ?? [];
}

const anyName = (): undefined => undefined;
