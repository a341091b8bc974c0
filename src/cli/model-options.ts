/** Options that describe the workers and the broker of a simulation. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { formatMs, isSluiceError, toMs } from "../core/index.ts";
import {
  type BrokerModel,
  type Distribution,
  describeDistribution,
  type OpenedLoad,
  parseDistribution,
  type WorkerModel,
} from "../simulator/index.ts";
import { collect, duration, given, wholeNumber } from "./options.ts";

/** See the top of this file. */
export interface ModelOptions {
  readonly startup?: Distribution;
  readonly shutdown?: Distribution;
  readonly concurrency?: number;
  readonly grace: string;
  readonly dispatch: "lifo" | "random" | "roundrobin";
  readonly victims?: "idle-first" | "replicaset";
  readonly billing: "request" | "ready";
  readonly initial: number;
  readonly workerJobs?: number;
  readonly workerIdle?: string;
  readonly downstream?: number;
  readonly nodeSlots?: number;
  readonly nodeBoot: Distribution;
  readonly nodeKeep: string;
  readonly metricInterval: string;
  readonly metricLag: string;
  readonly countsOnly?: true;
  readonly errorRate: number;
  readonly outage?: readonly string[];
  readonly visibilityTimeout: string;
  readonly maxDeliveries: number;
  readonly backoff: Backoff;
  readonly delayed: string;
  readonly push?: true;
}

type Backoff = NonNullable<BrokerModel["backoff"]>;

/** Adds those of the workers. */
export function addWorkerOptions(command: Command): Command {
  return command
    .option("--startup <distribution>", "from request to ready (default: 10s)", startup)
    .option(
      "--shutdown <distribution>",
      "from the last job of a leaving worker to its end (default: 0s)",
      shutdown,
    )
    .option("--concurrency <n>", "jobs that a worker runs at a time (default: 1)", wholeNumber(1))
    .option("--grace <duration>", "how long a leaving worker may finish", duration, "30s")
    .addOption(
      new Option("--dispatch <order>", "which free worker takes the next job")
        .choices(["lifo", "random", "roundrobin"])
        .default("lifo"),
    )
    .addOption(
      new Option(
        "--victims <order>",
        "who leaves first (default: as the policy's platform)",
      ).choices(["idle-first", "replicaset"]),
    )
    .addOption(
      new Option("--billing <from>", "a worker is paid for from its request, or from ready on")
        .choices(["request", "ready"])
        .default("request"),
    )
    .option("--initial <n>", "workers that are there at the beginning", wholeNumber(0), 0)
    .option("--worker-jobs <n>", "a worker leaves after as many jobs", wholeNumber(1))
    .option("--worker-idle <duration>", "a worker leaves when idle for this long", duration)
    .option("--downstream <n>", "jobs at a time that what they call can take", wholeNumber(1))
    .option("--node-slots <n>", "workers that fit on a node; nodes boot as needed", wholeNumber(1))
    .addOption(
      new Option("--node-boot <distribution>", "how long a node takes to boot")
        .argParser(nodeBoot)
        .default({ kind: "constant", ms: 60_000 }, "1m"),
    )
    .option("--node-keep <duration>", "an empty node leaves after this long", duration, "10m");
}

/** Adds those of the broker. */
export function addBrokerOptions(command: Command): Command {
  return command
    .option("--metric-interval <duration>", "how often the broker's figures change", duration, "0s")
    .option("--metric-lag <duration>", "how old a figure is before it shows", duration, "0s")
    .option("--counts-only", "it tells neither ages nor how many messages are in flight")
    .option("--error-rate <share>", "the share of readings that fail", share, 0)
    .addOption(
      new Option("--outage <from,duration>", "no reading succeeds then; may be repeated").argParser(
        (text: string, earlier: readonly string[] | undefined) => collect(pair(text), earlier),
      ),
    )
    .option("--visibility-timeout <duration>", "until a lost job comes again", duration, "30s")
    .option("--max-deliveries <n>", "then a job is dead", wholeNumber(1), 10)
    .addOption(
      new Option("--backoff <first,most>", "the pause after a failed attempt, doubled with each")
        .argParser(backoff)
        .default({ baseMs: 1000, capMs: 300_000 }, "1s,5m"),
    )
    .option(
      "--delayed <duration>",
      "jobs are published this long before they are due",
      duration,
      "0s",
    )
    .option("--push", "the broker tells of each message");
}

const startup = (text: string): Distribution => distribution(text, "--startup");
const shutdown = (text: string): Distribution => distribution(text, "--shutdown");
const nodeBoot = (text: string): Distribution => distribution(text, "--node-boot");

