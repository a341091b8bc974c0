import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";

/** How a program ended and what it wrote. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is started. */
export interface ProgramOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Goes to standard input, which is closed after it. */
  readonly input?: string | Uint8Array;
  readonly uid?: number;
  readonly gid?: number;
}

/** A program that runs. */
export interface Program {
  readonly pid: number;
  /** What it has written so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves with how it ended; never rejects. */
  readonly exit: Promise<Ended>;
  readonly isRunning: boolean;
  kill(signal: NodeJS.Signals): void;
  /** Waits until its output matches; rejects with the output when it ends, or time is up, before that. */
  waitFor(text: string | RegExp, withinMs?: number): Promise<RegExpMatchArray>;
  /** How it ended; rejects, having killed it, when that takes longer. */
  ended(withinMs?: number): Promise<Ended>;
}

/** How long to wait for the last output of a program that left its pipes to a process of its own. */
const lastOutputMs = 300;

/** Starts `command`; no shell reads it. */
export function startProgram(command: readonly string[], options: ProgramOptions): Program {
  const [file = "", ...args] = command;
  const { input, ...how } = options;
  const child = spawn(file, args, { ...how, stdio: ["pipe", "pipe", "pipe"] });
  const { pid } = child;
  if (pid === undefined) throw new Error(`cannot start ${file}`);
  const output = collectOutput(child);
  child.stdin.on("error", () => undefined); // a program need not read its input
  child.stdin.end(input);
  const exit = exitOf(child, output);
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;

  return {
    pid,
    exit,
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return output.stderr;
    },
    get isRunning() {
      return isRunning();
    },
    kill: (signal) => void child.kill(signal),
    async waitFor(text, withinMs = 15_000) {
      const giveUpAt = Date.now() + withinMs;
      while (isRunning() && Date.now() < giveUpAt) {
        const found = find(output, text);
        if (found) return found;
        await wait(10);
      }
      if (!isRunning()) await exit; // brings the last output
      const found = find(output, text);
      if (found) return found;
      const when = isRunning() ? `within ${withinMs} ms` : "before its end";
      throw new Error(`no ${text} ${when} in\n${shown(output)}`);
    },
    async ended(withinMs = 20_000) {
      const late = AbortSignal.timeout(withinMs);
      const timeUp = new Promise<"late">((resolve) => {
        late.onabort = () => resolve("late");
      });
      const first = await Promise.race([exit, timeUp]);
      if (first !== "late") return first;
      child.kill("SIGKILL");
      throw new Error(`${command.join(" ")} runs for over ${withinMs} ms:\n${shown(output)}`);
    },
  };
}

interface Output {
  stdout: string;
  stderr: string;
}

function collectOutput(child: ChildProcess): Output {
  const output: Output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8");
    child[name]?.on("data", (text: string) => {
      output[name] += text;
    });
  }
  return output;
}

function exitOf(child: ChildProcess, output: Output): Promise<Ended> {
  return new Promise((resolve) => {
    child.once("exit", (status, signal) => {
      const end = (): void => resolve({ status, signal, ...output });
      // Late timers run before output that came in time is read, so it is read first.
      const timer = setTimeout(() => endWhenRead(output, end), lastOutputMs);
      child.once("close", () => {
        clearTimeout(timer);
        end();
      });
    });
  });
}

/** Calls `end` after a turn of the event loop that has brought no more output. */
function endWhenRead(output: Output, end: () => void): void {
  const seen = output.stdout.length + output.stderr.length;
  setImmediate(() => {
    if (output.stdout.length + output.stderr.length === seen) end();
    else endWhenRead(output, end);
  });
}

function find({ stdout, stderr }: Output, text: string | RegExp): RegExpMatchArray | null {
  const all = `${stdout}\n${stderr}`;
  if (typeof text === "string") return all.includes(text) ? [text] : null;
  return all.match(text);
}

function shown({ stdout, stderr }: Output): string {
  return `stdout: ${stdout.slice(-2000)}\nstderr: ${stderr.slice(-4000)}`;
}
