import { type Command, InvalidArgumentError, Option } from "commander";
import { toMs } from "../core/index.ts";
import {
  type CsvLoadOptions,
  type Distribution,
  type OpenedLoad,
  openLoad,
  workloads,
} from "../simulator/index.ts";
import {
  addBrokerOptions,
  addWorkerOptions,
  distribution,
  type ModelOptions,
} from "./model-options.ts";
import { duration, given, wholeNumber } from "./options.ts";

/** What `simulate` and `tune` both take: a load, an objective, workers and a broker. */
export interface SimulationOptions extends ModelOptions {
  readonly load: string;
  readonly maxWait: string;
  readonly percentile: number;
  readonly seed: number;
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

const service = (text: string): Distribution => distribution(text, "--service");

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("Expected a number above 0.");
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
