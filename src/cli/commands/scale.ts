import { Command } from "commander";
import {
  describeError,
  type Logger,
  type LogLevel,
  SluiceError,
  systemClock,
  toMs,
} from "../../core/index.ts";
import { connect } from "../../drivers/index.ts";
import {
  type AutoscalerFlags,
  autoscalerDefaults,
  type Connections,
  createConnections,
  type Decision,
  explainDecision,
} from "../../scaler/index.ts";
import {
  formatProblem,
  nameOf,
  readSpecs,
  type ScaledJob,
  type ScaledObject,
  type SpecSet,
} from "../../specs/index.ts";
import { createTriggers } from "../../triggers/index.ts";
import { duration, jsonOption, logLevelOption, specFilesOption } from "../options.ts";
import { type MetricsServer, parseMetricsAddress, serveMetrics } from "../scale/metrics-server.ts";
import { type ScaledUnits, startUnits } from "../scale/scaled-units.ts";
import { createScalerMetrics, type ScalerMetrics } from "../scale/scaler-metrics.ts";
import { stopOnSignals, untilAborted } from "../stop-on-signals.ts";
import { commandLogger, printJson } from "../terminal.ts";

interface ScaleCommandOptions {
  readonly file: readonly string[];
  readonly dryRun?: true;
  readonly json?: true;
  readonly metrics?: ReturnType<typeof parseMetricsAddress>;
  readonly syncPeriod?: string;
  readonly downscaleStabilization?: string;
  readonly logLevel: LogLevel;
}

const examples = `
Examples:
  $ sluice scale -f deploy/                       KEDA's YAML, with processes of this machine as replicas
  $ sluice scale -f deploy/ --dry-run             decide on the real queues, and start nothing
  $ sluice scale -f deploy/ --json                every decision with its reasons, one JSON object a line
  $ sluice scale -f deploy/ --metrics 9090        Prometheus metrics at http://127.0.0.1:9090/metrics

Each ScaledObject runs its Deployment's command, each ScaledJob its job's, or what the annotation
sluice.dev/local-command says. SIGHUP reads the files again: what changed is followed, and a file
with mistakes changes nothing. Ctrl-C lets running work end and stops everything.`;

/** `sluice scale`: KEDA's objects at work on this machine. */
export function scaleCommand(): Command {
  return new Command("scale")
    .description("scale processes of this machine by KEDA's ScaledObjects and ScaledJobs")
    .addOption(specFilesOption())
    .option("--dry-run", "decide, but start and stop nothing")
    .addOption(jsonOption("print every decision as one JSON object per line"))
    .option(
      "--metrics <address>",
      "serve Prometheus metrics at this port, or host:port (on the loopback interface)",
      parseMetricsAddress,
    )
    .option(
      "--sync-period <duration>",
      "how often the autoscaler's half looks, as a cluster sets it (15s)",
      duration,
    )
    .option(
      "--downscale-stabilization <duration>",
      "how long fewer must have been enough where behavior does not say, as a cluster sets it (5m)",
      duration,
    )
    .addOption(logLevelOption("info"))
    .addHelpText("after", examples)
    .action(scale);
}

async function scale(options: ScaleCommandOptions): Promise<void> {
  const logger = commandLogger(options.logLevel);
  const stop = new AbortController();
  stopOnSignals(stop);
  const metrics = createScalerMetrics();
  const connections = createConnections();
  const units = await start({ options, logger, metrics }, connections);
  const server = await serve(options, metrics, logger);
  const cancelReload = reloadOnSignal(options, { units, metrics, logger });
  logger.info(options.dryRun ? "deciding, without scaling" : "scaling", { objects: units.count });
  await untilAborted(stop.signal);
  logger.info("stopping; running work may end");
  cancelReload();
  await units.close();
  await connections.close();
  await server?.close();
}

/** The files are read in here and not held on to: parsed YAML with all its places is large. */
async function start(recorder: Recorder, connections: Connections): Promise<ScaledUnits> {
  const { options, logger, metrics } = recorder;
  const set = await readSpecs(options.file);
  tellOf(set, options, logger);
  const units = await startUnits(set, {
    createTrigger: createTriggers({
      connectQueue: async (url) => (await connect(url, { logger })).driver,
    }),
    ...{ connections, clock: systemClock, logger, isDryRun: options.dryRun === true },
    flags: toFlags(options),
    onDecision: (owner, decision) => record(owner, decision, recorder),
    onTurn: (owner, turn) => metrics.turn(owner, turn),
  });
  metrics.registered(set);
  return units;
}

/** A cluster's settings, with Kubernetes' defaults. */
function toFlags({ syncPeriod, downscaleStabilization }: ScaleCommandOptions): AutoscalerFlags {
  const syncPeriodMs =
    syncPeriod === undefined ? autoscalerDefaults.syncPeriodMs : toMs(syncPeriod);
  if (syncPeriodMs < shortestSyncMs)
    throw new SluiceError("OPTION_INVALID", `--sync-period must be at least ${shortestSyncMs}ms.`);
  return {
    ...autoscalerDefaults,
    syncPeriodMs,
    ...(downscaleStabilization !== undefined && {
      downscaleStabilizationMs: toMs(downscaleStabilization),
    }),
  };
}

const shortestSyncMs = 100;

function tellOf(set: SpecSet, { file }: ScaleCommandOptions, logger: Logger): void {
  const owners = [...set.scaledObjects, ...set.scaledJobs];
  if (owners.length === 0) {
    throw new SluiceError(
      "SPEC_INVALID",
      `${file.join(", ")} must hold a ScaledObject or a ScaledJob; there is none. Name the file that has one with -f.`,
    );
  }
  for (const warning of set.warnings) logger.warn(formatProblem(warning));
}

interface Recorder {
  readonly options: ScaleCommandOptions;
  readonly logger: Logger;
  readonly metrics: ScalerMetrics;
}

function record(
  owner: ScaledObject | ScaledJob,
  decision: Decision,
  { options, logger, metrics }: Recorder,
): void {
  metrics.decision(owner, decision);
  const object = nameOf(owner);
  if (options.json) printJson({ object, ...decision });
  else
    logger.debug("decided", {
      object,
      replicas: decision.replicas,
      reason: explainDecision(decision),
    });
}

async function serve(
  { metrics: address }: ScaleCommandOptions,
  metrics: ScalerMetrics,
  logger: Logger,
): Promise<MetricsServer | null> {
  if (address === undefined) return null;
  const server = await serveMetrics(address, metrics.text);
  logger.info("metrics", { url: server.url });
  return server;
}

/** Reads the files again at SIGHUP, one reading at a time. */
function reloadOnSignal(
  { file }: ScaleCommandOptions,
  parts: {
    readonly units: ScaledUnits;
    readonly metrics: ScalerMetrics;
    readonly logger: Logger;
  },
): () => void {
  const { units, metrics, logger } = parts;
  let reading: Promise<void> = Promise.resolve();
  async function reload(): Promise<void> {
    try {
      const set = await readSpecs(file);
      await units.follow(set);
      metrics.registered(set);
      logger.info("files read again", { objects: units.count });
    } catch (error) {
      logger.error("the files are not followed", { error: describeError(error) });
    }
  }
  const onSignal = (): void => {
    reading = reading.then(reload);
  };
  process.on("SIGHUP", onSignal);
  return () => process.off("SIGHUP", onSignal);
}
