/**
 * What keeping a wait objective costs: KEDA with its defaults, KEDA tuned for each load, and the objective, as multiples of
 * what a policy that knows the future pays at least. KEDA is tuned on seed 1 of each load; all are judged on seeds that
 * nothing was tuned or developed with. Start-up 10 s, objective 30 s for 95 % of the jobs.
 *
 *   npx tsx bench/objective.ts [loads, comma-separated] [--variants]
 *
 * With SLUICE_TRACES naming a folder of traces, also those; they have one sample each, so that nothing is held out.
 * --variants: instead, the objective under ten jobs per worker, random dispatch and older readings.
 */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import {
  type BrokerModel,
  comparePolicies,
  generateLoad,
  keepsObjective,
  type Load,
  lowerBound,
  objectivePolicy,
  openLoad,
  type Policy,
  type Report,
  scaledObjectPolicy,
  simulate,
  toReport,
  type WorkerModel,
} from "../src/simulator/index.ts";
import { parseSpecs } from "../src/specs/index.ts";

const maxWaitMs = 30_000;
const tuningSeed = 1;
const heldOutSeeds = [101, 102, 103, 104, 105, 106, 107];
const most = 200;

interface KedaSetting {
  readonly polling: number;
  readonly target: number;
  readonly cooldown: number;
  readonly stabilization: number;
}

const kedaDefault: KedaSetting = { polling: 30, target: 5, cooldown: 300, stabilization: 300 };

const kedaSettings: readonly KedaSetting[] = [1, 2, 5, 10, 20].flatMap((target) =>
  [10, 60, 300].flatMap((cooldown) =>
    [0, 60, 300].map((stabilization) => ({ polling: 5, target, cooldown, stabilization })),
  ),
);

/** KEDA on a count of jobs that wait or run, as a query to a table of jobs gives it. */
function keda(name: string, setting: KedaSetting): Policy {
  const { polling, target, cooldown, stabilization } = setting;
  const text = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker}
spec:
  scaleTargetRef: {name: worker}
  pollingInterval: ${polling}
  cooldownPeriod: ${cooldown}
  maxReplicaCount: ${most}
  advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleDown: {stabilizationWindowSeconds: ${stabilization}}}}}
  triggers:
  - {type: postgresql, metadata: {targetQueryValue: "${target}", query: q, connectionFromEnv: DB}}
