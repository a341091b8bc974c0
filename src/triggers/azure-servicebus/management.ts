/** Service Bus's management API (Atom over HTTP), as far as active messages are counted. */
import { createHmac } from "node:crypto";
import type { Clock } from "../../core/index.ts";
import { loadClient } from "../client.ts";
import { wrongAnswer } from "../failure.ts";
import type { HttpClient } from "../http/client.ts";

/** What a connection string says. */
export interface ServiceBusPlace {
  /** `https://namespace.servicebus.windows.net`; the emulator has no TLS. */
  readonly endpoint: string;
  readonly keyName: string;
  readonly key: string;
  /** A signature that was made elsewhere, instead of the key. */
  readonly signature: string | null;
}

/** Throws an `Error` that says what was expected and never shows what came. */
export function parseConnectionString(text: string): ServiceBusPlace {
  const fields = new Map(
    text.split(";").map((part): [string, string] => {
      const [name = "", ...value] = part.split("=");
      return [name.trim().toLowerCase(), value.join("=").trim()];
    }),
  );
  const endpoint = fields.get("endpoint") ?? "";
  const keyName = fields.get("sharedaccesskeyname") ?? "";
  const key = fields.get("sharedaccesskey") ?? "";
  const signature = fields.get("sharedaccesssignature") ?? null;
  if (
    !URL.canParse(endpoint) ||
    new URL(endpoint).host === "" ||
    (signature === null && !(keyName && key))
  )
    throw new Error(
      "the form Endpoint=sb://NAMESPACE.servicebus.windows.net/;SharedAccessKeyName=…;SharedAccessKey=…",
    );
  const { hostname, port } = new URL(endpoint.replace(/^\w+:/, "https:"));
  const isEmulator = fields.get("usedevelopmentemulator")?.toLowerCase() === "true";
  const url = isEmulator
    ? `http://${hostname}:${port === "" ? "5300" : port}`
    : `https://${hostname}${port === "" ? "" : `:${port}`}`;
  return { endpoint: url, keyName, key, signature };
}

/** A queue, or a subscription of a topic, and how many active messages it has. */
export interface Entity {
  readonly name: string;
  readonly activeMessages: unknown;
}

/** Entities of one kind. */
export interface ServiceBus {
  /** Null when there is none at this path. */
  entity(path: string, signal: AbortSignal): Promise<Entity | null>;
  /** All below a path, page by page. */
  list(path: string, signal: AbortSignal): Promise<readonly Entity[]>;
}

const pageSize = 100;
/** How long a signature holds; the clocks of both sides differ. */
const signatureSeconds = 300;

export function openServiceBus(place: ServiceBusPlace, http: HttpClient, clock: Clock): ServiceBus {
  async function get(path: string, search: string, signal: AbortSignal): Promise<Feed | null> {
    const url = `${place.endpoint}/${path}?${search}api-version=2021-05`;
    const authorization = place.signature ?? sign(place, clock.now());
    const { status, body } = await http.send({ url, headers: { authorization } }, signal);
    if (status === 404) return null;
    if (status !== 200) await http.text({ url, headers: { authorization } }, signal, 200);
    return parseFeed(body);
  }

  return {
    async entity(path, signal) {
      const feed = await get(path, "", signal);
      return feed?.[0] ?? null;
    },
    async list(path, signal) {
      const found: Entity[] = [];
      for (;;) {
        const page = await get(path, `$skip=${found.length}&$top=${pageSize}&`, signal);
        found.push(...(page ?? []));
        if ((page?.length ?? 0) < pageSize) return found;
      }
    },
  };
}

/** https://learn.microsoft.com/rest/api/eventhub/generate-sas-token */
export function sign({ endpoint, keyName, key }: ServiceBusPlace, now: number): string {
  const resource = encodeURIComponent(`${endpoint}/`.toLowerCase());
  const expiry = Math.floor(now / 1000) + signatureSeconds;
  const signature = createHmac("sha256", key).update(`${resource}\n${expiry}`).digest("base64");
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=${encodeURIComponent(keyName)}`;
}

type Feed = readonly Entity[];

interface Entry {
  readonly title?: unknown;
  readonly content?: Readonly<Record<string, Description | undefined>>;
}

interface Description {
  readonly CountDetails?: { readonly ActiveMessageCount?: unknown };
}

interface FastXmlParserLike {
  readonly XMLParser: new (options: object) => { parse(text: string): unknown };
}

/** One entry, or a feed of any number of them; a feed without entries says that there is nothing. */
async function parseFeed(body: string): Promise<Feed> {
  const { XMLParser } = await loadClient<FastXmlParserLike>(
    "fast-xml-parser@^5.0",
    "the trigger azure-servicebus",
    () => import("fast-xml-parser"),
  );
  const parser = new XMLParser({
    removeNSPrefix: true,
    isArray: (name: string) => name === "entry",
    parseTagValue: false,
  });
  const document = parser.parse(body) as {
    readonly entry?: readonly Entry[];
    readonly feed?: "" | { readonly entry?: readonly Entry[] };
  };
  if (document.entry === undefined && document.feed === undefined)
    throw wrongAnswer("the answer is not that of Service Bus's management API");
  const entries = document.entry ?? (document.feed ? document.feed.entry : []) ?? [];
  return entries.map(({ title, content = {} }) => {
    const { QueueDescription, SubscriptionDescription } = content;
    const description = QueueDescription ?? SubscriptionDescription;
    return {
      name: String(title ?? ""),
      activeMessages: description?.CountDetails?.ActiveMessageCount,
    };
  });
}
