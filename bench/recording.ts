/**
 * Predicted against observed: a live run of the demo's load (random jobs at once, workers as processes of this machine) is
 * recorded, then simulated from the recording with start-up times as measured, by the same decision. Prints the 95th
 * percentile of the waits and the worker-seconds of both.
 *
 *   node scripts/ready.js && npx tsx bench/recording.ts [jobs] [rounds]
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../src/drivers/index.ts";
import { objectivePolicy, openLoad, simulate, toReport } from "../src/simulator/index.ts";

const [jobs = 200, rounds = 3] = process.argv.slice(2).map(Number);
const sluice = join(import.meta.dirname, "../dist/cli/main.js");
const concurrency = 2;
const maxWait = "10s";
const most = 8;

for (let round = 1; round <= rounds; round += 1) {
  const folder = mkdtempSync(join(tmpdir(), "sluice-recording-"));
  try {
    await liveRun(folder);
    const { load, recording } = await openLoad(join(folder, "run.jsonl"));
    if (recording === null) throw new Error("the recording was not taken for one");
    const policy = objectivePolicy({
      ...{ objective: { maxWait }, concurrency, startupMs: 500 },
      scale: { maxReplicaCount: most, pollingInterval: 1 },
    });
    const startup = recording.startup ?? { kind: "constant", ms: 500 };
    const workers = { concurrency, startup };
    const report = toReport(simulate({ load, policy, workers, broker: { pushes: true } }));
    const { p95WaitMs, workerSeconds } = recording.observed;
    const line = (name: string, observed: number, predicted: number): string =>
      `${name}: observed ${observed.toFixed(2)}, predicted ${predicted.toFixed(2)} (${(100 * (predicted / observed - 1)).toFixed(1)} %)`;
    console.log(
      `${round}: ${line("p95 wait s", p95WaitMs / 1000, report.waitMs.p95 / 1000)}; ${line("worker-seconds", workerSeconds, report.workerSeconds.total)}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The demo's jobs, 100 to 500 ms each, and `sluice up --record` until nothing is left. */
async function liveRun(folder: string): Promise<void> {
  const worker = join(folder, "worker.mjs");
  const door = join(import.meta.dirname, "../dist/index.js");
  writeFileSync(
    worker,
    `import { defineJob, defineWorker } from ${JSON.stringify(door)};
const rest = defineJob("rest").handle(({ ms }) => new Promise((done) => setTimeout(done, ms)));
export default defineWorker({ handlers: [rest], concurrency: ${concurrency} });\n`,
  );
  const url = `sqlite:${join(folder, "jobs.db")}`;
  const command = ["up", worker, "--url", url, "--max", `${most}`, "--max-wait", maxWait];
  const up = spawn(
    process.execPath,
    [sluice, ...command, "--record", join(folder, "run.jsonl"), "--exit-when-idle", "2s"],
    { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, FORCE_COLOR: "0" } },
  );
  const ended = new Promise<number | null>((resolve) => up.on("exit", resolve));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const queue = await connect(url);
  const bodies = Array.from({ length: jobs }, (_, job) => ({ ms: 100 + ((job * 7919) % 401) }));
  await queue.publishMany("rest", bodies);
  await queue.close();
  const status = await ended;
  if (status !== 0) throw new Error(`sluice up left with ${status}`);
}
