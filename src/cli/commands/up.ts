import { Command, Option } from "commander";
import {
  type Clock,
  type LogLevel,
  type ObjectiveMode,
  redactUrl,
  type ScaleOptions,
  SluiceError,
  sleep,
  toMs,
} from "../../core/index.ts";
import { openQueues } from "../open-queues.ts";
import { duration, logLevelOption, urlOption, wholeNumber } from "../options.ts";
import { type Scaled, startScaled } from "../run-scaled.ts";
import { stopOnSignals, untilAborted } from "../stop-on-signals.ts";
import { colors, commandLogger, say } from "../terminal.ts";
import {
  addWorkerSource,
  toWorkerDefinition,
  type WorkerSource,
  workerArguments,
} from "../worker-source.ts";

interface UpOptions extends WorkerSource {
  readonly url: string;
  readonly min?: number;
  readonly max?: number;
  readonly perWorker?: number;
  readonly activation?: number;
  readonly cooldown?: string;
  readonly stabilization?: string;
  readonly polling?: string;
  readonly maxWait?: string;
  readonly objectiveMode?: ObjectiveMode;
  readonly exitWhenIdle?: string;
  readonly record?: string;
  readonly logLevel: LogLevel;
}

const examples = `
Examples:
  $ sluice up worker.ts                                     scale as the worker file says
  $ sluice up --queue resize --exec './resize.sh' --max 4   run a command for each job
  $ sluice up worker.ts --max-wait 5s                       let no job wait longer, with few workers
  $ sluice up worker.ts --exit-when-idle 10s                work what there is, then leave

Workers start when jobs come (also from zero), as many as --per-worker allows, and leave when they
are idle. Numbers that are not given come from the worker file's scale, or the defaults in brackets.
Ctrl-C lets running jobs end and stops all workers.`;

/** `sluice up`: as many workers on this machine as the backlog needs. */
export function upCommand(): Command {
  return addWorkerSource(new Command("up"))
    .description("keep as many workers on this machine as the backlog needs")
    .addOption(urlOption())
    .option("--min <n>", "never fewer workers (0)", wholeNumber(0))
    .option("--max <n>", "never more workers (10)", wholeNumber(1))
    .option("--per-worker <n>", "messages per worker, waiting and running ones (5)", wholeNumber(1))
    .option(
      "--activation <n>",
      "start from zero only when there are more messages than this (0)",
      wholeNumber(0),
    )
    .option(
      "--cooldown <duration>",
      "how long without work before the last workers leave (10s)",
      duration,
    )
    .option(
      "--stabilization <duration>",
      "how long fewer must have been enough before workers leave (3s)",
      duration,
    )
    .option(
      "--polling <duration>",
      "how often to look at the queue, besides at every publish (1s)",
      duration,
    )
    .option("--max-wait <duration>", "keep this wait with as few workers as it takes", duration)
    .addOption(
      new Option("--objective-mode <mode>", "what is dear under --max-wait (cost)").choices([
        "cost",
        "balanced",
        "latency",
      ]),
    )
    .option(
      "--exit-when-idle <duration>",
      "leave when all queues were empty and no worker ran for this long",
      duration,
    )
    .option("--record <path>", "write what happens to this file, for sluice simulate --load")
    .addOption(logLevelOption("info"))
    .addHelpText("after", examples)
    .action(up);
}

async function up(file: string | undefined, options: UpOptions): Promise<void> {
  const logger = commandLogger(options.logLevel);
  const definition = await toWorkerDefinition(file, options);
  const sluice = await openQueues(options.url, logger);
  const queues = definition.handlers.map((handler) => handler.queue);
  const stop = new AbortController();
  const failure: { error?: SluiceError } = {};
  const scaled = startScaled({
    sluice,
    url: options.url,
    queues,
    workerArguments: [...workerArguments(file, options), "--log-level", "warn"],
    graceMs: definition.graceMs,
    concurrency: definition.concurrency,
    scale: scaleOf(definition.scale, options),
    ...(options.record === undefined ? {} : { record: options.record }),
    logger,
    onOutput: (worker, line) => say(`${colors(process.stderr).dim(`[${worker}]`)} ${line}`),
    onFatal: (error) => {
      failure.error = error;
      stop.abort();
    },
  });
  logger.info("up", { queues: queues.join(","), url: redactUrl(options.url) });
  stopOnSignals(stop);
  const waiting =
    options.exitWhenIdle === undefined
      ? untilAborted(stop.signal)
      : untilIdle(scaled, sluice.clock, {
          idleMs: toMs(options.exitWhenIdle),
          signal: stop.signal,
        });
  await waiting;
  logger.info("stopping; running jobs may end", {
    workers: (await scaled.target.status()).workers.length,
  });
  await scaled.close();
  await sluice.close();
  if (failure.error) throw failure.error;
}

/** An option of the command wins over the worker file. */
function scaleOf(scale: ScaleOptions, options: UpOptions): ScaleOptions {
  const { maxWait = scale.objective?.maxWait, objectiveMode: mode } = options;
  if (maxWait === undefined) {
    if (mode === undefined) return { ...scale, ...scaleFlags(options) };
    throw new SluiceError(
      "OPTION_INVALID",
      "--objective-mode goes with an objective. Add --max-wait, such as --max-wait 5s.",
    );
  }
  const objective = { ...scale.objective, maxWait, ...(mode === undefined ? {} : { mode }) };
  return { ...scale, ...scaleFlags(options), objective };
}

function scaleFlags(options: UpOptions): ScaleOptions {
  const flags = {
    minReplicaCount: options.min,
    maxReplicaCount: options.max,
    messageCount: options.perWorker,
    activationMessageCount: options.activation,
    cooldownPeriod: options.cooldown,
    stabilizationWindow: options.stabilization,
    pollingInterval: options.polling,
  };
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}

/** Idle: the last decision saw no message, waiting, delayed or running, and no worker is left. */
async function untilIdle(
  scaled: Scaled,
  clock: Clock,
  wish: { readonly idleMs: number; readonly signal: AbortSignal },
): Promise<void> {
  let idleSince: number | null = null;
  while (!wish.signal.aborted) {
    const samples = scaled.engine.latest?.seen.samples ?? [];
    const isEmpty =
      samples.length > 0 &&
      samples.every((sample) => sample.value === 0 && (sample.delayed ?? 0) === 0);
    const isIdle = isEmpty && (await scaled.target.status()).workers.length === 0;
    if (!isIdle) idleSince = null;
    else idleSince ??= clock.now();
    if (idleSince !== null && clock.now() - idleSince >= wish.idleMs) return;
    await sleep(clock, 200, wish.signal).catch(() => undefined); // aborted means stop, which the loop sees
  }
}
