import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

/** A process of this machine. */
export interface FoundProcess {
  readonly pid: number;
  /** The process that has started it, or that it was left to. */
  readonly parent: number;
  readonly command: string;
}

/** The live processes whose command line or environment holds `text`. Zombies have neither and are not among them. */
export function processesWith(text: string): readonly FoundProcess[] {
  const found = existsSync("/proc/self/environ") ? fromProc(text) : fromPs(text);
  return found.filter(({ pid }) => pid !== process.pid);
}

/** Waits until no process holds `text`; throws, naming those that are left, when that takes too long. */
export async function expectNoProcessesWith(text: string, withinMs: number): Promise<void> {
  const giveUpAt = Date.now() + withinMs;
  for (;;) {
    const left = processesWith(text);
    if (left.length === 0) return;
    if (Date.now() >= giveUpAt) throw new Error(`left after ${withinMs} ms:\n${describe(left)}`);
    await wait(50);
  }
}

/** SIGKILL to each of them that is still there. */
export function killAll(found: readonly FoundProcess[]): void {
  for (const { pid } of found) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      // Gone by itself is as good.
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
}

function describe(left: readonly FoundProcess[]): string {
  return left.map(({ pid, command }) => `  ${pid} ${command}`).join("\n");
}

function fromProc(text: string): readonly FoundProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const command = procFile(name, "cmdline");
      const isMeant = command.includes(text) || procFile(name, "environ").includes(text);
      if (!isMeant) return [];
      const parent = Number(/\) \w (\d+)/.exec(procFile(name, "stat"))?.[1]);
      return [{ pid: Number(name), parent, command }];
    });
}

/** Empty when the process has ended meanwhile or belongs to somebody else. */
function procFile(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

function fromPs(text: string): readonly FoundProcess[] {
  const { stdout } = spawnSync("ps", ["axeww", "-o", "pid=,ppid=,command="], { encoding: "utf8" });
  return stdout
    .split("\n")
    .filter((line) => line.includes(text))
    .map((line) => {
      const [pid, parent, ...command] = line.trim().split(/\s+/);
      return { pid: Number(pid), parent: Number(parent), command: command.join(" ").slice(0, 200) };
    });
}
