/** A contender as the bench sees it: a child process that does tasks and says what they took. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";

/** What to start: a module that `contender-process.js` loads, and the broker that it uses. */
export interface ContenderPlan {
  readonly name: string;
  /** A file below `bench/`. */
  readonly module: string;
  readonly url: string;
  /** Jobs of one round; slow ones get fewer, so that a round takes about as long for all. */
  readonly sends: number;
  readonly jobs: number;
}

/** What a measured task took. */
export interface Taken {
  readonly perSecond: number;
  /** Processor time of the contender's process, in milliseconds per 1,000 jobs. */
  readonly cpuMsPerThousand: number;
}

/** A handler that started: how long after its job was sent, and when, on the machine's monotonic clock. */
export interface Start {
  readonly lateMs: number;
  readonly at: number;
}

/** A contender that runs. */
export interface Contender {
  readonly plan: ContenderPlan;
  /** Does a task of `contender-process.js`. Rejects with its error, or when the process has ended. */
  ask<T>(task: string, args?: Readonly<Record<string, unknown>>): Promise<T>;
  /** Calls back for every job that `listen` hears of. */
  onStart: (start: Start) => void;
  /** Errors that its client threw at nobody. */
  readonly strays: string[];
  close(): Promise<void>;
}

interface Message {
  readonly id?: number;
  readonly answer?: unknown;
  readonly error?: string;
  readonly stray?: string;
}

const closeWithinMs = 10_000;

/** Starts a contender on the Node of `execPath`. */
export async function startContender(plan: ContenderPlan, execPath: string): Promise<Contender> {
  const args = [join(import.meta.dirname, plan.module), plan.url];
  const child = fork(join(import.meta.dirname, "contender-process.js"), args, {
    execPath,
    execArgv: [],
  });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const strays: string[] = [];
  let lastId = 0;
  const contender: Contender = {
    plan,
    strays,
    onStart: () => undefined,
    ask<T>(task: string, given: Readonly<Record<string, unknown>> = {}): Promise<T> {
      lastId += 1;
      const id = lastId;
      return new Promise<T>((resolve, reject) => {
        if (!child.connected) return reject(new Error(`the process of ${plan.name} has ended`));
        waiting.set(id, { resolve: (value) => resolve(value as T), reject });
        child.send({ id, task, ...given });
      });
    },
    close: () => close(child, contender),
  };
  const opened = new Promise<void>((resolve, reject) => {
    child.once("exit", (code) => {
      const error = new Error(`the process of ${plan.name} ended with ${code}`);
      for (const { reject: fail } of waiting.values()) fail(error);
      reject(error);
    });
    child.on("message", (message: Message | Start | "open") => {
      if (message === "open") return resolve();
      if ("lateMs" in message) return contender.onStart(message);
      if (message.stray !== undefined) return void strays.push(message.stray);
      const asked = waiting.get(message.id ?? 0);
      waiting.delete(message.id ?? 0);
      if (message.error !== undefined) asked?.reject(new Error(`${plan.name}: ${message.error}`));
      else asked?.resolve(message.answer);
    });
  });
  await opened;
  return contender;
}

/** Politely, if it answers in time. */
async function close(child: ChildProcess, contender: Contender): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const timer = setTimeout(() => child.kill("SIGKILL"), closeWithinMs);
  await contender.ask("close").catch(() => undefined);
  await exited;
  clearTimeout(timer);
}
