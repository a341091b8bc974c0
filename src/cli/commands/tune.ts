import { Command, Option } from "commander";
import { formatMs, type ObjectiveMode, SluiceError, toMs } from "../../core/index.ts";
import {
  type Attribution,
  attribute,
  type ComparisonOptions,
  comparePolicies,
  type ObjectivePolicyOptions,
  objectivePolicy,
  objectiveWith,
  type Policy,
  type Score,
  scaledObjectPolicy,
  sliceLoad,
  type TunedSetting,
  type TuneResult,
  type TuneSubject,
  toHtml,
  tune,
  tunedFields,
  withValues,
} from "../../simulator/index.ts";
import { readSpecs, type ScaledObject } from "../../specs/index.ts";
import { jsonOption, wholeNumber } from "../options.ts";
import {
  addSimulationOptions,
  brokerOf,
  describeSetup,
  loadOf,
  type SimulationOptions,
  workersOf,
} from "../simulation-options.ts";
import { colors, print, printJson, say } from "../terminal.ts";
import { scaleYaml, tunedYaml } from "../tuned-yaml.ts";
import { version } from "../version.ts";
import { writeResult } from "../write-result.ts";

interface TuneCommandOptions extends SimulationOptions {
  readonly file?: string;
  readonly name?: string;
  readonly objective?: ObjectiveMode;
  readonly max: number;
  readonly candidates: number;
  readonly folds: number;
  readonly threads?: number;
  readonly json?: true;
  readonly report?: string;
}

const examples = `
The load is cut into folds of equal time. Settings are chosen on all but the last, and judged on the last.

Examples:
  $ sluice tune -f scaledobject.yaml --load trace.csv --max-wait 30s
  $ sluice tune -f scaledobject.yaml --load mmpp --candidates 1000 > tuned.yaml      the YAML alone
  $ sluice tune --objective cost --load mmpp --max-wait 30s`;

/** `sluice tune`: the parameters of a ScaledObject that keep an objective at the least cost. */
export function tuneCommand(): Command {
  const command = new Command("tune")
    .description(
      "search the parameters of a ScaledObject that keep the objective at the least cost",
    )
    .addOption(new Option("-f, --file <path>", "the ScaledObject to tune").conflicts("objective"))
    .option("--name <name>", "which, where the file has several")
    .addOption(
      new Option("--objective <mode>", "instead: the margins of the wait objective").choices([
        ...["cost", "balanced", "latency"],
      ]),
    )
    .option("--max <n>", "the most workers of --objective", wholeNumber(1), 100)
    .option("--candidates <n>", "settings to try", wholeNumber(2), 300)
    .option("--folds <n>", "parts of the load; the last is held out", wholeNumber(1), 4)
    .option("--threads <n>", "threads to use (default: one for each processor)", wholeNumber(1));
  return addSimulationOptions(command)
    .addOption(jsonOption("print one JSON object with every setting that was judged"))
    .option("--report <path>", "write a page that compares before and after on the held-out fold")
    .addHelpText("after", examples)
    .action(runTune);
}

async function runTune(options: TuneCommandOptions): Promise<void> {
  const opened = await loadOf(options);
  const { load } = opened;
  const workers = workersOf(options, opened);
  const tuned = await tunedOf(options, workers.concurrency ?? 1);
  const { subject } = tuned;
  const maxWaitMs = toMs(options.maxWait);
  const run = { load, maxWaitMs, seed: options.seed, workers, broker: brokerOf(options) };
  const share = options.percentile / 100;
  const { candidates, folds, threads } = options;
  const startedAt = Date.now();
  const result = await tune({
    ...{ ...run, subject, share, candidates, folds },
    ...(threads === undefined ? {} : { threads }),
  });
  const tookMs = Date.now() - startedAt;
  const causes = attribute({ ...run, subject });
  const yaml = await tuned.yamlOf(result.best.values);
  if (options.json) printJson({ ...result, attribution: causes, yaml });
  else show({ result, causes, yaml, tookMs, share });
  if (options.report === undefined) return;
  const fold = sliceLoad(load, result.heldOutFromUs ?? 0, load.spanUs + 1);
  const policies = tuned.policiesOf(result.best.values);
  await writeReport(options, { ...run, load: fold, policies, share });
}

/** What is tuned, and how its outcome is written and shown. */
interface Tuned {
  readonly subject: TuneSubject;
  yamlOf(values: readonly number[]): Promise<string>;
  policiesOf(values: readonly number[]): readonly Policy[];
}

async function tunedOf(options: TuneCommandOptions, concurrency: number): Promise<Tuned> {
  const { objective, file, max } = options;
  if (objective !== undefined) {
    const maxWait = options.maxWait;
    return tunedObjective({
      objective: {
        maxWait,
        mode: objective,
        lateShare: lateShareOf(options.percentile),
      },
      scale: { maxReplicaCount: max, pollingInterval: 5 },
      concurrency,
    });
  }
  if (file !== undefined) return tunedScaledObject(await objectOf(file, options.name));
  throw new SluiceError(
    "OPTION_INVALID",
    "say what to tune: --file scaledobject.yaml, or --objective cost.",
  );
}

/** As the objective takes it: above 0, without the noise of binary fractions. */
function lateShareOf(percentile: number): number {
  return Math.max(0.0001, Math.round((100 - percentile) * 1e4) / 1e6);
}

function tunedScaledObject(object: ScaledObject): Tuned {
  const { spec, controls, metadata } = object;
  return {
    subject: { kind: "scaled-object", object: { spec, controls, metadata } },
    yamlOf: (values) => tunedYaml(object, tunedFields(object, values)),
    policiesOf: (values) => [
      scaledObjectPolicy(object, { name: "as it is" }),
      scaledObjectPolicy(withValues(object, values), { name: "tuned" }),
    ],
  };
}

