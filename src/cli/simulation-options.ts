import { type Command, InvalidArgumentError, Option } from "commander";
import { formatMs, isSluiceError, toMs } from "../core/index.ts";
import {
  type BrokerModel,
  type CsvLoadOptions,
  type Distribution,
  describeDistribution,
  type OpenedLoad,
  openLoad,
  parseDistribution,
  type WorkerModel,
  workloads,
} from "../simulator/index.ts";
import { duration, wholeNumber } from "./options.ts";

/** What `simulate` and `tune` both take: a load, an objective, workers and a broker. */
export interface SimulationOptions {
  readonly load: string;
  readonly maxWait: string;
  readonly percentile: number;
  readonly seed: number;
  readonly startup?: Distribution;
  readonly concurrency?: number;
  readonly grace: string;
  readonly dispatch: "lifo" | "random" | "roundrobin";
  readonly initial: number;
  readonly workerJobs?: number;
  readonly workerIdle?: string;
  readonly nodeSlots?: number;
  readonly nodeBoot: Distribution;
  readonly metricInterval: string;
  readonly metricLag: string;
  readonly errorRate: number;
  readonly visibilityTimeout: string;
  readonly delayed: string;
  readonly push?: true;
  readonly service?: Distribution;
  readonly timeColumn?: string;
  readonly durationColumn?: string;
  readonly durationUnit: string;
  readonly countColumn?: string;
  readonly scale: number;
  readonly gaps: "error" | "zero";
  readonly from?: string;
  readonly until?: string;
}

/** Adds the options that both commands share. */
export function addSimulationOptions(command: Command): Command {
  addLoadOptions(command);
  addWorkerOptions(command);
  return addBrokerOptions(command);
}

function addLoadOptions(command: Command): Command {
  const names = workloads.map(({ name }) => name).join(", ");
  return command
    .requiredOption("--load <load>", `a file of arrivals or counts, a recording, or ${names}`)
    .option("--max-wait <duration>", "the objective: no job waits longer", duration, "30s")
    .option("--percentile <n>", "the share of jobs that must keep it", percentile, 95)
    .option("--seed <n>", "of everything random", wholeNumber(0), 1)
    .option("--service <distribution>", "how long jobs take, where the file does not say", service)
    .option("--time-column <name>", "the column of arrivals or bins")
    .option("--duration-column <name>", "the column of durations")
    .option("--duration-unit <duration>", "what 1 in that column stands for", duration, "1s")
    .option("--count-column <name>", "the column of counts per bin")
    .option("--scale <factor>", "multiplies counts", positive, 1)
    .addOption(
      new Option("--gaps <meaning>", "what a missing bin of counts is")
        .choices(["error", "zero"])
        .default("error"),
    )
    .option("--from <duration>", "leave out what arrives before", duration)
    .option("--until <duration>", "leave out what arrives from then on", duration);
}

function addWorkerOptions(command: Command): Command {
  return command
    .option("--startup <distribution>", "from request to ready (default: 10s)", startup)
    .option("--concurrency <n>", "jobs that a worker runs at a time (default: 1)", wholeNumber(1))
    .option("--grace <duration>", "how long a leaving worker may finish", duration, "30s")
    .addOption(
      new Option("--dispatch <order>", "which free worker takes the next job")
        .choices(["lifo", "random", "roundrobin"])
        .default("lifo"),
    )
    .option("--initial <n>", "workers that are there at the beginning", wholeNumber(0), 0)
    .option("--worker-jobs <n>", "a worker leaves after as many jobs", wholeNumber(1))
    .option("--worker-idle <duration>", "a worker leaves when idle for this long", duration)
    .option("--node-slots <n>", "workers that fit on a node; nodes boot as needed", wholeNumber(1))
    .addOption(
      new Option("--node-boot <distribution>", "how long a node takes to boot")
        .argParser(nodeBoot)
        .default({ kind: "constant", ms: 60_000 }, "1m"),
    );
}

