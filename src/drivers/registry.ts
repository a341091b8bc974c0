import { type Clock, type Driver, type Logger, redactUrl, SluiceError } from "../core/index.ts";

/** What a driver is opened with besides its URL. */
export interface OpenContext {
  readonly clock: Clock;
  readonly logger: Logger;
  /** `false`: reject with `STORE_UNAVAILABLE` rather than bring a store into being. */
  readonly create: boolean;
}

type Open = (url: string, context: OpenContext) => Promise<Driver>;

/** URL scheme → driver, loaded when first used. The only place that names concrete drivers. */
const schemes: Readonly<Record<string, () => Promise<Open>>> = {
  memory: async () => (await import("./memory/index.ts")).openMemory,
  sqlite: async () => (await import("./sqlite/index.ts")).openSqlite,
  postgres: async () => (await import("./postgres/index.ts")).openPostgres,
  postgresql: async () => (await import("./postgres/index.ts")).openPostgres,
  amqp: async () => (await import("./rabbitmq/index.ts")).openRabbitmq,
  amqps: async () => (await import("./rabbitmq/index.ts")).openRabbitmq,
  redis: async () => (await import("./redis/index.ts")).openRedis,
  rediss: async () => (await import("./redis/index.ts")).openRedis,
  servicebus: async () => (await import("./azure-service-bus/index.ts")).openAzureServiceBus,
};

/** What takes the place of a URL: a connection string, known by a part that it always has. */
const connectionStrings: readonly { readonly looksLike: RegExp; readonly scheme: string }[] = [
  { looksLike: /(^|;)\s*Endpoint\s*=/i, scheme: "servicebus" },
];

/** The schemes that a queue URL may have. */
export const knownSchemes: readonly string[] = Object.keys(schemes);

/** Opens the driver for a queue URL. Rejects with `URL_INVALID`, `SCHEME_UNKNOWN` or the driver's own error. */
export async function openDriver(url: string, context: OpenContext): Promise<Driver> {
  const scheme = typeof url === "string" ? schemeOf(url) : undefined;
  if (scheme === undefined) {
    const came = typeof url === "string" ? JSON.stringify(redactUrl(url)) : typeof url;
    throw new SluiceError(
      "URL_INVALID",
      `a queue URL begins with a scheme and a colon; got ${came}. Write sqlite:jobs.db for a file.`,
    );
  }
  const load = Object.hasOwn(schemes, scheme) ? schemes[scheme] : undefined;
  if (load === undefined) {
    throw new SluiceError(
      "SCHEME_UNKNOWN",
      `a queue URL begins with one of ${knownSchemes.join(": ")}:; got ${scheme}:. Correct the URL, or update Sluice.`,
    );
  }
  const open = await load();
  return open(url, context);
}

function schemeOf(url: string): string | undefined {
  const named = /^([a-z][a-z0-9+.-]*):/.exec(url)?.[1];
  return named ?? connectionStrings.find(({ looksLike }) => looksLike.test(url))?.scheme;
}
