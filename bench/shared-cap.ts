/**
 * What several queues lose and win by sharing a cap: each with an equal part of it of its own, all under one shared cap, and
 * all without any, on loads whose peaks do not fall together. Start-up 10 s, a wait of 30 s to keep where nothing else is said.
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

const usualWaitMs = 30_000;
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

/** One queue's load, and the wait that it is to keep. */
type Queue = readonly [load: Load, waitMs: number];

interface Scenario {
  readonly name: string;
  readonly caps: readonly number[];
  readonly queues: (seed: number) => readonly Queue[];
}

const named =
  (...loads: readonly (readonly [name: string, waitMs: number])[]) =>
  (seed: number): readonly Queue[] =>
    loads.map(([name, waitMs]) => [generateLoad(name, { seed }), waitMs]);

/** The same kind of load that often, one after the other. */
const inTurn =
  (name: string, times: number) =>
  (seed: number): readonly Queue[] =>
    Array.from({ length: times }, (_, turn) => {
      const load = generateLoad(name, { seed: seed + 1000 * turn });
      return [shifted(load, turn / times, `${name} ${turn + 1}`), usualWaitMs];
    });

const scenarios: readonly Scenario[] = [
  { name: "two diurnal, 12 h apart", caps: [24, 30], queues: inTurn("diurnal", 2) },
  { name: "three steps in turn", caps: [24, 30], queues: inTurn("step", 3) },
  { name: "three spikes in turn", caps: [60, 120], queues: inTurn("spike", 3) },
  {
    name: "spike, step and mmpp",
    caps: [45, 60],
    queues: named(["spike", usualWaitMs], ["step", usualWaitMs], ["mmpp", usualWaitMs]),
  },
  {
    name: "batch (10 min) and mmpp",
    caps: [40, 50],
    queues: named(["batch", 600_000], ["mmpp", usualWaitMs]),
  },
];

const sharings = ["equal parts", "shared", "shared, all yield=busy", "no cap"] as const;
type Sharing = (typeof sharings)[number];

interface Run {
  readonly reports: readonly Report[];
  readonly peakWorkers: number;
}

function run(queues: readonly Queue[], cap: number, sharing: Sharing): Run {
  const isShared = sharing.startsWith("shared");
  const maxReplicaCount = sharing === "equal parts" ? Math.floor(cap / queues.length) : 500;
  const { queues: outcomes, peakWorkers } = simulateShared({
    queues: queues.map(([load, maxWaitMs], index): SharedQueue => {
      const objective = { maxWait: `${maxWaitMs}ms` };
      const yieldsBusy = sharing === "shared, all yield=busy";
      const policy = { objective, scale: { maxReplicaCount }, yieldsBusy };
      return { name: `${index} ${load.name}`, load, maxWaitMs, policy };
    }),
    maxReplicas: isShared ? cap : null,
    columns: 0,
  });
  return { reports: outcomes.map((outcome) => toReport(outcome)), peakWorkers };
}

/** The medians of the runs; of late jobs and the longest wait for each queue. */
function summary(runs: readonly Run[]): string {
  const middle = (value: (one: Run) => number): number =>
    runs.map(value).toSorted((a, b) => a - b)[runs.length >> 1] ?? 0;
  const ofEach = (value: (report: Report) => number, digits: number): string =>
    (runs[0]?.reports ?? [])
      .map((_, place) => middle(({ reports }) => reports.map(value)[place] ?? 0).toFixed(digits))
      .join(" / ");
  const hours = middle(({ reports }) =>
    reports.reduce((sum, { workerSeconds }) => sum + workerSeconds.total / 3600, 0),
  );
  return [
    `${ofEach(({ jobs }) => jobs.latePercent, 2)} %`,
    `${ofEach(({ waitMs }) => waitMs.max / 1000, 0)} s`,
    hours.toFixed(1),
    Math.max(...runs.map(({ peakWorkers }) => peakWorkers)),
    Math.max(...runs.flatMap(({ reports }) => reports.map(({ workers }) => workers.kills))),
  ].join(" | ");
}

console.log(
  `Medians of seeds ${seeds.join(", ")}.\n| loads | cap | | late, each queue | longest wait | worker-hours | most workers | most kills |\n| --- | --- | --- | --- | --- | --- | --- | --- |`,
);
for (const { name, caps, queues } of scenarios) {
  const drawn = seeds.map(queues);
  for (const cap of [...caps, Number.POSITIVE_INFINITY])
    for (const sharing of sharings) {
      if (Number.isFinite(cap) === (sharing === "no cap")) continue;
      const cells = summary(drawn.map((list) => run(list, cap, sharing)));
      console.log(`| ${name} | ${Number.isFinite(cap) ? cap : ""} | ${sharing} | ${cells} |`);
    }
}