`;
  const [object] = parseSpecs(text, "keda.yaml").scaledObjects;
  if (object === undefined) throw new Error("the bench's ScaledObject does not parse");
  return scaledObjectPolicy(object, { name });
}

const objective = (concurrency = 1): Policy =>
  objectivePolicy({ objective: { maxWait: "30s" }, scale: { maxReplicaCount: most }, concurrency });

/** The cheapest setting that keeps the objective on the tuning load; where none does, the one with the fewest late jobs. */
function tune(load: Load): KedaSetting {
  const tried = kedaSettings.map((setting) => {
    const outcome = simulate({ load, policy: keda("try", setting), maxWaitMs, columns: 0 });
    const report = toReport(outcome);
    return { setting, report, keeps: keepsObjective(report, 0.95) };
  });
  const keeping = tried.filter(({ keeps }) => keeps);
  const [best] =
    keeping.length > 0
      ? keeping.toSorted((a, b) => a.report.workerSeconds.total - b.report.workerSeconds.total)
      : tried.toSorted((a, b) => a.report.jobs.late - b.report.jobs.late);
  return best?.setting ?? kedaDefault;
}

function summary(reports: readonly Report[]): string {
  const spread = (values: readonly number[], digits: number): string => {
    const sorted = values.toSorted((a, b) => a - b);
    const [least, middle, top] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)];
    return `${middle?.toFixed(digits)} [${least?.toFixed(digits)}-${top?.toFixed(digits)}]`;
  };
  const costs = spread(
    reports.map(({ bound }) => bound?.ratio ?? Number.NaN),
    2,
  );
  const late = spread(
    reports.map(({ jobs }) => jobs.latePercent),
    1,
  );
  const kept = reports.filter((report) => keepsObjective(report, 0.95)).length;
  const kills = Math.max(...reports.map(({ workers }) => workers.kills));
  return `${costs}, late ${late} %, ${kept}/${reports.length}${kills > 0 ? `, up to ${kills} kills` : ""}`;
}

async function judge(name: string, loads: readonly Load[], tuning: Load): Promise<void> {
  const setting = tune(tuning);
  const policies = [keda("default", kedaDefault), keda("tuned", setting), objective()];
  const all: Report[][] = [[], [], []];
  for (const load of loads) {
    const { reports } = await comparePolicies({ load, policies, maxWaitMs });
    for (const [index, report] of reports.entries()) all[index]?.push(report);
  }
  const [standard = [], tuned = [], ours = []] = all;
  const words = `target ${setting.target}, cooldown ${setting.cooldown}, stabilization ${setting.stabilization}`;
  console.log(
    `| ${name} | ${summary(standard)} | ${summary(tuned)} (${words}) | ${summary(ours)} |`,
  );
}

interface Variant {
  readonly name: string;
  readonly workers?: WorkerModel;
  readonly broker?: BrokerModel;
}

const variants: readonly Variant[] = [
  { name: "10 jobs per worker", workers: { concurrency: 10 } },
  { name: "random dispatch", workers: { dispatch: "random" } },
  { name: "10 jobs per worker, random", workers: { concurrency: 10, dispatch: "random" } },
  { name: "counts alone", broker: { tellsAge: false, tellsInFlight: false } },
  {
    name: "counts each 5 s, 15 s old",
    broker: { metricIntervalMs: 5000, metricLagMs: 15_000, tellsAge: false },
  },
  { name: "counts each 30 s", broker: { metricIntervalMs: 30_000, tellsAge: false } },
];

async function judgeVariant({ name, workers = {}, broker = {} }: Variant, load: string) {
  const { concurrency = 1 } = workers;
  const reports: Report[] = [];
  for (const seed of heldOutSeeds.slice(0, 3)) {
    const drawn = generateLoad(load, { seed });
    const bound = await lowerBound({
      ...{ load: drawn, maxWaitMs, concurrency, initialReplicas: 0 },
      ...{ startup: { kind: "constant", ms: 10_000 }, billing: "request" },
    });
    const run = { load: drawn, policy: objective(concurrency), maxWaitMs, workers, broker };
    reports.push(toReport(simulate({ ...run, columns: 0 }), bound));
  }
  console.log(`| ${load} | ${name} | ${summary(reports)} |`);
}

/** Counts are spread evenly in their bins by a fixed seed; service times are exponential with a mean of 1 s where a trace has none. */
async function traces(folder: string): Promise<readonly Load[]> {
  const azure = { timeColumn: "TIMESTAMP", durationColumn: "GeneratedTokens", durationUnitMs: 30 };
  const counts = { countColumn: "value", service: { kind: "exponential", meanMs: 1000 } } as const;
  const files = [
    ["azure-llm-2023-code.csv", azure],
    ["azure-llm-2023-conv.csv", azure],
    ["nab-elb-request-count.csv", { ...counts, gaps: "zero" }],
    ["nab-tweets-aapl.csv", { ...counts, gaps: "zero" }],
  ] as const;
  const opened = await Promise.all(
    files.map(([file, columns]) => openLoad(join(folder, file), { seed: 1, ...columns })),
  );
  return opened.map(({ load }) => load);
}

const [named = "step,spike,mmpp,heavy,sporadic"] = process.argv
  .slice(2)
  .filter((word) => !word.startsWith("-"));
const names = named.split(",");

console.log(
  `Cost as a multiple of the lower bound: median [least-most] of seeds ${heldOutSeeds.join(", ")}.`,
);
if (process.argv.includes("--variants")) await variantTable();
else await mainTable();

async function variantTable(): Promise<void> {
  console.log("| load | variant, three seeds | objective |\n| --- | --- | --- |");
  for (const variant of variants) for (const name of names) await judgeVariant(variant, name);
}

async function mainTable(): Promise<void> {
  console.log("| load | KEDA default | KEDA tuned | objective |\n| --- | --- | --- | --- |");
  for (const name of names) {
    const loads = heldOutSeeds.map((seed) => generateLoad(name, { seed }));
    await judge(name, loads, generateLoad(name, { seed: tuningSeed }));
  }
  const folder = process.env.SLUICE_TRACES;
  if (folder === undefined || !existsSync(folder)) return;
  for (const load of await traces(folder)) await judge(basename(load.name), [load], load);
}
