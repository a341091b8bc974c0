/** KEDA and the objective on public traces: KEDA is tuned on the first half of each, all are judged on the second. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import {
  comparePolicies,
  type Load,
  objectivePolicy,
  openLoad,
  sliceLoad,
} from "../src/simulator/index.ts";
import { describeSetting, keda, kedaDefault, most, summary, tune } from "./objective-cells.ts";

const second = {
  columns: { timeColumn: "TIMESTAMP", durationColumn: "GeneratedTokens", durationUnitMs: 30 },
  maxWaitMs: 30_000,
};
const minutes = {
  columns: {
    ...({ countColumn: "value", gaps: "zero" } as const),
    service: { kind: "exponential", meanMs: 1000 },
  } as const,
  maxWaitMs: 60_000,
};

/** Arrivals to the second, and counts of five minutes, which are spread evenly in their bins by a fixed seed. */
const traces = [
  ["azure-llm-2023-code.csv", second],
  ["azure-llm-2023-conv.csv", second],
  ["nab-elb-request-count.csv", minutes],
  ["nab-tweets-aapl.csv", minutes],
] as const;

/** Prints a row for each trace that is there; says so where the folder is missing. */
export async function traceTable(folder: string | undefined): Promise<void> {
  if (folder === undefined || !existsSync(folder)) {
    console.log("SLUICE_TRACES names no folder: no traces.");
    return;
  }
  console.log("| trace, wait | KEDA default | KEDA tuned | objective |\n| --- | --- | --- | --- |");
  for (const [file, { columns, maxWaitMs }] of traces) {
    const path = join(folder, file);
    if (!existsSync(path)) continue;
    const { load } = await openLoad(path, { seed: 1, ...columns });
    await judge(load, maxWaitMs);
  }
}

async function judge(load: Load, maxWaitMs: number): Promise<void> {
  const halfUs = Math.floor(load.spanUs / 2);
  const setting = tune({ load: sliceLoad(load, 0, halfUs), maxWaitMs });
  const policies = [
    keda("default", kedaDefault),
    keda("tuned", setting),
    objectivePolicy({
      objective: { maxWait: `${maxWaitMs}ms` },
      scale: { maxReplicaCount: most },
    }),
  ];
  const unseen = sliceLoad(load, halfUs, load.spanUs);
  const { reports, bound } = await comparePolicies({ load: unseen, policies, maxWaitMs });
  const cells = reports.map((report) => summary([report]));
  cells[1] = `${cells[1]} (${describeSetting(setting)})`;
  const name = `${basename(load.name)}, ${maxWaitMs / 1000} s (${bound.method})`;
  console.log(`| ${name} | ${cells.join(" | ")} |`);
}
