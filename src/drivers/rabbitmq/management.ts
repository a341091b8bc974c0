/** What only RabbitMQ's management API tells: messages under way, and which queues there are. */
import { redactUrl, SluiceError } from "../../core/index.ts";
import { rungName } from "./ladder.ts";
import { deadName } from "./topology.ts";

/** See the top of this file. */
export interface Management {
  /** Delivered and not settled, as of the last few seconds; `null` for a queue that it does not know (yet). */
  inFlight(queue: string): Promise<number | null>;
  queues(): Promise<readonly string[]>;
}

/** Where the API is, and as whom to ask. */
export interface ManagementOptions {
  /** Without credentials. */
  readonly url: URL;
  readonly username: string;
  readonly password: string;
  /** As it stands in an AMQP URL: percent-encoded, empty for the default. */
  readonly vhost: string;
}

const answerMs = 10_000;

/** Asks over HTTP. */
export function createManagement(options: ManagementOptions): Management {
  const vhost = encodeURIComponent(decodeURIComponent(options.vhost) || "/");
  const credentials = Buffer.from(`${options.username}:${options.password}`).toString("base64");
  const shown = redactUrl(options.url.href);

  async function ask(path: string): Promise<unknown> {
    const response = await fetch(new URL(path, options.url), {
      headers: { authorization: `Basic ${credentials}` },
      signal: AbortSignal.timeout(answerMs),
    }).catch((cause: unknown) => {
      const message = `the management API at ${shown} does not answer. Check ?management= and that the plugin rabbitmq_management is enabled.`;
      throw new SluiceError("STORE_UNAVAILABLE", message, { cause });
    });
    if (response.status === 404) return null;
    if (!response.ok) {
      const fix = "Give the user the tag monitoring or management, or leave out ?management=";
      const message = `the management API at ${shown} answered ${response.status}. ${fix}.`;
      throw new SluiceError("STORE_UNAVAILABLE", message, { retryable: response.status >= 500 });
    }
    return response.json();
  }

  return {
    async inFlight(queue) {
      const found = await ask(`api/queues/${vhost}/${encodeURIComponent(queue)}`);
      return numberOf(found, "messages_unacknowledged");
    },
    async queues() {
      const found = await ask(`api/queues/${vhost}?columns=name`);
      const names = new Set(Array.isArray(found) ? found.flatMap(nameOf) : []);
      const rungs = rungName(0).slice(0, -2);
      // Ours are those that have a dead-letter queue; the broker may hold queues of other programs.
      const own = [...names].filter((name) => !name.startsWith(rungs) && names.has(deadName(name)));
      return own.sort();
    },
  };
}

function numberOf(found: unknown, field: string): number | null {
  if (typeof found !== "object" || found === null) return null;
  const value: unknown = Reflect.get(found, field);
  return typeof value === "number" ? value : null;
}

function nameOf(entry: unknown): readonly string[] {
  if (typeof entry !== "object" || entry === null || !("name" in entry)) return [];
  return typeof entry.name === "string" ? [entry.name] : [];
}
