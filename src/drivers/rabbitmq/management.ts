/** What only RabbitMQ's management API tells: messages under way, rates, and which queues there are. */
import { type QueueRates, redactUrl, SluiceError } from "../../core/index.ts";
import { rungName } from "./ladder.ts";
import { deadName } from "./topology.ts";

/** See the top of this file. */
export interface Management {
  /** As of the last few seconds; figures are `null` for a queue that it does not know (yet). */
  statistics(queue: string): Promise<QueueStatistics>;
  queues(): Promise<readonly string[]>;
}

/** What it knows of a queue. */
export interface QueueStatistics {
  /** Delivered and not settled. */
  readonly inFlight: number | null;
  /** See {@link estimateAge}. */
  readonly oldestAgeMs: number | null;
  /**
   * `message_stats.publish_details`, `deliver_get_details` and `ack_details`, their `rate`. RabbitMQ counts what passes the
   * queue itself, so the driver's copies count: a release, and a retry without a delay, is a delivery, a settlement and one
   * more publish. What comes out of the delay ladder was published elsewhere and is no publish here.
   */
  readonly rates: QueueRates;
}

/** How many messages had been published by a time. */
export interface PublishSample {
  readonly sample: number;
  readonly timestamp: number;
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
/** Columns of `message_stats`. Without the figures of each, since all histories together are ten times as long. */
const rateColumns = {
  publish: "publish_details",
  deliver: "deliver_get_details",
  settle: "ack_details",
};
const columns = [
  "messages_ready",
  "messages_unacknowledged",
  `message_stats.${rateColumns.publish}.samples`,
  ...Object.values(rateColumns).map((column) => `message_stats.${column}.rate`),
];
/** Ten minutes of history in steps of five seconds, which is how often RabbitMQ counts. */
const statistics = `columns=${columns.join(",")}&msg_rates_age=600&msg_rates_incr=5`;

/** Asks over HTTP. */
export function createManagement(options: ManagementOptions): Management {
  const vhost = encodeURIComponent(decodeURIComponent(options.vhost) || "/");
  const credentials = Buffer.from(`${options.username}:${options.password}`).toString("base64");
  const shown = redactUrl(options.url.href);

  /** `null` for what the API does not know. */
  async function ask(path: string): Promise<unknown> {
    const { status, text } = await get(path).catch((cause: unknown) => {
      const message = `the management API at ${shown} does not answer. Check ?management= and that the plugin rabbitmq_management is enabled.`;
      throw new SluiceError("STORE_UNAVAILABLE", message, { cause });
    });
    const answer = fromJson(text);
    if (status === 200 && answer !== undefined) return answer;
    if (status === 404 && fieldOf(answer, "error") === "Object Not Found") return null;
    if (status === 401 || status === 403) {
      const fix = "Give the user the tag monitoring or management, or leave out ?management=";
      const message = `the management API at ${shown} does not let this user in (${status}). ${fix}.`;
      throw new SluiceError("ACCESS_DENIED", message);
    }
    const what = answer === undefined ? `${status} without JSON` : status;
    const message = `the management API at ${shown} answered ${what}. Check that ?management= names RabbitMQ's own, or leave it out.`;
    throw new SluiceError("STORE_UNAVAILABLE", message, { retryable: status >= 500 });
  }

  async function get(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(new URL(path, options.url), {
      headers: { authorization: `Basic ${credentials}` },
      signal: AbortSignal.timeout(answerMs),
    });
    return { status: response.status, text: await response.text() };
  }

  return {
    async statistics(queue) {
      const found = await ask(`api/queues/${vhost}/${encodeURIComponent(queue)}?${statistics}`);
      const ready = numberOf(found, "messages_ready");
      const samples = samplesOf(found);
      return {
        inFlight: numberOf(found, "messages_unacknowledged"),
        oldestAgeMs: ready === null || samples.length === 0 ? null : estimateAge(ready, samples),
        rates: {
          publish: rateOf(found, rateColumns.publish),
          deliver: rateOf(found, rateColumns.deliver),
          settle: rateOf(found, rateColumns.settle),
        },
      };
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

/**
 * How long the first of `ready` messages has waited if they are the ones that were published last: since there were that
 * many. No longer than the history, and `samples` come latest first.
 */
export function estimateAge(ready: number, samples: readonly PublishSample[]): number {
  const [latest] = samples;
  if (latest === undefined || ready === 0) return 0;
  const before = samples.find(({ sample }) => latest.sample - sample >= ready) ?? samples.at(-1);
  return latest.timestamp - (before?.timestamp ?? latest.timestamp);
}

function rateOf(found: unknown, column: string): number | null {
  return numberOf(fieldOf(fieldOf(found, "message_stats"), column), "rate");
}

function samplesOf(found: unknown): readonly PublishSample[] {
  const details = fieldOf(fieldOf(found, "message_stats"), rateColumns.publish);
  const samples = fieldOf(details, "samples");
  return Array.isArray(samples) ? samples.filter(isSample) : [];
}

function isSample(value: unknown): value is PublishSample {
  return numberOf(value, "sample") !== null && numberOf(value, "timestamp") !== null;
}

/** `undefined` for what is no JSON, which is what other servers than RabbitMQ answer. */
function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldOf(found: unknown, field: string): unknown {
  return typeof found === "object" && found !== null ? Reflect.get(found, field) : undefined;
}

function numberOf(found: unknown, field: string): number | null {
  const value = fieldOf(found, field);
  return typeof value === "number" ? value : null;
}

function nameOf(entry: unknown): readonly string[] {
  if (typeof entry !== "object" || entry === null || !("name" in entry)) return [];
  return typeof entry.name === "string" ? [entry.name] : [];
}
