import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, statSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { isRunning as isProcessRunning, signalTree } from "./process-tree.ts";

/** How a server is started. */
export interface ServerCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** Beside PATH and LANG; nothing else of our own environment reaches a server. */
  readonly env?: NodeJS.ProcessEnv;
  readonly user?: ServerUser;
}

/** Whom a server runs as, when not as ourselves. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** A server that was started; it does not keep the test process alive, and ends with it. */
export interface ServerProcess {
  /** Resolves once its log holds `text`; rejects with the log when it ends, or time is up, before that. */
  ready(text: string, withinMs: number): Promise<void>;
  /** To the process and its descendants. */
  signalAll(signal: NodeJS.Signals): void;
  /** SIGKILL to the process and its descendants; resolves when none is left. */
  killAll(): Promise<void>;
  /** To the process alone, which takes its descendants along. Resolves when it has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
  readonly ended: Promise<void>;
}

/** Starts a server whose output goes to `server.log` of the folder. */
export function startServer(command: ServerCommand, folder: string): ServerProcess {
  const log = join(folder, "server.log");
  const output = openSync(log, "a");
  const logStart = statSync(log).size;
  const { PATH, LANG = "C.UTF-8" } = process.env;
  const child = spawn(command.file, command.args, {
    cwd: folder,
    env: { PATH, LANG, ...command.env },
    ...command.user,
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  const { pid } = child;
  if (pid === undefined) throw new Error(`cannot start ${command.file}`);
  child.unref();
  reap({ pid });

  const written = (): string => readFileSync(log).subarray(logStart).toString("utf8");
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));

  return {
    ended,
    async ready(text, withinMs) {
      const giveUpAt = Date.now() + withinMs;
      while (!written().includes(text)) {
        if (!isRunning()) throw new Error(`${command.file} ended:\n${written().slice(-4000)}`);
        if (Date.now() > giveUpAt)
          throw new Error(
            `${command.file} is not ready after ${withinMs} ms:\n${written().slice(-4000)}`,
          );
        await wait(20);
      }
    },
    signalAll(signal) {
      if (isRunning()) signalTree(pid, signal);
    },
    async killAll() {
      if (!isRunning()) return;
      child.ref();
      const members = signalTree(pid, "SIGKILL");
      await ended;
      // Orphans of a dead server are gone a moment later, and hold its memory and ports until then.
      while (members.some(isProcessRunning)) await wait(10);
    },
    async end(signal) {
      if (!isRunning()) return;
      child.ref(); // the test waits for it
      child.kill(signal);
      await ended;
    },
  };
}

let reaper: ChildProcess | null = null;

/** See `reaper.ts`. */
export function reap(event: { readonly pid: number } | { readonly folder: string }): void {
  reaper ??= startReaper();
  reaper.stdin?.write(`${JSON.stringify(event)}\n`);
}

function startReaper(): ChildProcess {
  const args = ["--import", "tsx", join(import.meta.dirname, "reaper.ts")];
  // A process group of its own: Ctrl-C in a terminal reaches everybody in ours.
  const child = spawn(process.execPath, args, {
    cwd: join(import.meta.dirname, "../../.."), // where tsx is found
    detached: true,
    env: { PATH: process.env.PATH },
    stdio: ["pipe", "ignore", "inherit"],
  });
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  return child;
}
