/**
 * Any command as a job handler: the body on its standard input, what is known about the job in its environment, its
 * exit status as the outcome. The statuses are those of sysexits.h that mean the same.
 *
 * 0 acknowledges · 75 (EX_TEMPFAIL) and all others follow the retry policy · 65 (EX_DATAERR) dead-letters at once.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { constants } from "node:os";
import {
  checkQueueName,
  type Job,
  type JobHandler,
  type JobOptions,
  SluiceError,
  toRetryPolicy,
  toTimeoutMs,
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

/** How long the rest of standard error is awaited after the end, in case a process that got away has it open. */
const restMs = 1000;

const exitDataError = 65;

/**
 * The command runs in a process group of its own, beside a watcher that kills the group when this worker's end of a
 * pipe (descriptor 3) closes: no command outlives its worker, not even after kill -9. The group is killed as well when
 * the command has ended. This shell and the watcher outlive SIGTERM, so that the command's own end is the end; it has a
 * shell of its own, since it may say exit or exec.
 */
const guarded = `
SLUICE_STOPPED=
trap SLUICE_STOPPED=1 TERM
{ trap '' TERM; read -r _ <&3; kill -s KILL 0; } 2>/dev/null &
exec 3<&-
[ "$SLUICE_STOPPED" ] && exit 143
sh -c "$1"
exit $?`;

/**
 * A handler for `queue` that runs `command` through the shell for each job. The command sees `SLUICE_ID`,
 * `SLUICE_QUEUE`, `SLUICE_ATTEMPT`, `SLUICE_MAX_ATTEMPTS`, `SLUICE_PUBLISHED_AT` and one `SLUICE_HEADER_NAME` for each
 * header. When the job's signal aborts the command gets SIGTERM, then SIGKILL, with everything it has started. A command
 * that finishes its job after SIGTERM is started with `exec`, or the shell around it ends first and decides the status.
 * Throws `COMMAND_NOT_FOUND` when its first word is no command.
 */
export function execHandler(queue: string, command: string, options: ExecOptions = {}): JobHandler {
  checkCommand(command, options);
  return {
    queue: checkQueueName(queue),
    retry: toRetryPolicy(options.retry),
    timeoutMs: toTimeoutMs(options.timeout),
    decode: async () => undefined,
    run: (_input, job) => runCommand(command, job, options),
  };
}

/** A path must be a file that may be executed, which not every shell's `command -v` checks. */
const isCommand = `case $1 in
*/*) [ -f "$1" ] && [ -x "$1" ] ;;
*) command -v -- "$1" ;;
esac`;

/** Asks the shell itself, so that built-ins and functions count; a command that starts with an expansion is let pass. */
function checkCommand(command: string, options: ExecOptions): void {
  const word = /^\s*(?:[A-Za-z_]\w*=\S*\s+)*(\S+)/.exec(command)?.[1];
  if (word === undefined)
    throw new SluiceError("COMMAND_NOT_FOUND", "--exec must name a command; got an empty text.");
  if (isWindows || !/^[\w./+-]+$/.test(word)) return;
  const { env, cwd } = options;
  const found = spawnSync("sh", ["-c", isCommand, "sh", word], { env, cwd });
  if (found.error) {
    const cause = found.error;
    const message = `--exec must be run by a shell, which cannot be started in ${cwd ?? "this folder"}: ${cause.message}. Check the folder and PATH.`;
    throw new SluiceError("COMMAND_NOT_FOUND", message, { cause });
  }
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
    const killedBy = signal ?? signalOf(status);
    const how = killedBy === null ? `exited with status ${status}` : `was killed by ${killedBy}`;
    const failure = `the command ${how}${tail === "" ? "" : `: ${tail}`}`;
    if (status === exitDataError) return job.deadLetter(failure);
    throw new SluiceError("COMMAND_FAILED", failure);
  } finally {
    stopKilling();
  }
}

/** The signal that a shell reports as 128 and its number. */
function signalOf(status: number | null): string | null {
  const number = (status ?? 0) - 128;
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] ?? null;
}

function start(command: string, job: Job, options: ExecOptions): ChildProcess {
  const env = { ...(options.env ?? process.env), ...jobVariables(job) };
  const common = { env, cwd: options.cwd };
  if (isWindows)
    return spawn(command, { ...common, shell: true, stdio: ["pipe", "inherit", "pipe"] });
  return spawn("sh", ["-c", guarded, "sluice", command], {
    ...common,
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
    child.once("exit", (status, signal) => {
      // What the command has left running would hold up its end and outlive it without a guard.
      killGroup(child, "SIGKILL");
      const rest = setTimeout(finish, restMs);
      child.once("close", finish);
      function finish(): void {
        clearTimeout(rest);
        for (const pipe of child.stdio) pipe?.destroy();
        resolve({ status, signal, tail: tail.toString("utf8").trim() });
      }
    });
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
    // Already gone is what was wanted; a process of another user (EPERM) is out of reach.
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}
