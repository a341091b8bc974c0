import { Command } from "commander";
import {
  checkQueueName,
  formatMs,
  type QueueDepth,
  redactUrl,
  type Sluice,
  silentLogger,
  sleep,
  systemClock,
} from "../../core/index.ts";
import { openQueues } from "../open-queues.ts";
import { jsonOption, urlOption } from "../options.ts";
import { colors, isTerminal, print, printJson } from "../terminal.ts";

interface StatusOptions {
  readonly url: string;
  readonly json?: true;
  readonly watch?: true;
}

const examples = `
Examples:
  $ sluice status                 all queues
  $ sluice status resize mail     these two
  $ sluice status --watch         once a second, until Ctrl-C
  $ sluice status --json          one JSON object: {"queues":[{"queue":"resize","ready":3,…}]}`;

/** `sluice status`: what waits, runs and is dead. */
export function statusCommand(): Command {
  return new Command("status")
    .description("show the queues: ready, in flight, delayed, dead, oldest age, rates")
    .argument("[queues...]", "only these")
    .addOption(urlOption())
    .addOption(jsonOption("print JSON; with --watch one line per second"))
    .option("--watch", "repeat once a second")
    .addHelpText("after", examples)
    .action(status);
}

async function status(names: readonly string[], options: StatusOptions): Promise<void> {
  for (const name of names) checkQueueName(name);
  const sluice = await openQueues(options.url, silentLogger, { create: false });
  try {
    if (options.watch) await watch(sluice, names, options);
    else show(await read(sluice, names), options);
  } finally {
    await sluice.close();
  }
}

/** One row of the table. */
interface QueueStatus extends QueueDepth {
  readonly queue: string;
}

async function read(sluice: Sluice, names: readonly string[]): Promise<readonly QueueStatus[]> {
  const queues = names.length > 0 ? names : await sluice.queues();
  return Promise.all(queues.map(async (queue) => ({ queue, ...(await sluice.depth(queue)) })));
}

function show(rows: readonly QueueStatus[], options: StatusOptions): void {
  if (options.json) printJson({ url: redactUrl(options.url), queues: rows });
  else print(table(rows, options.url));
}

async function watch(
  sluice: Sluice,
  names: readonly string[],
  options: StatusOptions,
): Promise<void> {
  const isLive = isTerminal(process.stdout) && !options.json;
  const live = isLive ? (await import("log-update")).default : null;
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  while (!stop.signal.aborted) {
    const rows = await read(sluice, names);
    if (live) live(table(rows, options.url));
    else show(rows, options);
    await sleep(systemClock, 1000, stop.signal).catch(() => undefined); // aborted means stop, which the loop sees
  }
  live?.done();
}

const countNames = ["ready", "in flight", "delayed", "dead"];
const rateNames = ["publish/s", "settle/s"];

function table(rows: readonly QueueStatus[], url: string): string {
  const c = colors(process.stdout);
  if (rows.length === 0)
    return `No queues in ${redactUrl(url)} yet. Publish a job: sluice publish resize --data '{"id":7}'`;
  const width = Math.max(5, ...rows.map((row) => row.queue.length));
  const hasRates = rows.some((row) => row.rates !== undefined);
  const names = [...countNames, "oldest", ...(hasRates ? rateNames : [])];
  const header = ["queue".padEnd(width), ...names.map((name) => name.padStart(10))];
  const lines = rows.map((row) => {
    const dead = figure(row.dead);
    const counts = [
      figure(row.ready),
      figure(row.inFlight),
      figure(row.delayed),
      row.dead ? c.red(dead) : dead,
    ];
    const rates = hasRates ? [rate(row.rates?.publish), rate(row.rates?.settle)] : [];
    return [row.queue.padEnd(width), ...counts, age(row), ...rates].join("");
  });
  return [c.dim(header.join("")), ...lines].join("\n");
}

/** A figure that the broker does not say is a question mark, never a zero. */
function figure(count: number | null): string {
  return (count === null ? "?" : String(count)).padStart(10);
}

/** Per second, as `figure`: large ones without decimals, so that the columns stay apart. */
function rate(perSecond: number | null = null): string {
  return (perSecond === null ? "?" : perSecond.toFixed(perSecond < 1000 ? 1 : 0)).padStart(10);
}

function age(row: QueueStatus): string {
  if (row.oldestAgeMs === null) return "?".padStart(10);
  return (row.ready === 0 ? "-" : formatMs(row.oldestAgeMs)).padStart(10);
}
