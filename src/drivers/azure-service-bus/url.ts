import {
  type Clock,
  type Driver,
  type Logger,
  redactUrl,
  SluiceError,
  toMs,
} from "../../core/index.ts";
import { type AzureServiceBusOptions, azureServiceBusDriver } from "./driver.ts";

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };
type Draft = Partial<Mutable<AzureServiceBusOptions>>;
type Setter = (value: string, draft: Draft) => boolean;

/** What each parameter of a URL sets; a connection string may have the same beside its own parts. */
const parameters = {
  management(value, draft) {
    draft.management = value;
    return /^https?:\/\/[^/]/.test(value) && URL.canParse(value);
  },
  emulator: (value, draft) => setFlag("emulator", value, draft),
  create: (value, draft) => setFlag("create", value, draft),
  lock(value, draft) {
    draft.lock = value;
    return isDuration(value);
  },
  dedup(value, draft) {
    draft.dedupWindow = value;
    return isDuration(value);
  },
  timeout(value, draft) {
    draft.timeout = value;
    return isDuration(value);
  },
  maxMessageBytes(value, draft) {
    draft.maxMessageBytes = Number(value);
    return /^\d{6,9}$/.test(value);
  },
} satisfies Record<string, Setter>;

/** The parts of a connection string, by their names in small letters. */
const parts: Readonly<Record<string, Setter>> = {
  endpoint(value, draft) {
    const host = /^(?:sb|amqps?|https?):\/\/([^/?#\s@]+)\/?$/.exec(value)?.[1];
    draft.host = host ?? "";
    return host !== undefined && URL.canParse(`https://${host}`);
  },
  sharedaccesskeyname(value, draft) {
    draft.sharedAccessKey = { key: draft.sharedAccessKey?.key ?? "", name: value };
    return value !== "";
  },
  sharedaccesskey(value, draft) {
    draft.sharedAccessKey = { name: draft.sharedAccessKey?.name ?? "", key: value };
    return value !== "";
  },
  sharedaccesssignature(value, draft) {
    draft.sharedAccessSignature = value;
    return /^SharedAccessSignature .*sig=/.test(value);
  },
  entitypath(value, draft) {
    draft.entityPath = value;
    return value !== "";
  },
  usedevelopmentemulator: parameters.emulator,
  // Old strings tell it; AMQP is what is spoken.
  transporttype: (value) => /^amqp$/i.test(value),
  managementendpoint: parameters.management,
  createqueues: parameters.create,
  lock: parameters.lock,
  dedupwindow: parameters.dedup,
  timeout: parameters.timeout,
  maxmessagebytes: parameters.maxMessageBytes,
};

const partNames =
  "Endpoint, SharedAccessKeyName, SharedAccessKey, SharedAccessSignature, EntityPath, UseDevelopmentEmulator, TransportType, ManagementEndpoint, CreateQueues, Lock, DedupWindow, Timeout and MaxMessageBytes";

/**
 * Opens the namespace that a URL names: `servicebus://NAME` or `servicebus://NAME.servicebus.windows.net` with Entra ID,
 * `servicebus://KEYNAME:KEY@NAME` with a key, or the connection string as Azure shows it. Throws `URL_INVALID`.
 */
export async function openAzureServiceBus(
  url: string,
  context: { readonly clock: Clock; readonly logger: Logger; readonly create?: boolean },
): Promise<Driver> {
  const { create = true, clock, logger } = context;
  const options = toOptions(url);
  return azureServiceBusDriver({ ...options, ...(create ? {} : { create }), clock, logger });
}

/** What a URL or connection string says. Throws `URL_INVALID` that names the part, and hides keys. */
export function toOptions(url: string): AzureServiceBusOptions {
  return url.startsWith("servicebus:") ? fromUrl(url) : fromConnectionString(url);
}

function fromConnectionString(text: string): AzureServiceBusOptions {
  const draft: Draft = {};
  const said: string[] = [];
  for (const [index, part] of text.split(";").entries()) {
    if (part.trim() === "") continue;
    const name = takePart(part.trim(), draft, (what) => malformed(text, what(`part ${index + 1}`)));
    if (said.includes(name.toLowerCase())) throw malformed(text, `${name} is there twice`);
    said.push(name.toLowerCase());
  }
  return complete(draft, text);
}

/** Takes `Name=Value` into the draft and returns the name. `refuse` makes an error from what to call the part. */
function takePart(
  part: string,
  draft: Draft,
  refuse: (what: (place: string) => string) => SluiceError,
): string {
  const at = part.indexOf("=");
  const name = part.slice(0, Math.max(at, 0)).trim();
  if (name === "") throw refuse((place) => `${place} is not of the form Name=Value`);
  const lower = name.toLowerCase();
  const set = Object.hasOwn(parts, lower) ? parts[lower] : undefined;
  // What is no name may be a key that lost its own.
  const isName = /^[A-Za-z]{1,40}$/.test(name);
  if (set === undefined)
    throw refuse((place) => `${isName ? name : place} is none of ${partNames}`);
  if (!set(part.slice(at + 1).trim(), draft)) throw refuse(() => `${name} has no proper value`);
  return name;
}

function complete(draft: Draft, text: string): AzureServiceBusOptions {
  const { host, sharedAccessKey: shared, sharedAccessSignature: signature, ...others } = draft;
  if (host === undefined) throw malformed(text, "Endpoint=sb://… is missing");
  if (shared?.name === "") throw malformed(text, "SharedAccessKeyName is missing");
  if (shared?.key === "") throw malformed(text, "SharedAccessKey is missing");
  if (shared && signature)
    throw malformed(text, "SharedAccessKey and SharedAccessSignature exclude each other");
  return {
    host,
    ...(shared && { sharedAccessKey: shared }),
    ...(signature && { sharedAccessSignature: signature }),
    ...others,
  };
}

function fromUrl(url: string): AzureServiceBusOptions {
  if (!/^servicebus:\/\/[^/?#]/.test(url) || !URL.canParse(url))
    throw invalid(
      url,
      "a namespace, and characters such as / + = @ in a key as %2F %2B %3D %40",
      "Write servicebus://NAMESPACE, or put the connection string in its place",
    );
  const parsed = new URL(url);
  const draft: Draft = { host: hostOf(parsed), ...policyOf(parsed, url) };
  for (const [name, value] of parsed.searchParams) {
    const setters: Readonly<Record<string, Setter>> = parameters;
    const set = Object.hasOwn(setters, name) ? setters[name] : undefined;
    const known = Object.keys(parameters).join(", ");
    if (set === undefined) throw invalid(url, `no parameter but ${known}`, `Remove ${name}`);
    if (!set(value, draft)) throw invalid(url, `a proper ${name}`, `Correct ${name}`);
  }
  const entityPath = decode(parsed.pathname.replace(/^\/|\/$/g, ""), url);
  if (entityPath !== "") draft.entityPath = entityPath;
  return { ...draft, host: draft.host ?? "" };
}

function policyOf(parsed: URL, url: string): Pick<Draft, "sharedAccessKey"> {
  const [name, key] = [decode(parsed.username, url), decode(parsed.password, url)];
  if (name === "" && key === "") return {};
  if (name === "" || key === "")
    throw invalid(url, "both the name and the key of a policy", "Write KEYNAME:KEY@NAMESPACE");
  return { sharedAccessKey: { name, key } };
}

/** A name without a dot is that of a namespace in Azure's public cloud. */
function hostOf({ hostname, port }: URL): string {
  const isName = !hostname.includes(".") && hostname !== "localhost" && !hostname.startsWith("[");
  const host = isName ? `${hostname}.servicebus.windows.net` : hostname;
  return port === "" ? host : `${host}:${port}`;
}

function setFlag(name: "emulator" | "create", value: string, draft: Draft): boolean {
  draft[name] = value.toLowerCase() === "true";
  return /^(true|false)$/i.test(value);
}

function isDuration(value: string): boolean {
  try {
    return toMs(value, "duration") > 0;
  } catch {
    return false;
  }
}

function decode(text: string, url: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(url, "two hexadecimal digits after each %", "Write %25 for a plain %");
  }
}

function malformed(text: string, what: string): SluiceError {
  return new SluiceError(
    "URL_INVALID",
    `the Service Bus connection string is malformed: ${what}; got ${shown(text)}. Copy it from the shared access policy in the portal, or from: az servicebus namespace authorization-rule keys list.`,
  );
}

function invalid(url: string, expected: string, fix: string): SluiceError {
  return new SluiceError(
    "URL_INVALID",
    `a servicebus URL has ${expected}; got ${shown(url)}. ${fix}.`,
  );
}

/** A key that was not encoded, or whose part is misspelt, may stand anywhere: nothing long is shown. */
function shown(text: string): string {
  return redactUrl(text.replace(/\/\/[^;]*@/s, "//***@")).replaceAll(
    /[A-Za-z0-9+/%]{30,}=*/g,
    "***",
  );
}
