import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import {
  isSluiceError,
  redactUrl,
  type Sluice,
  SluiceError,
  silentLogger,
  sleep,
} from "../../core/index.ts";
import { explainDecision } from "../../scaler/index.ts";
import { readRecord } from "../demo/record.ts";
import { type DemoSummary, isSuccess, summarize } from "../demo/summary.ts";
import { createDemoView, summaryText } from "../demo/view.ts";
import { type DemoInput, demoConcurrency, demoJob, demoVariables } from "../demo/worker.ts";
import { openQueues } from "../open-queues.ts";
import { duration, given, jsonOption, wholeNumber } from "../options.ts";
import { type Scaled, type ScaledRun, startScaled } from "../run-scaled.ts";
import { printJson, say } from "../terminal.ts";

interface DemoOptions {
  readonly url?: string;
  readonly jobs: number;
  readonly max: number;
  readonly maxWait?: string;
  readonly record?: string;
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
    .option("--max-wait <duration>", "keep this wait instead of a count per worker", duration)
    .option("--record <path>", "write what happens to this file, for sluice simulate --load")
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
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());
  let decision = "";
  const scaled = startWorkers(sluice, {
    url,
    queue,
    folder,
    max: options.max,
    ...given("maxWait", options.maxWait),
    ...given("record", options.record),
    onDecision: (made) => {
      if (made.replicas !== made.current || decision === "") decision = explainDecision(made);
    },
    onFatal: (error) => stop.abort(error),
  });
  try {
    const publishedAt = Date.now();
    const ids = await sluice.publishMany(demoJob(queue), randomJobs(options.jobs));
    if (!options.json)
      say(`${ids.length} jobs published to ${redactUrl(url)}; no worker runs yet.`);
    const { signal } = stop;
    const shared = { sluice, scaled, queue, folder, ids, publishedAt };
    await watch({ ...shared, options, signal, decision: () => decision });
    if (isSluiceError(signal.reason)) throw signal.reason;
    if (signal.aborted)
      throw new SluiceError("ABORTED", "the demo was interrupted before its end.");
    return await facts(shared);
  } finally {
    await scaled.close();
    await sluice.close();
  }
}

interface DemoWorkers extends Pick<ScaledRun, "url" | "record" | "onDecision" | "onFatal"> {
  readonly queue: string;
  readonly folder: string;
  readonly max: number;
  readonly maxWait?: string;
}

function startWorkers(
  sluice: Sluice,
  { queue, folder, max, maxWait, ...run }: DemoWorkers,
): Scaled {
  const file = fileURLToPath(new URL("../demo/worker-file.js", import.meta.url));
  return startScaled({
    ...run,
    sluice,
    queues: [queue],
    workerArguments: [file, "--log-level", "warn"],
    env: { [demoVariables.queue]: queue, [demoVariables.record]: folder },
    graceMs: 10_000,
    concurrency: demoConcurrency,
    scale: {
      ...(maxWait === undefined ? {} : { objective: { maxWait } }),
      maxReplicaCount: max,
      messageCount: 5,
      cooldownPeriod: "1s",
      stabilizationWindow: "1s",
      pollingInterval: "250ms",
    },
    logger: silentLogger,
  });
}

/** What is known of a run, from the handlers' record, the queue and the workers. */
interface DemoRun {
  readonly sluice: Sluice;
  readonly scaled: Scaled;
  readonly queue: string;
  readonly folder: string;
  readonly ids: readonly string[];
  readonly publishedAt: number;
}

async function facts(run: DemoRun): Promise<DemoSummary> {
  const endedAt = Date.now();
  const { peak: peakWorkers, workerSeconds } = run.scaled.target.stats();
  return summarize({
    ids: run.ids,
    record: readRecord(run.folder),
    depth: await run.sluice.depth(run.queue),
    publishedAt: run.publishedAt,
    endedAt,
    peakWorkers,
    finalWorkers: (await run.scaled.target.status()).workers.length,
    workerSeconds,
  });
}

interface Watched extends DemoRun {
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
