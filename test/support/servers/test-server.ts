import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import {
  reap,
  type ServerCommand,
  type ServerProcess,
  type ServerUser,
  startServer,
} from "./server-process.ts";

/** A broker for tests. */
export interface TestServer {
  /** With user and password, as `connect` takes it. */
  readonly url: string;
  /** Of the management API, where there is one. */
  readonly adminUrl?: string;
  /** `false` when an environment variable names the server: then it can be used, and neither stopped nor broken. */
  readonly isOurs: boolean;
  /** In an orderly way. */
  stop(): Promise<void>;
  /** Resolves when it takes connections, with everything it had stored. */
  start(): Promise<void>;
  /** Stop, then start `downMs` (default 0) later. */
  restart(options?: { readonly downMs?: number }): Promise<void>;
  /** SIGKILL to all its processes; `start` brings it back. */
  kill(): Promise<void>;
  /** SIGSTOP to all its processes: connections stay open and nobody answers. */
  pause(): void;
  /** The end of a pause. */
  resume(): void;
  /** Runs the server's own administration program, where there is one. */
  control?(...args: readonly string[]): Promise<void>;
  /** Ends it for good and removes its folder; idempotent. */
  close(): Promise<void>;
}

/** How one kind of server is run. */
export interface ServerPlan {
  readonly folder: string;
  readonly url: string;
  readonly adminUrl?: string;
  readonly command: ServerCommand;
  /** The text in its output by which it says that it takes connections. */
  readonly readyText: string;
  readonly readyWithinMs: number;
  readonly stopSignal: NodeJS.Signals;
  /** Ends what the server needs beside itself. */
  readonly closeOthers?: () => Promise<void>;
}

/** A temporary folder that goes away with the test process at the latest, and belongs to `user`. */
export function serverFolder(name: string, user?: ServerUser): string {
  const folder = mkdtempSync(join(tmpdir(), `sluice-${name}-`));
  reap({ folder });
  chmodSync(folder, 0o700);
  if (user) chownSync(folder, user.uid, user.gid);
  return folder;
}

/** Starts a server. */
export async function startPlanned(plan: ServerPlan): Promise<TestServer> {
  let running: ServerProcess | null = null;
  const start = async (): Promise<void> => {
    if (running !== null) throw new Error("the server runs already");
    running = startServer(plan.command, plan.folder);
    await running.ready(plan.readyText, plan.readyWithinMs);
  };
  const stop = async (): Promise<void> => {
    await running?.end(plan.stopSignal);
    running = null;
  };
  const kill = async (): Promise<void> => {
    await running?.killAll();
    running = null;
  };
  await start();
  return {
    url: plan.url,
    ...(plan.adminUrl !== undefined && { adminUrl: plan.adminUrl }),
    isOurs: true,
    start,
    stop,
    kill,
    async restart({ downMs = 0 } = {}) {
      await stop();
      await wait(downMs);
      await start();
    },
    pause: () => running?.signalAll("SIGSTOP"),
    resume: () => running?.signalAll("SIGCONT"),
    async close() {
      await kill();
      await plan.closeOthers?.();
      rmSync(plan.folder, { recursive: true, force: true, maxRetries: 20 });
    },
  };
}

/** A server that an environment variable names. */
export function foreignServer(variable: string, url: string): TestServer {
  const refuse = (): never => {
    throw new Error(`the server that ${variable} names is not ours to stop`);
  };
  const refuseLater = async (): Promise<void> => refuse();
  return {
    url,
    isOurs: false,
    stop: refuseLater,
    start: refuseLater,
    restart: refuseLater,
    kill: refuseLater,
    pause: refuse,
    resume: refuse,
    close: async () => undefined,
  };
}
