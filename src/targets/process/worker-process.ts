/**
 * One operating-system process that works jobs, in a process group of its own.
 *
 * States: running → (exits, or could not be started) ended. The group dies with its leader, whatever ended it: commands
 * that the worker had started do not outlive it, except those that moved to a group of their own. `onExit` comes once,
 * after the process is gone and its output was handed over.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Clock } from "../../core/index.ts";
import { createLineSplitter } from "./line-splitter.ts";
import { type DrainMessage, decodeWorkerMessage, type WorkerMessage } from "./protocol.ts";
import type { WorkerExit } from "./worker-exit.ts";

/** Where a line came from. */
export type OutputStream = "stdout" | "stderr";

/** What is started. */
export interface WorkerCommand {
  /** The executable and its arguments; no shell reads them. */
  readonly command: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** Who hears of what a process says and does. */
export interface WorkerProcessListener {
  onMessage(message: WorkerMessage): void;
  onLine(stream: OutputStream, line: string): void;
  onExit(exit: WorkerExit): void;
}

/** See the top of this file. */
export interface WorkerProcess {
  /** Absent when the process could not be started. */
  readonly pid: number | undefined;
  /** Asks it to finish and leave: by message, or with SIGTERM where it closed the channel. */
  drain(graceMs: number): void;
  /** SIGTERM to the process itself, as Kubernetes does, for one that knows no messages. */
  terminate(): void;
  /** SIGKILL to the whole group. */
  kill(): void;
}

const tailLines = 20;
const tailLength = 4000;
/** How long to wait for the last output of a dead worker that left its pipes to someone else. */
const lastOutputMs = 500;

/** Starts a process. Never throws: a failure to start reaches `onExit`. */
export function startWorkerProcess(
  command: WorkerCommand,
  clock: Clock,
  listener: WorkerProcessListener,
): WorkerProcess {
  const child = spawnGroup(command);
  if (child instanceof Error) {
    const exit = { code: null, signal: null, startError: child, stderrTail: "" };
    process.nextTick(() => listener.onExit(exit));
    const nothing = (): void => undefined;
    return { pid: undefined, drain: nothing, terminate: nothing, kill: nothing };
  }
  const tail = forwardOutput(child, listener);
  child.on("message", (value) => {
    const message = decodeWorkerMessage(value);
    if (message !== null) listener.onMessage(message);
  });
  reportExit(child, { clock, tail, listener });
  const terminate = (): void => {
    child.kill("SIGTERM");
  };
  return {
    pid: child.pid,
    drain(graceMs) {
      const message: DrainMessage = { type: "drain", graceMs };
      if (!child.connected) terminate();
      else child.send(message, (error) => error !== null && terminate());
    },
    terminate,
    kill: () => killGroup(child.pid),
  };
}

function spawnGroup({ command: [file = "", ...args], env, cwd }: WorkerCommand) {
  try {
    return spawn(file, args, {
      env: { ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true,
    });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Hands lines to the listener; yields the end of standard error. */
function forwardOutput(child: ChildProcess, listener: WorkerProcessListener): () => string {
  const tail: string[] = [];
  for (const name of ["stdout", "stderr"] as const) {
    const lines = createLineSplitter((line) => {
      if (name === "stderr") tail.push(line);
      if (tail.length > tailLines) tail.shift();
      listener.onLine(name, line);
    });
    const stream = child[name];
    stream?.setEncoding("utf8");
    stream?.on("data", (text: string) => lines.write(text));
    stream?.on("close", () => lines.end());
    // A pipe that breaks says no more than the exit that follows.
    stream?.on("error", () => undefined);
  }
  return () => tail.join("\n").slice(-tailLength);
}

interface ExitReport {
  readonly clock: Clock;
  readonly tail: () => string;
  readonly listener: WorkerProcessListener;
}

function reportExit(child: ChildProcess, { clock, tail, listener }: ExitReport): void {
  let isReported = false;
  const report = (how: Omit<WorkerExit, "stderrTail">): void => {
    if (isReported) return;
    isReported = true;
    listener.onExit({ ...how, stderrTail: tail() });
  };
  child.on("error", (error) => {
    // Later ones are failed sends and signals; the exit tells what matters.
    if (child.pid === undefined) report({ code: null, signal: null, startError: error });
  });
  child.once("exit", (code, signal) => {
    killGroup(child.pid);
    const ended = (): void => report({ code, signal, startError: null });
    const cancel = clock.after(lastOutputMs, ended);
    child.once("close", () => {
      cancel();
      ended();
    });
  });
}

/** Kills every process of the group that `pid` leads or led; none left is fine. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && isGone(error.code))) throw error;
  }
}

/** ESRCH: nobody there. EPERM: macOS answers so for a group of zombies. */
function isGone(code: unknown): boolean {
  return code === "ESRCH" || code === "EPERM";
}
