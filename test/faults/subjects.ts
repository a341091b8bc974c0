import { knownSchemes } from "../../src/drivers/registry.ts";
import { connect, type Sluice, silentLogger } from "../../src/index.ts";
import {
  type ServerName,
  startServerOf,
  type TestServer,
  whyNoOwnServer,
} from "../support/servers.ts";

/** A driver whose broker is broken. A new driver is one more entry of {@link subjects}. */
export interface FaultSubject {
  readonly name: ServerName;
  /** Of its URLs. */
  readonly scheme: string;
  /**
   * Confirmations that came this long before a SIGKILL may be lost: how far behind its confirmations the broker's
   * default durability writes to disk.
   */
  readonly mayLoseMs: number;
}

/** The drivers with a server of their own. */
export const subjects: readonly FaultSubject[] = [
  { name: "postgres", scheme: "postgres", mayLoseMs: 0 },
  // While the once-a-second fsync is under way, Redis holds writes to the append-only file back for up to 2 seconds.
  { name: "redis", scheme: "redis", mayLoseMs: 2000 },
  { name: "rabbitmq", scheme: "amqp", mayLoseMs: 0 },
];

/** The server of a subject, or why there is none. */
export type FoundServer =
  | { readonly server: TestServer; readonly reason?: undefined }
  | { readonly server?: undefined; readonly reason: string };

/** A server that may be stopped, with a driver that answers to its URL. */
export async function serverFor({ name, scheme }: FaultSubject): Promise<FoundServer> {
  if (!knownSchemes.includes(scheme)) return { reason: `there is no driver for ${scheme}: yet` };
  const missing = whyNoOwnServer(name);
  return missing === null ? { server: await startServerOf(name) } : { reason: missing };
}

/** A connection that says nothing. */
export function open(url: string): Promise<Sluice> {
  return connect(url, { logger: silentLogger });
}
