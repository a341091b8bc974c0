import { spawn } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** A program that a test server needs. */
export interface Needed {
  readonly program: string;
  /** Looked into after PATH. */
  readonly folders: () => readonly string[];
  readonly debianPackage: string;
  /** The environment variable that names a server to use instead. */
  readonly variable: string;
}

/** What decides whether a program is there or can be had. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isDebian: boolean;
  readonly isRoot: boolean;
  isExecutable(path: string): boolean;
  /** Installs a Debian package. */
  install(debianPackage: string): Promise<void>;
}

/** The path of a program; its Debian package is installed when it is missing and we may. Rejects with what to do. */
export async function find(needed: Needed, machine: Machine = thisMachine): Promise<string> {
  const found = search(needed, machine);
  if (found !== null) return found;
  const obstacle = whyNotInstall(machine);
  if (obstacle === null) await machine.install(needed.debianPackage);
  const installed = search(needed, machine);
  if (installed !== null) return installed;
  throw new Error(missing(needed, obstacle ?? "its Debian package did not bring it"));
}

/** Why a server cannot be had here, known without trying; `null` when it can. */
export function whyMissing(needed: Needed, machine: Machine = thisMachine): string | null {
  const isNamed = machine.env[needed.variable] !== undefined;
  if (isNamed || search(needed, machine) !== null) return null;
  const obstacle = whyNotInstall(machine);
  return obstacle === null ? null : missing(needed, obstacle);
}

function missing(needed: Needed, obstacle: string): string {
  return `${needed.program} is not installed and ${obstacle}: install it, or set ${needed.variable}`;
}

function search({ program, folders }: Needed, { env, isExecutable }: Machine): string | null {
  const path = env.PATH?.split(delimiter) ?? [];
  // A server's own folders go first: Debian's `rabbitmq-server` in PATH changes user and folder.
  return [...folders(), ...path].map((folder) => join(folder, program)).find(isExecutable) ?? null;
}

function whyNotInstall({ isDebian, isRoot }: Machine): string | null {
  if (!isDebian) return "this is not Debian";
  return isRoot ? null : "installing it takes root";
}

const thisMachine: Machine = {
  env: process.env,
  isDebian: existsSync("/etc/debian_version") && existsSync("/usr/bin/apt-get"),
  isRoot: process.getuid?.() === 0,
  isExecutable,
  install,
};

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

let installing: Promise<void> = Promise.resolve();
let isUpdated = false;

/** One after the other, also of several test processes: apt does not wait for the lock of its lists. */
function install(debianPackage: string): Promise<void> {
  const next = installing.then(async () => {
    if (!isUpdated) await apt(["update"]);
    isUpdated = true;
    await apt(["install", "-y", "--no-install-recommends", debianPackage]);
  });
  installing = next.catch(() => undefined);
  return next;
}

function apt(args: readonly string[]): Promise<void> {
  // Run level 1 keeps the packages from starting services of their own.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const lock = join(tmpdir(), "sluice-test-apt.lock");
  return run("flock", [lock, "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", ...args], { env });
}

/** Runs a program to its end; rejects with its output when that is a failure. */
export function run(
  file: string,
  args: readonly string[],
  options: {
    readonly env?: NodeJS.ProcessEnv;
    readonly cwd?: string;
    readonly uid?: number;
    readonly gid?: number;
    readonly signal?: AbortSignal;
  } = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        output += text;
      });
    }
    child.once("error", reject);
    child.once("close", (status) => {
      if (status === 0) resolve();
      else
        reject(new Error(`${file} ${args[0] ?? ""} ended with ${status}:\n${output.slice(-2000)}`));
    });
  });
}
