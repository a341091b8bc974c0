import { basename } from "node:path";
import { SluiceError } from "../../core/index.ts";

/** How a worker process ended, or why it never began. */
export interface WorkerExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The operating system's error when the process could not be started. */
  readonly startError: Error | null;
  /** The last lines that it wrote to standard error. */
  readonly stderrTail: string;
}

/** What a worker had been asked for and had said when it ended. */
export interface WorkerLife {
  readonly wasReady: boolean;
  readonly isDraining: boolean;
  /** Whether code 0 says that it is no longer needed. Else it is a worker that should be there and is not. */
  readonly mayLeave: boolean;
}

/**
 * What an exit means. `left`: asked to, or with code 0 after it was ready. `misconfigured`: starting it again cannot
 * help. `crashed`: all else, including code 0 before it was ready, which would otherwise be started again without pause.
 */
export type ExitKind = "left" | "crashed" | "misconfigured";

/** Usage error (our own exit status 2), `EX_CONFIG` of sysexits.h, and the shell's "command not found". */
const configurationCodes: ReadonlySet<number> = new Set([2, 78, 127]);
const notStartable: ReadonlySet<string> = new Set([
  "ENOENT",
  "EACCES",
  "ENOTDIR",
  "ENOEXEC",
  "E2BIG",
  "ERR_INVALID_ARG_VALUE",
]);

/** Classifies an exit. */
export function classifyExit(exit: WorkerExit, life: WorkerLife): ExitKind {
  if (life.isDraining) return "left";
  if (exit.startError !== null)
    return notStartable.has(errorCode(exit.startError)) ? "misconfigured" : "crashed";
  if (exit.code === 0 && life.wasReady && life.mayLeave) return "left";
  if (!life.wasReady && exit.code !== null && configurationCodes.has(exit.code))
    return "misconfigured";
  return "crashed";
}

/** The error of a `misconfigured` exit. Names the executable only: arguments may hold secrets. */
export function configurationError(command: readonly string[], exit: WorkerExit): SluiceError {
  const executable = basename(command[0] ?? "");
  if (exit.startError !== null) {
    return new SluiceError(
      "COMMAND_NOT_FOUND",
      `a worker needs an executable and a working directory that exist; starting ${executable} failed with ${errorCode(exit.startError)}. Check the command and the directory.`,
      { cause: exit.startError },
    );
  }
  const said = exit.stderrTail === "" ? "It wrote nothing." : `It wrote:\n${exit.stderrTail}`;
  return new SluiceError(
    exit.code === 127 ? "COMMAND_NOT_FOUND" : "WORKER_FILE_INVALID",
    `a worker must start and say that it is ready; ${executable} ended with code ${exit.code} before. Correct what it complains about and start again. ${said}`,
  );
}

/** How an exit reads in a log: `code 1`, `signal SIGKILL`, `ENOMEM`. */
export function describeExit(exit: WorkerExit): string {
  if (exit.startError !== null) return errorCode(exit.startError);
  return exit.signal === null ? `code ${exit.code}` : `signal ${exit.signal}`;
}

function errorCode(error: Error): string {
  return "code" in error ? String(error.code) : error.message;
}
