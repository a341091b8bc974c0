import { Command } from "commander";
import { type Logger, type LogLevel, redactUrl, toMs } from "../../core/index.ts";
import { superviseWorker, workerIdVariable } from "../../targets/index.ts";
import { startWorker, type Worker, type WorkerDefinition } from "../../worker/index.ts";
import { openQueues } from "../open-queues.ts";
import { duration, logLevelOption, urlOption } from "../options.ts";
import { recordAttempts, recordingVariable } from "../recording/record-attempts.ts";
import { commandLogger } from "../terminal.ts";
import { addWorkerSource, toWorkerDefinition, type WorkerSource } from "../worker-source.ts";

interface WorkOptions extends WorkerSource {
  readonly url: string;
  readonly exitWhenIdle?: string;
  readonly logLevel: LogLevel;
}

const examples = `
Examples:
  $ sluice work worker.ts                              run one worker from a file
  $ sluice work --queue mail --exec 'python3 mail.py'  run a command for each job
  $ sluice work worker.ts --exit-when-idle 30s         leave when nothing came for 30 s

With --exec the command gets the job's body on standard input and SLUICE_ID, SLUICE_QUEUE,
SLUICE_ATTEMPT and SLUICE_HEADER_… in its environment. Exit 0 acknowledges the job, 65 puts it
into the dead-letter queue, 75 and all others try again later.

SIGTERM and SIGINT let running jobs end within the grace period; a second one ends at once.`;

/** `sluice work`: one worker in this process. */
export function workCommand(): Command {
  return addWorkerSource(new Command("work"))
    .description("run one worker")
    .addOption(urlOption())
    .option("--exit-when-idle <duration>", "leave when nothing has run for this long", duration)
    .addOption(logLevelOption("info"))
    .addHelpText("after", examples)
    .action(work);
}

async function work(file: string | undefined, options: WorkOptions): Promise<void> {
  const logger = commandLogger(options.logLevel);
  const definition = recorded(await toWorkerDefinition(file, options), process.env);
  const sluice = await openQueues(options.url, logger);
  const idle = options.exitWhenIdle;
  const worker = startWorker(
    definition,
    sluice,
    idle === undefined ? {} : { exitWhenIdleMs: toMs(idle) },
  );
  const queues = definition.handlers.map((handler) => handler.queue).join(",");
  const stopReporting = superviseWorker(worker);
  drainOnSignals(worker, logger);
  // Whoever reads this may send a signal.
  logger.info("working", {
    queues,
    url: redactUrl(options.url),
    concurrency: definition.concurrency,
  });
  try {
    await worker.closed;
  } finally {
    await sluice.close();
    stopReporting();
  }
  logger.info("left", { completed: worker.completed, failed: worker.failed });
}

/** With what writes its attempts to a recording, where `sluice up --record` asks for it. */
function recorded(definition: WorkerDefinition, env: NodeJS.ProcessEnv): WorkerDefinition {
  const { [recordingVariable]: file, [workerIdVariable]: worker = `${process.pid}` } = env;
  if (file === undefined) return definition;
  return { ...definition, middleware: [recordAttempts(file, worker), ...definition.middleware] };
}

function drainOnSignals(worker: Worker, logger: Logger): void {
  let isLeaving = false;
  const leave = (signal: NodeJS.Signals): void => {
    logger.info(
      isLeaving ? "leaving at once; running jobs are given back" : "leaving; running jobs may end",
      { signal, running: worker.inFlight },
    );
    worker.drain(isLeaving ? 0 : undefined).catch(() => undefined); // `worker.closed` carries the error
    isLeaving = true;
  };
  process.on("SIGTERM", leave);
  process.on("SIGINT", leave);
}
