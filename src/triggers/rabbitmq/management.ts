/** RabbitMQ's management API (https://www.rabbitmq.com/docs/http-api-reference), as far as queues are counted. */
import { wrongAnswer } from "../failure.ts";
import { type HttpClient, parseJson, shownUrl } from "../http/client.ts";
import { queryEscape } from "../http/url.ts";
import { combineQueues, type QueueFigures } from "./queue-figures.ts";

/** Which queues are counted, and how. */
export interface QueueQuestion {
  readonly host: string;
  readonly queueName: string;
  readonly vhostName: string | null;
  readonly credentials: { readonly username: string; readonly password: string } | null;
  readonly useRegex: boolean;
  readonly pageSize: number;
  readonly operation: "sum" | "avg" | "max";
  /** Messages that a consumer holds do not count. */
  readonly excludeUnacknowledged: boolean;
}

/** What is asked for: the last part of the host's path is the virtual host, the rest a prefix of the API. */
export function queuesUrl(question: QueueQuestion): string {
  const { host, queueName, vhostName, useRegex, pageSize, credentials } = question;
  const url = new URL(host);
  const parts = url.pathname.split("/");
  const last = parts.pop() ?? "";
  const prefix = parts.filter((part) => part !== "").map((part) => `/${part}`);
  const vhost = vhostName === null ? last || "%2F" : encodeURIComponent(vhostName);
  const path = `${prefix.join("")}/api/queues/${vhost}`;
  if (credentials !== null) {
    url.username = encodeURIComponent(credentials.username);
    url.password = encodeURIComponent(credentials.password);
  }
  url.pathname = useRegex ? path : `${path}/${encodeURIComponent(queueName)}`;
  url.search = useRegex
    ? `?page=1&use_regex=true&pagination=false&name=${queryEscape(queueName)}&page_size=${pageSize}`
    : "";
  return url.href;
}

/** The figures of a queue, or of all that match. */
export async function readQueues(
  http: HttpClient,
  question: QueueQuestion,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<QueueFigures> {
  const url = queuesUrl(question);
  const answer = parseJson(await http.text({ url, headers }, signal, 200), url);
  if (!question.useRegex) return figuresOf(answer, question, url);
  const { items, page_count: pages } = asRecord(answer, url);
  if (Number(pages) > 1)
    throw wrongAnswer(
      `more than ${question.pageSize} queues match ${JSON.stringify(question.queueName)}; raise pageSize`,
    );
  if (!Array.isArray(items)) throw wrongAnswer(`the answer of ${shownUrl(url)} has no items`);
  return combineQueues(
    question.operation,
    items.map((item) => figuresOf(item, question, url)),
  );
}

/** A queue that was never used has no figures yet, which KEDA reads as 0. */
function figuresOf(queue: unknown, question: QueueQuestion, url: string): QueueFigures {
  const fields = asRecord(queue, url);
  const stats = fields.message_stats === undefined ? {} : asRecord(fields.message_stats, url);
  const rate = (name: string): number =>
    stats[name] === undefined ? 0 : numberOf(asRecord(stats[name], url).rate, url);
  const counted = question.excludeUnacknowledged ? fields.messages_ready : fields.messages;
  return {
    messages: numberOf(counted, url),
    publishRate: rate("publish_details"),
    deliverGetRate: rate("deliver_get_details"),
  };
}

function numberOf(value: unknown, url: string): number {
  if (value === undefined) return 0;
  if (typeof value === "number") return value;
  throw wrongAnswer(`the answer of ${shownUrl(url)} has no number where one is expected`);
}

function asRecord(value: unknown, url: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw wrongAnswer(`the answer of ${shownUrl(url)} is not what RabbitMQ's management API sends`);
}
