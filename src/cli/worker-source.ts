import { type Command, Option } from "commander";
import { SluiceError } from "../core/index.ts";
import { defineWorker, execHandler, type WorkerDefinition } from "../worker/index.ts";
import { collect, duration, wholeNumber } from "./options.ts";
import { loadWorkerFile } from "./worker-file.ts";

/** The options with which `work` and `up` name a worker: a file, or queues and a command. */
export interface WorkerSource {
  readonly queue?: readonly string[];
  readonly exec?: string;
  readonly concurrency?: number;
  readonly lease?: string;
  readonly grace?: string;
  readonly timeout?: string;
  readonly attempts?: number;
}

/** Adds the argument FILE and the options of {@link WorkerSource}. */
export function addWorkerSource(command: Command): Command {
  return command
    .argument("[file]", "a file that exports a worker made by defineWorker")
    .addOption(
      new Option("--queue <name>", "without FILE: the queue to work; may be repeated").argParser(
        collect,
      ),
    )
    .option(
      "--exec <command>",
      "without FILE: the command to run for each job; it gets the body on standard input",
    )
    .option(
      "--concurrency <n>",
      "jobs at a time in one worker (default: 10, with --exec 1)",
      wholeNumber(1),
    )
    .option(
      "--lease <duration>",
      "how long a job stays taken when its worker dies (default: 30s)",
      duration,
    )
    .option(
      "--grace <duration>",
      "how long running jobs may take to end when the worker leaves (default: 30s)",
      duration,
    )
    .option("--timeout <duration>", "with --exec: the longest time one attempt may take", duration)
    .option(
      "--attempts <n>",
      "with --exec: tries before the dead-letter queue (default: 10)",
      wholeNumber(1),
    );
}

/** The worker that the arguments describe. Rejects with `OPTION_INVALID` when they name none or two. */
export async function toWorkerDefinition(
  file: string | undefined,
  source: WorkerSource,
): Promise<WorkerDefinition> {
  if (file !== undefined) return fromFile(file, source);
  const { queue: queues = [], exec: command } = source;
  if (command === undefined || queues.length === 0) {
    throw new SluiceError(
      "OPTION_INVALID",
      "name a worker file, or both --queue and --exec. For example: sluice work worker.ts, or: sluice work --queue resize --exec './resize.sh'",
    );
  }
  const { lease = "30s", grace = "30s", concurrency = 1, timeout, attempts } = source;
  const limits = {
    ...(timeout !== undefined && { timeout }),
    ...(attempts !== undefined && { retry: { attempts } }),
  };
  return defineWorker({
    handlers: queues.map((queue) => execHandler(queue, command, limits)),
    concurrency,
    lease,
    grace,
  });
}

async function fromFile(file: string, source: WorkerSource): Promise<WorkerDefinition> {
  const misplaced = (["queue", "exec", "timeout", "attempts"] as const).find(
    (name) => source[name] !== undefined,
  );
  if (misplaced !== undefined) {
    throw new SluiceError(
      "OPTION_INVALID",
      `--${misplaced} goes with --exec, not with a worker file; ${file} says it itself. Remove one of the two.`,
    );
  }
  const defined = await loadWorkerFile(file);
  return defineWorker({
    ...defined,
    concurrency: source.concurrency ?? defined.concurrency,
    lease: source.lease ?? defined.leaseMs,
    grace: source.grace ?? defined.graceMs,
  });
}

/** The arguments that make `sluice work` the same worker in another process. */
export function workerArguments(file: string | undefined, source: WorkerSource): readonly string[] {
  const flags = Object.entries(source).flatMap(([name, value]) => {
    if (value === undefined || !sourceNames.has(name)) return [];
    return (Array.isArray(value) ? value : [value]).flatMap((one) => [`--${name}`, String(one)]);
  });
  return file === undefined ? flags : [file, ...flags];
}

const sourceNames: ReadonlySet<string> = new Set<keyof WorkerSource>([
  "queue",
  "exec",
  "concurrency",
  "lease",
  "grace",
  "timeout",
  "attempts",
]);