/** Reads a distribution of an option. */
export function distribution(text: string, name: string): Distribution {
  try {
    return parseDistribution(text, name);
  } catch (error) {
    if (isSluiceError(error)) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("Expected a number from 0 to 1.");
}

/** Checks two durations with a comma between them, and passes their text on. */
function pair(text: string): string {
  const parts = text.split(",");
  if (parts.length !== 2)
    throw new InvalidArgumentError("Expected two durations, such as 20m,90s.");
  for (const part of parts) duration(part);
  return text;
}

function pairMs(text: string): readonly [number, number] {
  const [first = "", second = ""] = text.split(",");
  return [toMs(first), toMs(second)];
}

function backoff(text: string): Backoff {
  const [baseMs, capMs] = pairMs(pair(text));
  if (baseMs <= capMs) return { baseMs, capMs };
  throw new InvalidArgumentError("Expected the first pause to be no longer than the last.");
}

/** The workers that the options describe; a recording says how they were where the options do not. */
export function workersOf(options: ModelOptions, { recording }: OpenedLoad): WorkerModel {
  const { workerJobs, workerIdle, nodeSlots } = options;
  const lifetime = {
    ...given("jobs", workerJobs),
    ...given("idleMs", workerIdle === undefined ? undefined : toMs(workerIdle)),
  };
  const nodes = { boot: options.nodeBoot, keepMs: toMs(options.nodeKeep) };
  return {
    concurrency: options.concurrency ?? recording?.header.concurrency ?? 1,
    startup: options.startup ?? recording?.startup ?? { kind: "constant", ms: 10_000 },
    ...given("shutdown", options.shutdown ?? recording?.shutdown ?? undefined),
    graceMs: toMs(options.grace),
    dispatch: options.dispatch,
    ...given("victims", options.victims),
    billing: options.billing,
    initialReplicas: options.initial,
    ...(Object.keys(lifetime).length > 0 ? { lifetime } : {}),
    ...given("downstreamCapacity", options.downstream),
    ...(nodeSlots === undefined ? {} : { nodes: { ...nodes, slotsPerNode: nodeSlots } }),
  };
}

/** The broker that the options describe; it tells of each message where that of a recording did. */
export function brokerOf(options: ModelOptions, { recording }: OpenedLoad): BrokerModel {
  const tells = options.countsOnly !== true;
  return {
    metricIntervalMs: toMs(options.metricInterval),
    metricLagMs: toMs(options.metricLag),
    ...{ tellsAge: tells, tellsInFlight: tells, tellsDue: tells },
    errorRate: options.errorRate,
    outages: (options.outage ?? []).map((text) => {
      const [fromMs, forMs] = pairMs(text);
      return { fromMs, toMs: fromMs + forMs };
    }),
    visibilityTimeoutMs: toMs(options.visibilityTimeout),
    maxDeliveries: options.maxDeliveries,
    backoff: options.backoff,
    delayMs: toMs(options.delayed),
    pushes: options.push === true || recording?.header.pushes === true,
  };
}

/** Workers and broker in a few words: what matters to every reader, and what is not as usual. */
export function describeSetup(options: ModelOptions, workers: WorkerModel): readonly string[] {
  return [describeWorkers(workers), ...describeBroker(options)];
}

function describeWorkers(workers: WorkerModel): string {
  const { concurrency = 1, startup, dispatch = "lifo", graceMs = 0, lifetime, nodes } = workers;
  const parts = [
    concurrency === 1 ? "one job at a time" : `${concurrency} jobs at a time`,
    startup && `ready ${describeDistribution(startup)} after the request`,
    dispatch,
    `${formatMs(graceMs)} of grace`,
    workers.shutdown && `gone ${describeDistribution(workers.shutdown)} after the last job`,
    workers.victims && `${workers.victims} leave`,
    workers.billing === "ready" && "paid for when ready",
    workers.initialReplicas && `${workers.initialReplicas} at the beginning`,
    lifetime?.jobs && `gone after ${lifetime.jobs} jobs`,
    lifetime?.idleMs !== undefined && `gone when idle for ${formatMs(lifetime.idleMs)}`,
    workers.downstreamCapacity && `what they call takes ${workers.downstreamCapacity} jobs`,
    nodes && `${nodes.slotsPerNode} on a node that boots in ${describeDistribution(nodes.boot)}`,
  ];
  return `Workers: ${parts.filter(Boolean).join(", ")}`;
}

function describeBroker(options: ModelOptions): readonly string[] {
  const [interval, lag] = [toMs(options.metricInterval), toMs(options.metricLag)];
  const parts = [
    interval + lag > 0 && `figures every ${formatMs(interval)}, ${formatMs(lag)} old`,
    options.countsOnly && "counts alone",
    options.errorRate > 0 && `${Number((100 * options.errorRate).toFixed(2))} % of readings fail`,
    options.outage && `outages at ${options.outage.join(" and ")}`,
    toMs(options.delayed) > 0 && `jobs published ${options.delayed} before they are due`,
    options.push && "tells of each message",
  ].filter(Boolean);
  return parts.length === 0 ? [] : [`Broker: ${parts.join(", ")}`];
}
