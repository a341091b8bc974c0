/**
 * A ScaledJob by KEDA's strategies, by Sluice's `sequential` and by the wait objective: late jobs, cost as a multiple of what
 * a policy that knows the future pays at least, jobs created, most at a time. Start-up 10 s, objective 30 s for 95 % of the
 * messages, at most 1,000 jobs; medians of three seeds that nothing was developed with.
 *
 *   npx tsx bench/scaled-job.ts [loads, comma-separated]
 */
import {
  comparePolicies,
  generateLoad,
  jobObjectivePolicy,
  type Policy,
  type Report,
  scaledJobPolicy,
} from "../src/simulator/index.ts";
import { parseSpecs, type ScaledJob } from "../src/specs/index.ts";

const seeds = [201, 202, 203];
const maxWaitMs = 30_000;

/** Kafka's lag still holds what jobs have taken, a Redis list does not: each strategy gets the one that it is meant for. */
const kafka = "{type: kafka, metadata: {lagThreshold: '1'}}";
const list = "{type: redis, metadata: {listName: q, listLength: '1'}}";

interface Given {
  readonly annotations?: string;
  readonly spec?: string;
  readonly trigger?: string;
}

function jobOf({ annotations = "", spec = "", trigger = kafka }: Given): ScaledJob {
  const text = `
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: {name: worker, annotations: {${annotations}}}
spec:
  jobTargetRef: {template: {spec: {containers: [{name: w, image: w}], restartPolicy: Never}}}
  maxReplicaCount: 1000
  ${spec}
  triggers: [${trigger}]
`;
  const [job] = parseSpecs(text, "bench.yaml").scaledJobs;
  if (job === undefined) throw new Error("the bench's ScaledJob does not parse");
  return job;
}

const accurate = "scalingStrategy: {strategy: accurate}";
const sequential =
  "sluice.dev/strategy: sequential, sluice.dev/threshold: '20', sluice.dev/max-age: 15s";

const policies: readonly (readonly [name: string, policy: Policy])[] = [
  ["KEDA, defaults", scaledJobPolicy(jobOf({}))],
  [
    "KEDA, accurate, every 5 s",
    scaledJobPolicy(jobOf({ trigger: list, spec: `pollingInterval: 5\n  ${accurate}` })),
  ],
  [
    "KEDA, default on a Redis list, every 5 s",
    scaledJobPolicy(jobOf({ trigger: list, spec: "pollingInterval: 5" })),
  ],
  [
    "KEDA, accurate on Kafka, every 5 s",
    scaledJobPolicy(jobOf({ spec: `pollingInterval: 5\n  ${accurate}` })),
  ],
  ["objective", jobObjectivePolicy(jobOf({ annotations: "sluice.dev/objective: 30s" }))],
  [
    "sequential, every 5 s; jobs of many",
    scaledJobPolicy(jobOf({ annotations: sequential, trigger: list, spec: "pollingInterval: 5" })),
  ],
  [
    "objective, messagesPerJob=many",
    jobObjectivePolicy(
      jobOf({ annotations: "sluice.dev/objective: 'maxWait=30s,messagesPerJob=many'" }),
    ),
  ],
];

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function row(name: string, reports: readonly Report[]): string {
  const of = (figure: (report: Report) => number): number => median(reports.map(figure));
  const late = of(({ jobs }) => jobs.latePercent).toFixed(1);
  const cost = of(({ bound }) => bound?.ratio ?? Number.NaN).toFixed(2);
  const created = of(({ workers, load }) => workers.starts / load.jobs).toFixed(3);
  const peak = of(({ workers }) => workers.peak);
  return `${name} | ${late} % | ${cost} | ${created} | ${peak} |`;
}

const [named = "step,mmpp,sporadic,long"] = process.argv.slice(2);
console.log("| load | policy | late | cost | jobs per message | peak |");
console.log("| --- | --- | --- | --- | --- | --- |");
for (const name of named.split(",")) {
  const reports: Report[][] = policies.map(() => []);
  for (const seed of seeds) {
    const load = generateLoad(name, { seed });
    const run = { load, policies: policies.map(([, policy]) => policy), maxWaitMs };
    const compared = await comparePolicies(run);
    for (const [index, report] of compared.reports.entries()) reports[index]?.push(report);
  }
  for (const [index, [policy]] of policies.entries())
    console.log(`| ${name} | ${row(policy, reports[index] ?? [])}`);
}