function tunedObjective(options: ObjectivePolicyOptions): Tuned {
  return {
    subject: { kind: "objective", options },
    yamlOf: async (values) => {
      const { objective, scale } = objectiveWith(options, values);
      return scaleYaml({ ...scale, objective });
    },
    policiesOf: (values) => [
      objectivePolicy({ ...options, name: "as it is" }),
      objectivePolicy({ ...objectiveWith(options, values), name: "tuned" }),
    ],
  };
}

async function objectOf(file: string, name: string | undefined): Promise<ScaledObject> {
  const { scaledObjects, warnings } = await readSpecs([file]);
  for (const { source, message } of warnings)
    say(`warning ${source.file}:${source.line}: ${message}`);
  const found = scaledObjects.filter(
    ({ metadata }) => name === undefined || metadata.name === name,
  );
  const [object] = found;
  if (object !== undefined && found.length === 1) return object;
  const names = scaledObjects.map(({ metadata }) => metadata.name).join(", ") || "none";
  throw new SluiceError(
    "OPTION_INVALID",
    `${file} must have one ScaledObject to tune, or --name must say which; there are: ${names}.`,
  );
}

interface Shown {
  readonly result: TuneResult;
  readonly causes: readonly Attribution[];
  readonly yaml: string;
  readonly tookMs: number;
  readonly share: number;
}

/** Standard output is the YAML alone, so that it can be piped into a file. */
function show({ result, causes, yaml, tookMs, share }: Shown): void {
  const c = colors(process.stderr);
  const threads = result.threads === 1 ? "one thread" : `${result.threads} threads`;
  say(`${result.tried} settings tried in ${formatMs(tookMs)} on ${threads}.\n`);
  say(settingsTable(result));
  say(`\n${c.bold("Where it comes from")}, as it is:`);
  say(causesTable(causes));
  say(`\n${verdict(result, share)}\n`);
  print(yaml);
}

/** Headings of the parameters that have a long name. */
const shortNames: Readonly<Record<string, string>> = {
  pollingInterval: "poll",
  cooldownPeriod: "cool",
  minReplicaCount: "min",
  "scaleDown.stabilizationWindowSeconds": "down s",
  "scaleUp.policies: Percent in 15 s": "up %",
  "scaleUp.policies: Pods in 15 s": "up pods",
  "scaleDown.policies: Percent in 60 s": "down %",
};

function settingsTable({ current, best, pareto, parameters }: TuneResult): string {
  const c = colors(process.stderr);
  const header = [
    ...["", "late %", "worker-s", "kills", "held out: late %", "worker-s", "kills"],
    ...parameters.map(({ name }) => shortNames[name] ?? name),
  ];
  const row = (name: string, { training, heldOut, values }: TunedSetting): readonly string[] => [
    name,
    ...scoreCells(training),
    ...(heldOut === null ? ["-", "-", "-"] : scoreCells(heldOut)),
    ...parameters.map((parameter, place) => String(values[place] ?? parameter.current)),
  ];
  const rows = [
    header,
    row("as it is", current),
    row("tuned", best),
    ...pareto.map((setting, place) => row(`pareto ${place + 1}`, setting)),
  ];
  const widths = header.map((_, place) =>
    Math.max(...rows.map((cells) => cells[place]?.length ?? 0)),
  );
  const lines = rows.map((cells) =>
    cells
      .map((cell, place) =>
        place === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart((widths[place] ?? 0) + 2),
      )
      .join(""),
  );
  return [c.dim(lines[0] ?? ""), ...lines.slice(1)].join("\n");
}

function scoreCells({ late, jobs, workerSeconds, kills }: Score): readonly string[] {
  const percent = jobs === 0 ? 0 : (100 * late) / jobs;
  return [percent.toFixed(2), Math.round(workerSeconds).toLocaleString("en"), String(kills)];
}

function causesTable(causes: readonly Attribution[]): string {
  const lines = causes.map(({ cause, without, latePoints, costShare }) => {
    const late = `${latePoints.toFixed(2)} points of late jobs`.padStart(28);
    const cost = `${(100 * costShare).toFixed(1)} % of the cost`.padStart(22);
    return `${cause.padEnd(14)}${late}${cost}   (${without})`;
  });
  return lines.join("\n");
}

function verdict({ best, current, heldOutFromUs }: TuneResult, share: number): string {
  if (best.training.excess > 0)
    return "No setting that was tried keeps the objective in training; the tuned one comes nearest. What is late, and why, stands above.";
  const judged = best.heldOut ?? best.training;
  const before = current.heldOut ?? current.training;
  const kept = judged.late <= (1 - share) * judged.jobs + 1e-9;
  const where = heldOutFromUs === null ? "in training" : "on the fold that was held out";
  const times = judged.workerSeconds / Math.max(1e-9, before.workerSeconds);
  return `The tuned setting ${kept ? "keeps" : "does not keep"} the objective ${where}, at ${times.toFixed(2)} times the worker-seconds of now.`;
}

async function writeReport(
  options: TuneCommandOptions,
  compared: ComparisonOptions & { readonly share: number },
): Promise<void> {
  const { workers = {}, share } = compared;
  const comparison = await comparePolicies(compared);
  const setup = describeSetup(options, workers);
  const concurrency = workers.concurrency ?? 1;
  const html = toHtml({ comparison, share, concurrency, setup, version: version() });
  await writeResult(options.report ?? "", html, "--report");
}
