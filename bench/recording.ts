/**
 * Predicted against observed: `sluice demo` is recorded, then simulated from the recording (start-up, jobs and what lies
 * between them as measured) under what it was scaled by. Prints the 95th percentile of the waits and the worker-seconds of
 * both, for the demo as it is and with a wait to keep.
 *
 *   node scripts/ready.js && npx tsx bench/recording.ts [rounds]
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [rounds = 3] = process.argv.slice(2).map(Number);
const main = join(import.meta.dirname, "../dist/cli/main.js");
const sluice = (...args: readonly string[]): string =>
  execFileSync(process.execPath, [main, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 64e6,
  });

const percent = (observed: number, predicted: number): string =>
  `${observed.toFixed(2)} observed, ${predicted.toFixed(2)} predicted (${(100 * (predicted / observed - 1)).toFixed(1)} %)`;

for (const scaled of [[], ["--max-wait", "10s"]])
  for (let round = 1; round <= rounds; round += 1) {
    const folder = mkdtempSync(join(tmpdir(), "sluice-recording-"));
    try {
      const file = join(folder, "run.jsonl");
      sluice("demo", "--record", file, ...scaled);
      const json = sluice("simulate", "--load", file, "--against", "recorded", "--json");
      const { observed, reports } = JSON.parse(json);
      const [{ waitMs, workerSeconds }] = reports;
      console.log(
        `${["demo", ...scaled].join(" ")} ${round}: p95 wait s ${percent(observed.p95WaitMs / 1000, waitMs.p95 / 1000)}; worker-seconds ${percent(observed.workerSeconds, workerSeconds.total)}`,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
