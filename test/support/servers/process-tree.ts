import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/**
 * Sends a signal to a process and all that descend from it, the parent first; those that are gone are passed over.
 * Returns all of them.
 */
export function signalTree(pid: number, signal: NodeJS.Signals): readonly number[] {
  // Listed before the first is signalled: orphans have another parent.
  const members = [pid, ...descendants(pid)];
  for (const member of members) {
    try {
      process.kill(member, signal);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
  return members;
}

/** Whether a process still runs: one that is dead and waits for its parent to notice does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync("/proc/self/stat") || stateOf(pid) !== "Z";
  } catch {
    return false;
  }
}

function stateOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2)[0];
}

function descendants(pid: number): readonly number[] {
  const found = [pid];
  const all = parents();
  for (const parent of found) for (const [child, of] of all) if (of === parent) found.push(child);
  return found.slice(1);
}

/** Every process of this machine with its parent. */
function parents(): readonly (readonly [number, number])[] {
  return existsSync("/proc/self/stat") ? fromProc() : fromPs();
}

function fromProc(): readonly (readonly [number, number])[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        // pid (command, which may hold anything) state parent …
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return [[Number(name), Number(parent)] as const];
      } catch {
        return []; // ended meanwhile
      }
    });
}

function fromPs(): readonly (readonly [number, number])[] {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
  return stdout
    .trim()
    .split("\n")
    .map((line) => {
      const [pid, parent] = line.trim().split(/\s+/).map(Number);
      return [pid ?? 0, parent ?? 0] as const;
    });
}
