/**
 * Outlives the test process, however that ends: when its standard input closes, it kills the servers that were named
 * there and removes their folders. One JSON line per event: `{"pid":1}`, `{"folder":"/tmp/x"}`.
 */
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { signalTree } from "./process-tree.ts";

const pids = new Set<number>();
const folders = new Set<string>();

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

for await (const line of createInterface({ input: process.stdin })) {
  const event = JSON.parse(line) as { readonly pid?: number; readonly folder?: string };
  if (event.pid !== undefined) pids.add(event.pid);
  if (event.folder !== undefined) folders.add(event.folder);
}

for (const pid of pids) signalTree(pid, "SIGKILL");
await wait(100); // a killed process may still be writing
for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
