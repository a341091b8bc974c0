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
  const answers = createAnswers(plan.name);
  const contender: Contender = {
    plan,
    onStart: () => undefined,
    ask<T>(task: string, given: Readonly<Record<string, unknown>> = {}): Promise<T> {
      if (!child.connected)
        return Promise.reject(new Error(`the process of ${plan.name} has ended`));
      const { id, answer } = answers.expect();
      child.send({ id, task, ...given });
      return answer as Promise<T>;
    },
    close: () => close(child, contender),
  };
  await new Promise<void>((resolve, reject) => {
    child.once("exit", (code) => {
      const error = new Error(`the process of ${plan.name} ended with ${code}`);
      answers.failAll(error);
      reject(error);
    });
    child.on("message", (message: Message | Start | "open") => {
      if (message === "open") resolve();
      else if ("lateMs" in message) contender.onStart(message);
      else answers.take(message);
    });
  });
  return contender;
}

/** Tasks that are not answered yet. */
function createAnswers(name: string) {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let lastId = 0;
  let strays = 0;
  return {
    expect(): { readonly id: number; readonly answer: Promise<unknown> } {
      lastId += 1;
      const id = lastId;
      const answer = new Promise<unknown>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
      });
      return { id, answer };
    },
    take({ id = 0, answer, error, stray }: Message): void {
      if (stray !== undefined) {
        strays += 1;
        if (strays === 1) console.error(`${name} threw at nobody: ${stray}`);
        return;
      }
      const asked = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) asked?.resolve(answer);
      else asked?.reject(new Error(`${name}: ${error}`));
    },
    failAll(error: Error): void {
      for (const { reject } of waiting.values()) reject(error);
    },
  };
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
