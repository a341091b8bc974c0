/**
 * What several queues lose and win by sharing a cap: each with an equal part of it of its own, all under one shared cap, and
 * all without any, on loads whose peaks do not fall together. Start-up 10 s, wait objective 30 s for 95 % of the jobs.
 *
 *   npx tsx bench/shared-cap.ts [seeds, comma-separated]
 */
import {
  createLoad,
  generateLoad,
  type Load,
  type Report,
  type SharedQueue,
  simulateShared,
  toReport,
} from "../src/simulator/index.ts";

const maxWaitMs = 30_000;
const [given = "201,202,203"] = process.argv.slice(2);
const seeds = given.split(",").map(Number);

/** A load that begins later by a part of its span, and what comes beyond the end at the beginning. */
function shifted(load: Load, part: number, name: string): Load {
  const byUs = Math.round(load.spanUs * part);
  const jobs = [...load.arrivalUs].map((at, index) => [
    (at + byUs) % load.spanUs,
    load.serviceUs[index] ?? 0,
  ]);
  jobs.sort(([a = 0], [b = 0]) => a - b);
  return createLoad({
    name,
    arrivalUs: Float64Array.from(jobs, ([at = 0]) => at),
    serviceUs: Float64Array.from(jobs, ([, service = 0]) => service),
    spanUs: load.spanUs,
  });
}

interface Scenario {
  readonly name: string;
  readonly caps: readonly number[];
  readonly loads: (seed: number) => readonly Load[];
}

const thirds = (name: string, seed: number): readonly Load[] =>
  [0, 1, 2].map((third) =>
    shifted(generateLoad(name, { seed: seed + 1000 * third }), third / 3, `${name} ${third + 1}`),
  );

const scenarios: readonly Scenario[] = [
  {
    name: "two days, half a day apart",
    caps: [24, 30, 40],
    loads: (seed) => [
      generateLoad("diurnal", { seed }),
      shifted(generateLoad("diurnal", { seed: seed + 1000 }), 0.5, "diurnal shifted"),
    ],
  },
  {
    name: "three steps, one after the other",
    caps: [24, 30, 42],
    loads: (seed) => thirds("step", seed),
  },
  {
    name: "three spikes, 20 min apart",
    caps: [30, 60, 120],
    loads: (seed) => thirds("spike", seed),
  },
  {
    name: "spike beside step and mmpp",
    caps: [45, 60, 90],
    loads: (seed) => ["spike", "step", "mmpp"].map((name) => generateLoad(name, { seed })),
  },
];

type Sharing = "fixed parts" | "shared" | "no cap";

function run(loads: readonly Load[], cap: number, sharing: Sharing) {
  const maxReplicaCount = sharing === "fixed parts" ? Math.floor(cap / loads.length) : 500;
  const queues = loads.map(
    (load, index): SharedQueue => ({
      ...{ name: `${index} ${load.name}`, load, maxWaitMs },
      policy: { objective: { maxWait: "30s" }, scale: { maxReplicaCount } },
    }),
  );
  const maxReplicas = sharing === "shared" ? cap : null;
  const { queues: outcomes, peakWorkers } = simulateShared({ queues, maxReplicas, columns: 0 });
  return { reports: outcomes.map((outcome) => toReport(outcome)), peakWorkers };
}

function summary(
  runs: readonly { readonly reports: readonly Report[]; readonly peakWorkers: number }[],
) {
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const middle = (values: readonly number[]) =>
    values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
  const late = runs.map(
    ({ reports }) =>
      (100 * sum(reports.map(({ jobs }) => jobs.late))) / sum(reports.map(({ load }) => load.jobs)),
  );
  const worst = runs.map(({ reports }) => Math.max(...reports.map(({ jobs }) => jobs.latePercent)));
  const wait = runs.map(
    ({ reports }) => Math.max(...reports.map(({ waitMs }) => waitMs.max)) / 1000,
  );
  const cost = runs.map(
    ({ reports }) => sum(reports.map(({ workerSeconds }) => workerSeconds.total)) / 3600,
  );
  const peak = Math.max(...runs.map(({ peakWorkers }) => peakWorkers));
  return `late ${middle(late).toFixed(2)} % (worst queue ${middle(worst).toFixed(1)} %), longest wait ${middle(wait).toFixed(0)} s, ${middle(cost).toFixed(1)} worker-hours, peak ${peak}`;
}

console.log("| loads | cap | fixed parts | shared | no cap |\n| --- | --- | --- | --- | --- |");
for (const { name, caps, loads } of scenarios) {
  const drawn = seeds.map(loads);
  const free = summary(drawn.map((list) => run(list, 0, "no cap")));
  for (const cap of caps) {
    const cells = (["fixed parts", "shared"] as const).map((sharing) =>
      summary(drawn.map((list) => run(list, cap, sharing))),
    );
    console.log(`| ${name} | ${cap} | ${cells.join(" | ")} | ${free} |`);
  }
}
