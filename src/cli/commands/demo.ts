import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { redactUrl, type Sluice, SluiceError, silentLogger, sleep } from "../../core/index.ts";
import { explainDecision } from "../../scaler/index.ts";
import { readRecord } from "../demo/record.ts";
import { type DemoSummary, isSuccess, summarize } from "../demo/summary.ts";
import { createDemoView, summaryText } from "../demo/view.ts";
import { type DemoInput, demoJob, demoVariables } from "../demo/worker.ts";
import { openQueues } from "../open-queues.ts";
import { jsonOption, wholeNumber } from "../options.ts";
import { type Scaled, startScaled } from "../run-scaled.ts";
import { printJson, say } from "../terminal.ts";

interface DemoOptions {
  readonly url?: string;
  readonly jobs: number;
  readonly max: number;
  readonly json?: true;
}

const examples = `
Examples:
  $ sluice demo                       200 jobs on a SQLite file in a temporary folder
  $ sluice demo --jobs 1000 --max 16
  $ sluice demo --json                the summary as JSON on standard output

Ends with status 0 when every job was done, none was lost, and no worker is left.`;

/** `sluice demo`: the main job of Sluice, to be watched. */
export function demoCommand(): Command {
  return new Command("demo")
    .description("publish jobs of random length and watch workers come from zero and leave again")
    .option("--url <url>", "run it on this queue (default: a SQLite file in a temporary folder)")
    .option("--jobs <n>", "how many jobs to publish at once", wholeNumber(1), 200)
    .option("--max <n>", "at most this many workers", wholeNumber(1), 8)
    .addOption(jsonOption("print the summary as JSON"))
    .addHelpText("after", examples)
    .action(demo);
}

/** Past this the demo gives up and says so. */
const patienceMs = 40_000;

async function demo(options: DemoOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-demo-"));
  try {
    const url = options.url ?? `sqlite:${join(folder, "jobs.db")}`;
    const summary = await run(url, folder, options);
    if (options.json) printJson(summary);
    else say(summaryText(summary));
    if (!isSuccess(summary)) {
      throw new SluiceError(
        "JOBS_LOST",
        `the demo wants every job done, none lost and no worker left within ${patienceMs / 1000} s; it did ${summary.completed} of ${summary.published} with ${summary.finalWorkers} workers left. Run it again on a less busy machine, or with fewer --jobs.`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(url: string, folder: string, options: DemoOptions): Promise<DemoSummary> {
  const queue = `sluice-demo-${randomBytes(4).toString("hex")}`;
  const sluice = await openQueues(url, silentLogger);
  const stop = new AbortController();
  let failure: SluiceError | null = null;
  let decision = "";
  const scaled = startScaled({
    sluice,
    url,
    queues: [queue],
    workerArguments: [
      fileURLToPath(new URL("../demo/worker-file.js", import.meta.url)),
      "--log-level",
      "warn",
    ],
    env: { [demoVariables.queue]: queue, [demoVariables.record]: folder },
    graceMs: 10_000,
    scale: {
      maxReplicaCount: options.max,
      messageCount: 5,
      cooldownPeriod: "1s",
      stabilizationWindow: "1s",
      pollingInterval: "250ms",
    },
    logger: silentLogger,
    onDecision: (made) => {
      if (made.replicas !== made.current || decision === "") decision = explainDecision(made);
    },
    onFatal: (error) => {
      failure = error;
      stop.abort();
    },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());
  try {
    const publishedAt = Date.now();
    const ids = await sluice.publishMany(demoJob(queue), randomJobs(options.jobs));
    if (!options.json)
      say(`${ids.length} jobs published to ${redactUrl(url)}; no worker runs yet.`);
    await watch({
      sluice,
      scaled,
      queue,
      folder,
      ids,
      publishedAt,
      options,
      signal: stop.signal,
      decision: () => decision,
    });
    if (failure !== null) throw failure;
    const endedAt = Date.now();
    const finalWorkers = (await scaled.target.status()).workers.length;
    const { peak: peakWorkers, workerSeconds } = scaled.target.stats();
    const depth = await sluice.depth(queue);
    return summarize({
      ids,
      record: readRecord(folder),
      depth,
      publishedAt,
      endedAt,
      peakWorkers,
      finalWorkers,
      workerSeconds,
    });
  } finally {
    await scaled.close();
    await sluice.close();
  }
}

interface Watched {
  readonly sluice: Sluice;
  readonly scaled: Scaled;
  readonly queue: string;
  readonly folder: string;
  readonly ids: readonly string[];
  readonly publishedAt: number;
  readonly options: DemoOptions;
  readonly signal: AbortSignal;
  readonly decision: () => string;
}

/** Shows how it goes until all is done and no worker is left, or time or patience is up. */
async function watch(run: Watched): Promise<void> {
  const { sluice, scaled, ids, signal, publishedAt } = run;
  const view = run.options.json ? null : createDemoView();
  while (!signal.aborted && Date.now() - publishedAt < patienceMs) {
    const [depth, workers] = await Promise.all([sluice.depth(run.queue), scaled.target.status()]);
    const done = new Set(readRecord(run.folder).map((job) => job.id)).size;
    const seconds = (Date.now() - publishedAt) / 1000;
    view?.show({
      seconds,
      total: ids.length,
      done,
      depth,
      workers,
      maxWorkers: run.options.max,
      decision: run.decision(),
    });
    if (done === ids.length && workers.workers.length === 0) break;
    await sleep(sluice.clock, 100, signal).catch(() => undefined); // aborted means stop, which the loop sees
  }
  view?.done();
}

/** Mostly short jobs and a few long ones: exponential with a mean of 300 ms, at most 2 s. */
function randomJobs(count: number): readonly DemoInput[] {
  return Array.from({ length: count }, () => ({
    workMs: Math.min(2000, Math.round(-300 * Math.log(1 - Math.random()))),
  }));
}
