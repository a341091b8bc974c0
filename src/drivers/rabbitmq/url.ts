import { readFileSync } from "node:fs";
import { type Clock, type Driver, type Logger, redactUrl, SluiceError } from "../../core/index.ts";
import { type RabbitmqOptions, rabbitmqDriver } from "./driver.ts";

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** What each parameter sets. */
const parameters: Readonly<
  Record<string, (value: string, options: Mutable<RabbitmqOptions>, url: URL) => boolean>
> = {
  queueType(value, options) {
    if (value !== "quorum" && value !== "classic") return false;
    options.queueType = value;
    return true;
  },
  management(value, options, url) {
    const isTls = url.protocol === "amqps:";
    const derived = isTls ? `https://${url.hostname}:15671/` : `http://${url.hostname}:15672/`;
    options.management = value === "auto" ? derived : value;
    return /^https?:\/\/[^/]/.test(options.management) && URL.canParse(options.management);
  },
  heartbeat(value, options) {
    options.heartbeat = Number(value);
    return /^\d{1,5}$/.test(value) && options.heartbeat >= 1;
  },
  cacertfile: (value, options, url) => addFile("ca", value, { options, url }),
  certfile: (value, options, url) => addFile("cert", value, { options, url }),
  keyfile: (value, options, url) => addFile("key", value, { options, url }),
};

/**
 * Opens the broker that a URL names: `amqp://user:password@host:5672/vhost`, or `amqps:` with TLS, with
 * `?queueType=quorum|classic`, `?management=http://host:15672` or `auto`, `?heartbeat=` seconds, and for TLS
 * `?cacertfile=`, `?certfile=`, `?keyfile=`. Throws `URL_INVALID`.
 */
export async function openRabbitmq(
  url: string,
  context: { readonly clock: Clock; readonly logger: Logger },
): Promise<Driver> {
  const shown = redactUrl(url);
  const parsed = parse(url, shown);
  const options: Mutable<RabbitmqOptions> = { ...addressOf(parsed, shown), ...context };
  for (const [name, value] of parsed.searchParams) {
    const set = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (set === undefined) {
      const known = Object.keys(parameters).join(", ");
      throw invalid(shown, `no parameter but ${known}`, `Remove ${name}`);
    }
    if (!set(value, options, parsed)) throw invalid(shown, `a proper ${name}`, `Correct ${name}`);
  }
  return rabbitmqDriver(options);
}

function parse(url: string, shown: string): URL {
  if (!URL.canParse(url) || !/^amqps?:\/\/[^/]/.test(url)) {
    const fix = "Write amqp://user:password@host:5672/vhost, with %2F for the default vhost";
    throw invalid(shown, "a host", fix);
  }
  return new URL(url);
}

function addressOf(url: URL, shown: string): Mutable<RabbitmqOptions> {
  const path = url.pathname.slice(1);
  if (path.includes("/"))
    throw invalid(shown, "one vhost as its path", "Write %2F for a slash in it");
  return {
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    ...(url.port === "" ? {} : { port: Number(url.port) }),
    ...(url.username === "" ? {} : { username: decode(url.username, shown) }),
    ...(url.password === "" ? {} : { password: decode(url.password, shown) }),
    ...(path === "" ? {} : { vhost: decode(path, shown) }),
    ...(url.protocol === "amqps:" ? { tls: true } : {}),
  };
}

function addFile(
  name: string,
  path: string,
  { options, url }: { readonly options: Mutable<RabbitmqOptions>; readonly url: URL },
): boolean {
  if (url.protocol !== "amqps:") return false;
  try {
    const known = typeof options.tls === "object" ? options.tls : {};
    options.tls = { ...known, [name]: readFileSync(path) };
    return true;
  } catch (cause) {
    const message = `${path}, which the rabbitmq URL names, cannot be read. Correct the path.`;
    throw new SluiceError("URL_INVALID", message, { cause });
  }
}

/** The protocol carries no longer names, and NUL stands between user and password in it. */
function decode(text: string, shown: string): string {
  const decoded = decoding(text, shown);
  if (decoded.includes("\0")) throw invalid(shown, "no NUL", "Remove %00");
  if (Buffer.byteLength(decoded) <= mostBytes) return decoded;
  const what = `user, password and vhost of at most ${mostBytes} bytes each`;
  throw invalid(shown, what, "Shorten the longest");
}

function decoding(text: string, shown: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(
      shown,
      "percent signs followed by two hexadecimal digits",
      "Write %25 for a plain %",
    );
  }
}

/** A short string of AMQP. */
const mostBytes = 255;

function invalid(shown: string, expected: string, fix: string): SluiceError {
  return new SluiceError("URL_INVALID", `a rabbitmq URL has ${expected}; got ${shown}. ${fix}.`);
}
