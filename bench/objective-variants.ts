/** The objective alone: other workers, other readings, other start-ups. */
import {
  type BrokerModel,
  constant,
  generateLoad,
  lowerBound,
  objectivePolicy,
  type Report,
  simulate,
  toReport,
  type WorkerModel,
} from "../src/simulator/index.ts";
import { summary } from "./objective-cells.ts";

interface Variant {
  readonly name: string;
  readonly workers?: WorkerModel;
  readonly broker?: BrokerModel;
  /** Whether workers with short jobs may finish and go. */
  readonly drainBusy?: boolean;
}

const variants: readonly Variant[] = [
  { name: "`drainBusy`", drainBusy: true },
  { name: "10 jobs per worker", workers: { concurrency: 10 } },
  { name: "random dispatch", workers: { dispatch: "random" } },
  { name: "10 jobs per worker, random", workers: { concurrency: 10, dispatch: "random" } },
  { name: "10 jobs per worker, `drainBusy`", workers: { concurrency: 10 }, drainBusy: true },
  {
    name: "10 jobs per worker, random, `drainBusy`",
    workers: { concurrency: 10, dispatch: "random" },
    drainBusy: true,
  },
  {
    name: "start-ups lognormal, mean 10 s, sigma 0.5",
    workers: { startup: { kind: "lognormal", meanMs: 10_000, sigma: 0.5 } },
  },
  { name: "counts alone", broker: { tellsAge: false, tellsInFlight: false } },
  { name: "counts each 5 s", broker: { metricIntervalMs: 5000, tellsAge: false } },
  {
    name: "counts each 5 s, 15 s old",
    broker: { metricIntervalMs: 5000, metricLagMs: 15_000, tellsAge: false },
  },
  { name: "counts each 30 s", broker: { metricIntervalMs: 30_000, tellsAge: false } },
];

/** More than any of them needs. */
const many = 5000;

interface Case extends Variant {
  readonly load: string;
  readonly startupMs: number;
  readonly maxWaitMs: number;
}

/** Each seed's run, beside the bound for starts that take their mean. */
async function runCase(one: Case, seeds: readonly number[]): Promise<readonly Report[]> {
  const { startupMs, maxWaitMs, workers = {}, broker = {}, drainBusy = false } = one;
  const { concurrency = 1 } = workers;
  const startup = constant(startupMs);
  const pollingInterval = `${Math.min(5000, Math.round(maxWaitMs / 6))}ms`;
  const policy = objectivePolicy({
    objective: { maxWait: `${maxWaitMs}ms`, drainBusy },
    scale: { maxReplicaCount: many, pollingInterval },
    ...{ concurrency, startupMs },
  });
  const reports: Report[] = [];
  for (const seed of seeds) {
    const load = generateLoad(one.load, { seed });
    const bound = await lowerBound({
      ...{ load, maxWaitMs, concurrency, initialReplicas: 0, startup, billing: "request" },
    });
    const models = { workers: { startup, ...workers }, broker };
    reports.push(toReport(simulate({ load, policy, maxWaitMs, columns: 0, ...models }), bound));
  }
  return reports;
}

/** The cost where it is a multiple of the bound with no late job. */
function strictCost(reports: readonly Report[]): string {
  const ratios = reports
    .map(({ bound, workerSeconds }) => workerSeconds.total / (bound?.strictWorkerSeconds ?? 0))
    .toSorted((a, b) => a - b);
  return ratios[ratios.length >> 1]?.toFixed(2) ?? "";
}

/** Start-up 10 s, wait 30 s. */
export async function variantTable(
  names: readonly string[],
  seeds: readonly number[],
): Promise<void> {
  console.log(`Start-up 10 s, wait 30 s, seeds ${seeds.join(", ")}.`);
  console.log("| load | variant | objective | of the bound without late jobs |");
  console.log("| --- | --- | --- | --- |");
  for (const variant of variants)
    for (const load of names) {
      const one = { ...variant, load, startupMs: 10_000, maxWaitMs: 30_000 };
      const reports = await runCase(one, seeds);
      console.log(`| ${load} | ${variant.name} | ${summary(reports)} | ${strictCost(reports)} |`);
    }
}

/** Start-ups from 0.2 s to a minute, and waits of 3 and 12 times as long; a look each 5 s, or each sixth of the wait. */
export async function startupTable(
  names: readonly string[],
  seeds: readonly number[],
): Promise<void> {
  console.log(`\nOther start-ups, seeds ${seeds.join(", ")}.`);
  console.log(`| start-up, wait | ${names.join(" | ")} |\n| --- |${" --- |".repeat(names.length)}`);
  for (const startupMs of [60_000, 10_000, 2000, 200])
    for (const factor of [3, 12]) {
      const maxWaitMs = factor * startupMs;
      const cells: string[] = [];
      for (const load of names)
        cells.push(summary(await runCase({ name: "", load, startupMs, maxWaitMs }, seeds)));
      console.log(`| ${startupMs / 1000} s, ${maxWaitMs / 1000} s | ${cells.join(" | ")} |`);
    }
}
