/**
 * Any command as a job handler: the body on its standard input, what is known about the job in its environment, its
 * exit status as the outcome. The statuses are those of sysexits.h that mean the same.
 *
 * 0 acknowledges · 75 (EX_TEMPFAIL) and all others follow the retry policy · 65 (EX_DATAERR) dead-letters at once.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  checkQueueName,
  type Job,
  type JobHandler,
  type JobOptions,
  SluiceError,
  toMs,
  toRetryPolicy,
} from "../core/index.ts";

/** What a command is run with. */
export interface ExecOptions extends Pick<JobOptions, "retry" | "timeout"> {
  /** Environment of the command besides the job's variables. Default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

const isWindows = process.platform === "win32";

/** The end of standard error that goes into a failure's reason. */
const tailBytes = 2000;

/** How long a command may take to obey SIGTERM before SIGKILL. */
const obeyMs = 900;

const exitDataError = 65;

/**
 * The command runs in a process group of its own, beside a watcher that kills the group when this worker's end of a
 * pipe (descriptor 3) closes: no command outlives its worker, not even after kill -9.
 */
const guarded = `
{ read -r _ <&3; kill -s KILL 0; } 2>/dev/null &
watcher=$!
exec 3<&-
eval "$SLUICE_COMMAND"
status=$?
kill "$watcher" 2>/dev/null
exit $status`;

/**
 * A handler for `queue` that runs `command` through the shell for each job. The command sees `SLUICE_ID`,
 * `SLUICE_QUEUE`, `SLUICE_ATTEMPT`, `SLUICE_MAX_ATTEMPTS`, `SLUICE_PUBLISHED_AT` and one `SLUICE_HEADER_NAME` for each
 * header. When the job's signal aborts the command gets SIGTERM, then SIGKILL, with everything it has started.
 * Throws `COMMAND_NOT_FOUND` when its first word is no command.
 */
export function execHandler(queue: string, command: string, options: ExecOptions = {}): JobHandler {
  checkCommand(command, options);
  return {
    queue: checkQueueName(queue),
    retry: toRetryPolicy(options.retry),
    timeoutMs: options.timeout === undefined ? null : toMs(options.timeout, "timeout"),
    decode: async () => undefined,
    run: (_input, job) => runCommand(command, job, options),
  };
}

/** Asks the shell itself, so that built-ins and functions count; a command that starts with an expansion is let pass. */
function checkCommand(command: string, options: ExecOptions): void {
  const word = /^\s*(?:[A-Za-z_]\w*=\S*\s+)*(\S+)/.exec(command)?.[1];
  if (word === undefined)
    throw new SluiceError("COMMAND_NOT_FOUND", "--exec must name a command; got an empty text.");
  if (isWindows || !/^[\w./+-]+$/.test(word)) return;
  const found = spawnSync("sh", ["-c", 'command -v -- "$1"', "sh", word], {
    env: options.env,
    cwd: options.cwd,
  });
  if (found.status !== 0) {
    throw new SluiceError(
      "COMMAND_NOT_FOUND",
      `--exec must name a command that the shell finds; ${word} is not one. Check its spelling, PATH and execute permission (chmod +x).`,
    );
  }
}

async function runCommand(command: string, job: Job, options: ExecOptions): Promise<unknown> {
  job.signal.throwIfAborted();
  const child = start(command, job, options);
  const stopKilling = killOnAbort(child, job.signal);
  try {
    const { status, signal, tail } = await ended(child, job.body);
    if (status === 0) return undefined;
    const how = status === null ? `was killed by ${signal}` : `exited with status ${status}`;
    const failure = `the command ${how}${tail === "" ? "" : `: ${tail}`}`;
    if (status === exitDataError) return job.deadLetter(failure);
    throw new SluiceError("COMMAND_FAILED", failure);
  } finally {
    stopKilling();
  }
}

function start(command: string, job: Job, options: ExecOptions): ChildProcess {
  const env = { ...(options.env ?? process.env), ...jobVariables(job) };
  const common = { env, cwd: options.cwd };
  if (isWindows)
    return spawn(command, { ...common, shell: true, stdio: ["pipe", "inherit", "pipe"] });
  return spawn("sh", ["-c", guarded], {
    ...common,
    env: { ...env, SLUICE_COMMAND: command },
    detached: true,
    stdio: ["pipe", "inherit", "pipe", "pipe"],
  });
}

function jobVariables(job: Job): Record<string, string> {
  const variables: Record<string, string> = {
    SLUICE_ID: job.id,
    SLUICE_QUEUE: job.queue,
    SLUICE_ATTEMPT: String(job.attempt),
    SLUICE_MAX_ATTEMPTS: String(job.maxAttempts),
    SLUICE_PUBLISHED_AT: job.publishedAt?.toISOString() ?? "",
  };
  for (const [name, value] of Object.entries(job.headers)) {
    variables[`SLUICE_HEADER_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`] = value;
  }
  return variables;
}

interface CommandEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly tail: string;
}

function ended(child: ChildProcess, body: Uint8Array): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    let tail = Buffer.alloc(0);
    child.stderr?.on("data", (chunk: Buffer) => {
      process.stderr.write(chunk);
      tail = Buffer.concat([tail, chunk]).subarray(-tailBytes);
    });
    // A command need not read its input, and it may end before the watcher's pipe: its status says how it went.
    for (const pipe of [child.stdin, child.stdio[3]]) pipe?.on("error", () => undefined);
    child.stdin?.end(body);
    child.once("error", (cause) =>
      reject(
        new SluiceError("COMMAND_FAILED", `the command could not be started: ${cause.message}`, {
          cause,
        }),
      ),
    );
    child.once("close", (status, signal) =>
      resolve({ status, signal, tail: tail.toString("utf8").trim() }),
    );
  });
}

function killOnAbort(child: ChildProcess, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    killGroup(child, "SIGTERM");
    timer = setTimeout(() => killGroup(child, "SIGKILL"), obeyMs);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  return () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  };
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(isWindows ? child.pid : -child.pid, signal);
  } catch (error) {
    // Already gone is what was wanted.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
