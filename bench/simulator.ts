/**
 * The simulator: jobs per second with the full report, a month of counts per minute, bytes per job, and the tuner on a trace
 * of 100,000 jobs. Run with `npm run bench:simulator`; the machine should be otherwise idle. Where SLUICE_TRACES names a
 * folder with public traces, every policy is shown on those that are there.
 */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parseSpecs } from "../src/specs/index.ts";
import { interleave, report, summary } from "./measure.ts";

// The built one: its tuner has threads.
const built = new URL("../dist/simulator/index.js", import.meta.url).href;
const simulator: typeof import("../src/simulator/index.ts") = await import(built);
const {
  backlogPolicy,
  comparePolicies,
  constant,
  createLoad,
  fixedPolicy,
  generateLoad,
  jobCount,
  objectivePolicy,
  openLoad,
  scaledObjectPolicy,
  simulate,
  toReport,
  tune,
} = simulator;

const [object] = parseSpecs(
  `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: keda-default}
spec:
  scaleTargetRef: {name: worker}
  triggers: [{type: redis, metadata: {listName: q}}]
`,
  "bench.yaml",
).scaledObjects;
if (object === undefined) throw new Error("no ScaledObject");

const objective = { objective: { maxWait: "30s" }, scale: { maxReplicaCount: 60 } };

/** Seconds of processor time, of all threads together. */
const seconds = async (work: () => Promise<unknown> | unknown): Promise<number> => {
  const begun = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1e6;
};

/** Jobs per second of simulate and toReport, generation left out. */
async function speed(): Promise<void> {
  const load = generateLoad("diurnal", { seed: 1 });
  const policies = [
    { name: "fixed 25", policy: fixedPolicy(25), goal: "≥ 2,000,000" },
    { name: "backlog, each second", policy: backlogPolicy({ maxReplicaCount: 60 }), goal: "" },
    { name: "KEDA and HPA", policy: scaledObjectPolicy(object as never), goal: "≥ 2,000,000" },
    { name: "objective, every 5 s", policy: objectivePolicy(objective), goal: "" },
  ];
  const run = async (policy: (typeof policies)[number]["policy"]): Promise<number> =>
    jobCount(load) / (await seconds(() => toReport(simulate({ load, policy, maxWaitMs: 30_000 }))));
  const measured = await interleave(
    policies.map(({ name, policy }) => ({ name, run: () => run(policy) })),
    5,
  );
  for (const [place, { name, goal }] of policies.entries()) {
    const figures = measured[place];
    if (figures) report(`jobs/s with the full report: ${name}`, figures, goal);
  }
}

/** Thirty days of counts per minute, ten million jobs: placed, simulated, reported. */
async function month(): Promise<void> {
  const minutes = 30 * 1440;
  const rows = function* (): Generator<string> {
    yield "time,count";
    for (let minute = 0; minute < minutes; minute += 1) {
      const daily = 1 - Math.cos((2 * Math.PI * minute) / 1440);
      yield `${minute * 60},${Math.round(231.5 * daily)}`;
    }
  };
  const { readCsv, readCsvLoad } = await readers();
  const lines = async function* (): AsyncGenerator<string> {
    yield* rows();
  };
  let jobs = 0;
  const took = await seconds(async () => {
    const service = { kind: "lognormal", meanMs: 1000, sigma: 1 } as const;
    const load = await readCsvLoad(await readCsv(lines(), "month.csv"), { service });
    jobs = jobCount(load);
    toReport(simulate({ load, policy: scaledObjectPolicy(object as never), maxWaitMs: 30_000 }));
  });
  report(
    `seconds for ${(jobs / 1e6).toFixed(1)} M jobs of a 30-day minute trace`,
    summary("month", [took]),
    "≤ 8",
  );
}

async function readers(): Promise<
  typeof import("../src/simulator/loads/csv.ts") &
    typeof import("../src/simulator/loads/csv-load.ts")
> {
  const module = (name: string): string =>
    new URL(`../dist/simulator/loads/${name}.js`, import.meta.url).href;
  return { ...(await import(module("csv"))), ...(await import(module("csv-load"))) };
}

/** What a load and its run keep, by the growth of the process's memory. */
function memory(): void {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const used = (): number => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  const count = 4_000_000;
  const arrivalUs = Float64Array.from({ length: count }, (_, job) => job * 100_000);
  const serviceUs = new Float64Array(count).fill(1_000_000);
  const load = createLoad({ name: "memory", arrivalUs, serviceUs });
  const outcome = simulate({ load, policy: backlogPolicy({ maxReplicaCount: 30 }) });
  const bytes = (used() - before) / jobCount(outcome.load);
  report("bytes per job, load included", summary("memory", [bytes]), "≤ 40");
}

async function tuning(): Promise<void> {
  const full = generateLoad("mmpp", { seed: 4 });
  const at = full.arrivalUs[100_000] ?? full.spanUs;
  const load = simulator.sliceLoad(full, 0, at);
  const threads = Math.min(2, availableParallelism());
  const took = await seconds(() =>
    tune({
      ...{ load, maxWaitMs: 30_000, candidates: 1000, threads },
      subject: { kind: "scaled-object", object: object as never },
      workers: { startup: constant(10_000) },
    }),
  );
  const what = `seconds for 1,000 candidates on ${jobCount(load).toLocaleString("en")} jobs, by ${threads} threads`;
  report(what, summary("tune", [took / threads]), "≤ 60");
}

const traces: readonly (readonly [string, Parameters<typeof openLoad>[1]])[] = [
  ["azure-llm-2023-code.csv", { durationColumn: "GeneratedTokens", durationUnitMs: 30 }],
  ["azure-llm-2023-conv.csv", { durationColumn: "GeneratedTokens", durationUnitMs: 30 }],
  [
    "nab-elb-request-count.csv",
    { service: { kind: "lognormal", meanMs: 1000, sigma: 1 }, gaps: "zero" },
  ],
  ["nab-tweets-aapl.csv", { service: { kind: "lognormal", meanMs: 1000, sigma: 1 } }],
];

/** The policies on public traces, beside the bound. */
async function onTraces(folder: string): Promise<void> {
  for (const [file, options] of traces) {
    const path = join(folder, file);
    if (!existsSync(path)) continue;
    const { load } = await openLoad(path, options);
    const policies = [scaledObjectPolicy(object as never), backlogPolicy({ maxReplicaCount: 100 })];
    const { reports, bound } = await comparePolicies({ load, policies, maxWaitMs: 30_000 });
    console.log(`\n${file}: ${jobCount(load).toLocaleString("en")} jobs; ${load.notes.join("; ")}`);
    for (const { policy, jobs, waitMs, bound: own, workers } of reports) {
      const figures = [
        `late ${jobs.latePercent.toFixed(2).padStart(6)} %`,
        `p95 ${(waitMs.p95 / 1000).toFixed(1).padStart(7)} s`,
        `${(own?.ratio ?? Number.NaN).toFixed(2).padStart(6)} x bound (${bound.method})`,
        `${workers.kills} kills`,
      ];
      console.log(`  ${policy.padEnd(16)}${figures.join("  ")}`);
    }
  }
}

memory();
await speed();
await month();
await tuning();
const folder = process.env.SLUICE_TRACES;
if (folder === undefined) console.log("\nSLUICE_TRACES is not set: no traces.");
else await onTraces(folder);
