/**
 * Renders what the drivers declare about themselves into the documents that show it. Run it after a change of
 * capabilities: `npm run capabilities`. It rewrites what stands between the markers and nothing else;
 * test/docs.test.ts fails while a document differs.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type DepthCapabilities,
  type DriverCapabilities,
  type SupportName,
  supportNames,
} from "../src/core/index.ts";
import { azureServiceBusCapabilities } from "../src/drivers/azure-service-bus/index.ts";
import { memoryCapabilities } from "../src/drivers/memory/index.ts";
import { postgresCapabilities } from "../src/drivers/postgres/index.ts";
import { rabbitmqCapabilities } from "../src/drivers/rabbitmq/index.ts";
import { redisCapabilities } from "../src/drivers/redis/index.ts";
import { sqliteCapabilities } from "../src/drivers/sqlite/index.ts";

/** What to type after a change. */
export const regenerateCommand = "npm run capabilities";

const root = join(import.meta.dirname, "..");

interface ShownDriver {
  readonly name: string;
  readonly url: string;
  readonly capabilities: DriverCapabilities;
}

/** A new driver is one more entry. */
const drivers: readonly ShownDriver[] = [
  { name: "memory", url: "memory:", capabilities: memoryCapabilities },
  { name: "sqlite", url: "sqlite:jobs.db", capabilities: sqliteCapabilities },
  { name: "postgres", url: "postgres://host/db", capabilities: postgresCapabilities },
  { name: "redis", url: "redis://host", capabilities: redisCapabilities },
  { name: "rabbitmq", url: "amqp://host", capabilities: rabbitmqCapabilities },
  {
    name: "azure-service-bus",
    url: "servicebus://namespace",
    capabilities: azureServiceBusCapabilities,
  },
];

const features: Readonly<Record<SupportName, string>> = {
  delay: "A message can be published for later.",
  priority: "Urgent messages are received first.",
  deduplication: "A repeated id is stored once.",
  leaseExtension: "A job may run longer than its lease.",
  failureHistory: "Errors of earlier attempts travel with the message.",
  wakeUp: "Consumers are told of new messages instead of asking.",
  deadLetters: "Dead letters can be listed, redriven and purged.",
  browse: "Waiting messages can be looked at without taking them.",
  transactions: "A message can be published inside a transaction of your own.",
};

const figures: Readonly<Record<keyof DepthCapabilities, string>> = {
  ready: "Messages that could be received now.",
  delayed: "Messages that wait for their delay or backoff.",
  inFlight: "Messages that are leased.",
  dead: "Messages in the dead-letter queue.",
  oldestAge: "How long the longest-waiting ready message has been ready.",
  rates: "Messages published, delivered and settled per second.",
};

/** A first cell, what it means, and its value for a driver. */
type Line = readonly [name: string, meaning: string, value: (driver: ShownDriver) => string];

const keeping: readonly Line[] = [
  ["durable", "Messages survive the end of the process.", (d) => yesNo(d.capabilities.durable)],
  ["shared", "Other processes see the same queues.", (d) => yesNo(d.capabilities.shared)],
  ["ordering", "Order of messages of equal priority.", (d) => d.capabilities.ordering],
];

const supports: readonly Line[] = supportNames.map((name) => [
  name,
  features[name],
  (driver) => driver.capabilities[name],
]);

const depths: readonly Line[] = Object.entries(figures).map(([name, meaning]) => [
  name,
  meaning,
  (driver) => driver.capabilities.depth[name as keyof DepthCapabilities] ?? "unknown",
]);

const limits: readonly Line[] = [
  ["maxBodyBytes", "One body.", (d) => bytes(d.capabilities.limits.maxBodyBytes)],
  ["maxHeaderBytes", "All headers together.", (d) => bytes(d.capabilities.limits.maxHeaderBytes)],
  ["maxDelayMs", "The longest delay.", (d) => days(d.capabilities.limits.maxDelayMs)],
  [
    "maxPublishBatch",
    "Messages of one round trip; more are sent in several.",
    (d) => count(d.capabilities.limits.maxPublishBatch),
  ],
  [
    "maxPriority",
    "The highest priority; the lowest is 0.",
    (d) => count(d.capabilities.limits.maxPriority),
  ],
];

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}

function count(value: number): string {
  return Number.isFinite(value) ? value.toLocaleString("en-US") : "no limit";
}

function bytes(value: number): string {
  if (!Number.isFinite(value)) return "no limit";
  return value >= 1024 * 1024 ? `${value / 1024 / 1024} MiB` : `${value / 1024} KiB`;
}

function days(ms: number): string {
  return Number.isFinite(ms) ? `${count(ms / 86_400_000)} days` : "no limit";
}

function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  return [head, head.map(() => "---"), ...body].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function explained(lines: readonly Line[]): string {
  const names = drivers.map((driver) => driver.name);
  const body = lines.map(([name, meaning, value]) => [
    `\`${name}\``,
    meaning,
    ...drivers.map(value),
  ]);
  return table([["", "means", ...names], ...body]);
}

function readmeTable(): string {
  const named: readonly Line[] = [
    ["queue URL", "", (driver) => `\`${driver.url}\``],
    ...keeping,
    ...supports,
  ];
  const head = ["", ...drivers.map(({ name }) => `[${name}](docs/3-drivers/${name}.md)`)];
  return table([head, ...named.map(([name, , value]) => [words(name), ...drivers.map(value)])]);
}

/** `leaseExtension` → `lease extension`. */
function words(name: string): string {
  return name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function referenceTables(): string {
  const chapters: readonly (readonly [string, readonly Line[]])[] = [
    ["What it keeps", keeping],
    ["What it can do", supports],
    ["How far its counts can be trusted", depths],
    ["Limits", limits],
  ];
  return chapters.map(([title, lines]) => `## ${title}\n\n${explained(lines)}`).join("\n\n");
}

/** Documents with a generated part, by path from the root. */
const generated: Readonly<Record<string, () => string>> = {
  "README.md": readmeTable,
  "docs/6-reference/capabilities.md": referenceTables,
};

/** One document as it is and as it should be. */
export interface GeneratedDocument {
  readonly path: string;
  readonly present: string;
  readonly wanted: string;
}

/** Every document with a generated part. */
export function generatedDocuments(): readonly GeneratedDocument[] {
  return Object.entries(generated).map(([path, render]) => {
    const present = readFileSync(join(root, path), "utf8");
    return { path, present, wanted: fill(path, present, render()) };
  });
}

function fill(path: string, text: string, content: string): string {
  const parts = /^(.*<!-- capabilities:start -->\n).*(<!-- capabilities:end -->.*)$/s.exec(text);
  const [, before, after] = parts ?? [];
  if (before === undefined || after === undefined) {
    throw new Error(`${path} must hold <!-- capabilities:start --> and <!-- capabilities:end -->.`);
  }
  return `${before}\n${content}\n\n${after}`;
}

if (process.argv[1] === import.meta.filename) {
  for (const { path, present, wanted } of generatedDocuments()) {
    if (present === wanted) continue;
    writeFileSync(join(root, path), wanted);
    console.log(`wrote ${path}`);
  }
}
