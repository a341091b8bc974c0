/**
 * What keeping a wait objective costs: KEDA with its defaults, KEDA tuned for each load, and the objective, as multiples of
 * what a policy that knows the future pays at least. KEDA is tuned on seed 1 of each load; all are judged on seeds that
 * nothing was tuned or developed with. Start-up 10 s, objective 30 s for 95 % of the jobs.
 *
 *   npx tsx bench/objective.ts [loads, comma-separated] [--variants | --traces]
 *
 * --variants: instead, the objective alone under ten jobs per worker, random dispatch, older readings, and start-ups from
 * 0.2 s to a minute. --traces: instead, the traces of the folder that SLUICE_TRACES names: KEDA is tuned on the first half
 * of each, all are judged on the second.
 */
import {
  comparePolicies,
  generateLoad,
  type Load,
  objectivePolicy,
  type Report,
} from "../src/simulator/index.ts";
import { describeSetting, keda, kedaDefault, most, summary, tune } from "./objective-cells.ts";
import { traceTable } from "./objective-traces.ts";
import { startupTable, variantTable } from "./objective-variants.ts";

const maxWaitMs = 30_000;
const tuningSeed = 1;
const heldOutSeeds = [201, 202, 203, 204, 205, 206, 207];

async function judge(name: string, loads: readonly Load[], tuning: Load): Promise<void> {
  const setting = tune({ load: tuning, maxWaitMs });
  const objective = { maxWait: "30s" };
  const policies = [
    keda("default", kedaDefault),
    keda("tuned", setting),
    objectivePolicy({ objective, scale: { maxReplicaCount: most } }),
  ];
  const all: Report[][] = [[], [], []];
  for (const load of loads) {
    const { reports } = await comparePolicies({ load, policies, maxWaitMs });
    for (const [index, report] of reports.entries()) all[index]?.push(report);
  }
  const [standard = [], tuned = [], ours = []] = all;
  const words = describeSetting(setting);
  console.log(
    `| ${name} | ${summary(standard)} | ${summary(tuned)} (${words}) | ${summary(ours)} |`,
  );
}

async function mainTable(names: readonly string[]): Promise<void> {
  console.log(
    `Cost as a multiple of the lower bound: median [least-most] of seeds ${heldOutSeeds.join(", ")}.`,
  );
  console.log("| load | KEDA default | KEDA tuned | objective |\n| --- | --- | --- | --- |");
  for (const name of names) {
    const loads = heldOutSeeds.map((seed) => generateLoad(name, { seed }));
    await judge(name, loads, generateLoad(name, { seed: tuningSeed }));
  }
}

const [named = "step,spike,mmpp,heavy,sporadic"] = process.argv
  .slice(2)
  .filter((word) => !word.startsWith("-"));
const names = named.split(",");

if (process.argv.includes("--variants")) {
  const seeds = heldOutSeeds.slice(0, 3);
  await variantTable(names, seeds);
  await startupTable(names, seeds);
} else if (process.argv.includes("--traces")) await traceTable(process.env.SLUICE_TRACES);
else await mainTable(names);
