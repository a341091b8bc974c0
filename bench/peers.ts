/** The libraries that Sluice is measured against, with a Node that all of them run on. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "peers");
const node = join(folder, "node_modules/.bin/node");

/** Installs them when they are missing: into a folder of their own, never beside Sluice's dependencies. */
export async function installPeers(): Promise<void> {
  if (existsSync(node)) return;
  console.error("installing the peers into bench/peers/node_modules …");
  const args = ["install", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", folder];
  const { status } = spawnSync("npm", args, { stdio: ["ignore", 2, 2] });
  if (status !== 0 || !existsSync(node))
    throw new Error(`npm ${args.join(" ")} did not bring the peers; see its output above.`);
}

/** Every contender runs on it, ourselves too: the newest that a peer needs. */
export function nodeForPeers(): string {
  return node;
}