function addBrokerOptions(command: Command): Command {
  return command
    .option("--metric-interval <duration>", "how often the broker's figures change", duration, "0s")
    .option("--metric-lag <duration>", "how old a figure is before it shows", duration, "0s")
    .option("--error-rate <share>", "the share of readings that fail", share, 0)
    .option("--visibility-timeout <duration>", "until a lost job comes again", duration, "30s")
    .option(
      "--delayed <duration>",
      "jobs are published this long before they are due",
      duration,
      "0s",
    )
    .option("--push", "the broker tells of each message");
}

const startup = (text: string): Distribution => distribution(text, "--startup");
const service = (text: string): Distribution => distribution(text, "--service");
const nodeBoot = (text: string): Distribution => distribution(text, "--node-boot");

function distribution(text: string, name: string): Distribution {
  try {
    return parseDistribution(text, name);
  } catch (error) {
    if (isSluiceError(error)) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("Expected a number above 0.");
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("Expected a number from 0 to 1.");
}

function percentile(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value <= 100) return value;
  throw new InvalidArgumentError("Expected a number above 0 and up to 100.");
}

/** The load that the options name. */
export function loadOf(options: SimulationOptions): Promise<OpenedLoad> {
  const columns: CsvLoadOptions = {
    seed: options.seed,
    scale: options.scale,
    gaps: options.gaps,
    durationUnitMs: toMs(options.durationUnit),
    ...given("service", options.service),
    ...given("timeColumn", options.timeColumn),
    ...given("durationColumn", options.durationColumn),
    ...given("countColumn", options.countColumn),
    ...given("fromMs", options.from === undefined ? undefined : toMs(options.from)),
    ...given("untilMs", options.until === undefined ? undefined : toMs(options.until)),
  };
  return openLoad(options.load, columns);
}

/** The workers that the options describe; a recording says how they were where the options do not. */
export function workersOf(options: SimulationOptions, { recording }: OpenedLoad): WorkerModel {
  const { workerJobs, workerIdle, nodeSlots } = options;
  const lifetime = {
    ...given("jobs", workerJobs),
    ...given("idleMs", workerIdle === undefined ? undefined : toMs(workerIdle)),
  };
  return {
    concurrency: options.concurrency ?? recording?.header.concurrency ?? 1,
    startup: options.startup ?? recording?.startup ?? { kind: "constant", ms: 10_000 },
    graceMs: toMs(options.grace),
    dispatch: options.dispatch,
    initialReplicas: options.initial,
    ...(Object.keys(lifetime).length > 0 ? { lifetime } : {}),
    ...(nodeSlots === undefined
      ? {}
      : { nodes: { slotsPerNode: nodeSlots, boot: options.nodeBoot, keepMs: 600_000 } }),
  };
}

/** The broker that the options describe. */
export function brokerOf(options: SimulationOptions): BrokerModel {
  return {
    metricIntervalMs: toMs(options.metricInterval),
    metricLagMs: toMs(options.metricLag),
    errorRate: options.errorRate,
    visibilityTimeoutMs: toMs(options.visibilityTimeout),
    delayMs: toMs(options.delayed),
    pushes: options.push === true,
  };
}

/** Workers and broker in a few words. */
export function describeSetup(options: SimulationOptions, workers: WorkerModel): readonly string[] {
  const { concurrency = 1, startup, dispatch = "lifo", graceMs = 0 } = workers;
  const starts =
    startup === undefined ? "" : `, ready ${describeDistribution(startup)} after the request`;
  const jobs = concurrency === 1 ? "one job at a time" : `${concurrency} jobs at a time`;
  const [interval, lag] = [toMs(options.metricInterval), toMs(options.metricLag)];
  const stale = `Figures of the broker every ${formatMs(interval)}, ${formatMs(lag)} old`;
  return [
    `Workers: ${jobs}${starts}, ${dispatch}, ${formatMs(graceMs)} of grace`,
    ...(interval + lag > 0 ? [stale] : []),
  ];
}

function given<K extends string, T>(name: K, value: T | undefined): { readonly [key in K]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [key in K]?: T };
}
