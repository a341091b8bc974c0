import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whether a process runs. One that has ended and whose parent has not looked yet does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  if (!existsSync("/proc/self/stat")) return true;
  return existsSync(stat) && !/\) [ZX] /.test(readFileSync(stat, "utf8"));
}

/** A folder for what processes of a test write. */
export interface Folder {
  readonly path: string;
  /** What a file holds; empty while it is not there. */
  read(name: string): string;
  /** The process id that a file holds, or null while it holds none. */
  pid(name: string): number | null;
  remove(): void;
}

export function temporaryFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), "sluice-"));
  const read = (name: string): string => {
    const file = join(path, name);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  };
  return {
    path,
    read,
    pid: (name) => (read(name).endsWith("\n") ? Number(read(name)) : null),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
