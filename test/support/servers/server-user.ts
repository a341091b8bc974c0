import { execFileSync } from "node:child_process";
import type { ServerUser } from "./server-process.ts";

/** The account of a server that refuses to run as root; `undefined` when we are not root. */
export function serverUser(name: string): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (what: string): number =>
    Number(execFileSync("id", [what, name], { encoding: "utf8" }).trim());
  return { uid: id("-u"), gid: id("-g") };
}
