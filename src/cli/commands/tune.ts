import { Command, Option } from "commander";
import { formatMs, type ObjectiveMode, toMs } from "../../core/index.ts";
import {
  type Attribution,
  attribute,
  type ComparisonOptions,
  comparePolicies,
  sliceLoad,
  type TuneResult,
  toHtml,
  tune,
} from "../../simulator/index.ts";
import { brokerOf, describeSetup, workersOf } from "../model-options.ts";
import { jsonOption, wholeNumber } from "../options.ts";
import { addSimulationOptions, loadOf, type SimulationOptions } from "../simulation-options.ts";
import { colors, print, printJson, say } from "../terminal.ts";
import { tunedOf } from "../tuned.ts";
import { causesTable, settingsTable, verdict } from "../tuning-tables.ts";
import { version } from "../version.ts";
import { writeResult } from "../write-result.ts";

interface TuneCommandOptions extends SimulationOptions {
  readonly file?: string;
  readonly name?: string;
  readonly objective?: ObjectiveMode;
  readonly max: number;
  readonly candidates: number;
  readonly folds: number;
  readonly heldOut?: number;
  readonly threads?: number;
  readonly json?: true;
  readonly report?: string;
}

const examples = `
The load is cut into folds of equal time. Settings are chosen on the first of them, and judged on those that are held out.

Examples:
  $ sluice tune -f scaledobject.yaml --load trace.csv --max-wait 30s
  $ sluice tune -f scaledjob.yaml --load mmpp --candidates 1000 > tuned.yaml      the YAML alone
  $ sluice tune --objective cost --load mmpp --max-wait 30s`;

/** `sluice tune`: the parameters of a policy that keep an objective at the least cost. */
export function tuneCommand(): Command {
  const command = new Command("tune")
    .description(
      "search the parameters of a ScaledObject or ScaledJob that keep the objective at the least cost",
    )
    .addOption(
      new Option("-f, --file <path>", "the ScaledObject or ScaledJob to tune").conflicts(
        "objective",
      ),
    )
    .option("--name <name>", "which, where the file has several")
    .addOption(
      new Option("--objective <mode>", "instead: the margins of the wait objective").choices([
        ...["cost", "balanced", "latency"],
      ]),
    )
    .option("--max <n>", "the most workers of --objective", wholeNumber(1), 100)
    .option("--candidates <n>", "settings to try", wholeNumber(2), 300)
    .option("--folds <n>", "parts of the load", wholeNumber(1), 4)
    .option(
      "--held-out <n>",
      "as many of the last are held out (default: 1, of one fold 0)",
      wholeNumber(0),
    )
    .option("--threads <n>", "threads to use (default: one for each processor)", wholeNumber(1));
  return addSimulationOptions(command)
    .addOption(jsonOption("print one JSON object with every setting that was judged"))
    .option("--report <path>", "write a page that compares before and after on the held-out folds")
    .addHelpText("after", examples)
    .action(runTune);
}

async function runTune(options: TuneCommandOptions): Promise<void> {
  const opened = await loadOf(options);
  const { load } = opened;
  const workers = workersOf(options, opened);
  const tuned = await tunedOf({ ...options, concurrency: workers.concurrency ?? 1 });
  const { subject } = tuned;
  const maxWaitMs = toMs(options.maxWait);
  const run = { load, maxWaitMs, seed: options.seed, workers, broker: brokerOf(options, opened) };
  const share = options.percentile / 100;
  const { candidates, folds, heldOut, threads } = options;
  const startedAt = Date.now();
  const result = await tune({
    ...{ ...run, subject, share, candidates, folds },
    ...(heldOut === undefined ? {} : { heldOut }),
    ...(threads === undefined ? {} : { threads }),
  });
  const tookMs = Date.now() - startedAt;
  const causes = attribute({ ...run, subject });
  const yaml = tuned.yamlOf(result.best.values);
  if (options.json) printJson({ version: 1, ...result, attribution: causes, yaml });
  else show({ result, causes, yaml, tookMs, share });
  if (options.report === undefined) return;
  const part = sliceLoad(load, result.heldOutFromUs ?? 0, load.spanUs + 1);
  const policies = tuned.policiesOf(result.best.values);
  await writeReport(options, { ...run, load: part, policies, share });
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
