import { flag, integer, list, type MetadataKey, text, type ValuesOf } from "../metadata-key.ts";
import { parseFlag } from "../metadata-values.ts";
import type { RedisPlace, Topology } from "./client.ts";

type Text = MetadataKey<string | null>;
type Texts = MetadataKey<readonly string[] | null>;

/** What all redis triggers say about their connection. */
export const connectionKeys: {
  readonly address: Texts;
  readonly host: Texts;
  readonly port: Texts;
  readonly username: Text;
  readonly password: Text;
  readonly sentinelMaster: Text;
  readonly sentinelUsername: Text;
  readonly sentinelPassword: Text;
  readonly databaseIndex: MetadataKey<number>;
  readonly enableTLS: Text;
  readonly tls: Text;
  readonly unsafeSsl: MetadataKey<boolean>;
  readonly ca: Text;
  readonly cert: Text;
  readonly key: Text;
  readonly keyPassword: Text;
} = {
  address: list({
    from: "MAE",
    aliases: ["addresses"],
    says: "`host:port`, several between commas",
  }),
  host: list({ from: "MEA", aliases: ["hosts"], says: "Instead of `address`, with as many ports" }),
  port: list({ from: "MEA", aliases: ["ports"], says: "" }),
  username: text({ from: "MEA", says: "" }),
  password: text({ from: "MEA", says: "" }),
  sentinelMaster: text({ from: "MAE", says: "Sentinel only: the name of the primary" }),
  sentinelUsername: text({ from: "MAE", says: "Sentinel only" }),
  sentinelPassword: text({ from: "MAE", says: "Sentinel only" }),
  databaseIndex: integer({ from: "M", fallback: "0", says: "Not in a cluster" }),
  enableTLS: text({ from: "M", says: "`true` or `false`; not together with `tls`" }),
  tls: text({ from: "A", says: "`enable` or `disable`; not together with `enableTLS`" }),
  unsafeSsl: flag({ from: "M", fallback: "false", says: "Certificates are not checked" }),
  ca: text({ from: "A", says: "PEM" }),
  cert: text({ from: "A", aliases: ["Cert"], says: "PEM" }),
  key: text({ from: "A", says: "PEM" }),
  keyPassword: text({ from: "A", says: "" }),
};

/** Their values. */
export type ConnectionValues = ValuesOf<typeof connectionKeys>;

/** What is wrong with them together. */
export function problemsOfConnection(
  values: ConnectionValues,
  topology: Topology,
): readonly string[] {
  const { host, port, enableTLS, tls, sentinelMaster } = values;
  const problems: string[] = [];
  if (host && port && host.length !== port.length)
    problems.push(
      `host has ${host.length} and port ${port.length}; give as many of one as of the other`,
    );
  if (!addressesOf(values)[0])
    problems.push("address is required, such as redis:6379, or host and port");
  if (enableTLS !== null && tls !== null)
    problems.push("enableTLS of the metadata and tls of the authentication exclude each other");
  if (enableTLS !== null && !isFlag(enableTLS)) problems.push("enableTLS must be true or false");
  if (tls !== null && tls !== "enable" && tls !== "disable")
    problems.push("tls must be enable or disable");
  if (topology === "sentinel" && sentinelMaster === null)
    problems.push(
      "sentinelMaster is required: the name under which the sentinels know the primary",
    );
  return problems;
}

/** Where the servers are. */
export function placeOf(values: ConnectionValues, topology: Topology): RedisPlace {
  const { username, password, enableTLS, tls, ca, cert, key, keyPassword, unsafeSsl } = values;
  const { sentinelMaster, sentinelUsername, sentinelPassword, databaseIndex } = values;
  const hasTls = tls === "enable" || (enableTLS !== null && parseFlag(enableTLS));
  return {
    topology,
    addresses: addressesOf(values),
    database: topology === "cluster" ? 0 : databaseIndex,
    ...{ username, password, sentinelMaster, sentinelUsername, sentinelPassword },
    tls: hasTls ? { ca, cert, key, keyPassword, unsafeSsl } : null,
  };
}

function addressesOf({ address, host, port }: ConnectionValues): readonly string[] {
  const pairs = host && port ? host.map((name, index) => `${name}:${port[index] ?? ""}`) : [];
  return [...(address ?? []), ...pairs];
}

function isFlag(text: string): boolean {
  try {
    parseFlag(text);
    return true;
  } catch {
    return false;
  }
}
