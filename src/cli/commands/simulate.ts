import { Command, Option } from "commander";
import { SluiceError, toMs } from "../../core/index.ts";
import {
  type Comparison,
  comparePolicies,
  hashReport,
  type OpenedLoad,
  type Policy,
  quantileMs,
  toHtml,
  type WorkerModel,
} from "../../simulator/index.ts";
import { comparisonTable, describeLoad, seriesCsv } from "../comparison-table.ts";
import { brokerOf, describeSetup, workersOf } from "../model-options.ts";
import { collect, jsonOption, wholeNumber } from "../options.ts";
import { againstForms, policiesOfFiles, policyAgainst } from "../simulated-policies.ts";
import { addSimulationOptions, loadOf, type SimulationOptions } from "../simulation-options.ts";
import { print, printJson, say } from "../terminal.ts";
import { version } from "../version.ts";
import { writeResult } from "../write-result.ts";

interface SimulateOptions extends SimulationOptions {
  readonly file?: readonly string[];
  readonly against?: readonly string[];
  readonly max: number;
  readonly json?: true;
  readonly csv?: string;
  readonly report?: string;
}

const examples = `
A distribution is a duration (10s), exponential:1s, uniform:5s,15s, lognormal:MEAN,SIGMA[,CAP], or a mixture such as 2s*0.9+60s*0.1.

Examples:
  $ sluice simulate -f scaledobject.yaml --load spike                     a load by name
  $ sluice simulate -f scaledobject.yaml --load trace.csv --max-wait 30s --against backlog
  $ sluice simulate --load counts.csv --service lognormal:1s,1 --against fixed:10 --against backlog:2`;

/** `sluice simulate`: policies on a load, in virtual time. */
export function simulateCommand(): Command {
  const command = new Command("simulate")
    .description("try scaling policies on a load before they run: waits, cost, kills")
    .addOption(
      new Option("-f, --file <path>", "ScaledObjects and ScaledJobs; may be repeated").argParser(
        collect,
      ),
    )
    .addOption(
      new Option("--against <policy>", `also ${againstForms}; may be repeated`).argParser(collect),
    )
    .option("--max <n>", "the most workers of --against", wholeNumber(1), 100);
  return addSimulationOptions(command)
    .addOption(jsonOption("print one JSON object with every figure"))
    .option("--csv <path>", "write what happened over time as a table")
    .option("--report <path>", "write a page with plots, complete in one HTML file")
    .addHelpText("after", examples)
    .action(runSimulate);
}

async function runSimulate(options: SimulateOptions): Promise<void> {
  const opened = await loadOf(options);
  const workers = workersOf(options, opened);
  const policies = await policiesOf(options, workers, opened);
  const share = options.percentile / 100;
  const comparison = await comparePolicies({
    ...{ load: opened.load, policies, share, seed: options.seed },
    maxWaitMs: toMs(options.maxWait),
    ...{ workers, broker: brokerOf(options, opened) },
  });
  if (options.csv !== undefined) await writeResult(options.csv, seriesCsv(comparison), "--csv");
  if (options.report !== undefined) {
    const concurrency = workers.concurrency ?? 1;
    const setup = describeSetup(options, workers);
    const html = toHtml({ comparison, share, concurrency, setup, version: version() });
    await writeResult(options.report, html, "--report");
  }
  if (options.json) printJson(toJson(opened, comparison));
  else show(opened, comparison, share);
}

async function policiesOf(
  options: SimulateOptions,
  { concurrency = 1, startup }: WorkerModel,
  { recording }: OpenedLoad,
): Promise<readonly Policy[]> {
  const { file = [], against = [], max, maxWait, grace } = options;
  const facts = {
    ...(startup && { startupMs: quantileMs(startup, 0.9) }),
    stalenessMs: toMs(options.metricInterval) + toMs(options.metricLag),
  };
  const ofFiles = await policiesOfFiles(file, { facts, concurrency });
  const surroundings = {
    ...{ max, maxWaitMs: toMs(maxWait), concurrency, graceMs: toMs(grace) },
    ...{ facts, recording, job: ofFiles.job },
  };
  const policies = [
    ...ofFiles.policies,
    ...against.map((text) => policyAgainst(text, surroundings)),
  ];
  if (policies.length > 0) return policies;
  throw new SluiceError(
    "OPTION_INVALID",
    `say what to simulate: --file scaledobject.yaml, or --against ${againstForms}.`,
  );
}

function show(opened: OpenedLoad, comparison: Comparison, share: number): void {
  print(describeLoad(opened.load, comparison, share));
  print("");
  print(comparisonTable(comparison, share));
  const { recording } = opened;
  if (recording !== null) {
    const { p95WaitMs, workerSeconds, peakWorkers } = recording.observed;
    print(
      `recorded live: p95 wait ${(p95WaitMs / 1000).toFixed(2)}s, ${workerSeconds.toFixed(0)} worker-seconds, ${peakWorkers} workers at most`,
    );
  }
  const limit =
    comparison.bound.method === "work"
      ? " (the work alone; starts are free, or highs is not installed)"
      : "";
  say(`Lower bound by ${comparison.bound.method}${limit}.`);
}

function toJson({ recording }: OpenedLoad, { bound, reports }: Comparison): unknown {
  return {
    version: 1,
    bound,
    observed: recording?.observed ?? null,
    reports: reports.map((report) => ({ ...report, hash: hashReport(report) })),
  };
}
