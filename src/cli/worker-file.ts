import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { describeError, SluiceError } from "../core/index.ts";
import { isWorkerDefinition, type WorkerDefinition } from "../worker/index.ts";

const typescriptEndings = new Set([".ts", ".mts", ".cts", ".tsx"]);

/**
 * The worker that a file exports, as default or by any name. TypeScript runs where Node can run it (from 22.18), else
 * through `tsx` when that is installed. Rejects with `WORKER_FILE_INVALID` or `CLIENT_MISSING`.
 */
export async function loadWorkerFile(file: string): Promise<WorkerDefinition> {
  const path = resolve(file);
  if (!existsSync(path))
    throw new SluiceError(
      "WORKER_FILE_INVALID",
      `the worker file ${path} does not exist. Create one with: sluice init`,
    );
  if (typescriptEndings.has(extname(path)) && !runsTypescript()) await loadTsx(path);
  const exported = await importFile(path);
  const found = candidates(exported).find(isWorkerDefinition);
  if (found) return found;
  const names = Object.keys(exported).join(", ") || "nothing";
  throw new SluiceError(
    "WORKER_FILE_INVALID",
    `${path} must export what defineWorker returns; it exports ${names}. Write: export default defineWorker({ handlers: [...] })`,
  );
}

/** Whether this Node, or an installed tsx, can run TypeScript files of this folder. */
export function canRunTypescript(folder: string): boolean {
  if (runsTypescript()) return true;
  try {
    createRequire(resolve(folder, "worker.ts")).resolve("tsx");
    return true;
  } catch {
    return false; // resolving is the question; failing to is the answer
  }
}

function runsTypescript(): boolean {
  return Boolean(Reflect.get(process.features, "typescript"));
}

async function loadTsx(path: string): Promise<void> {
  let entry: string;
  try {
    entry = createRequire(path).resolve("tsx");
  } catch (cause) {
    const fix = "npm install tsx, use Node 22.18 or newer, or compile the file to JavaScript";
    throw new SluiceError(
      "CLIENT_MISSING",
      `Node ${process.versions.node} cannot run ${path} by itself: ${fix}.`,
      { cause },
    );
  }
  // What `node --import tsx` does. Not tsx/esm/api: resolved from here it is the CommonJS file, which cannot register.
  await import(pathToFileURL(entry).href);
}

async function importFile(path: string): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (cause) {
    throw new SluiceError(
      "WORKER_FILE_INVALID",
      `${path} does not load: ${describeError(cause)}. Correct it; node --check or tsc tells more.`,
      { cause },
    );
  }
}

/** The exports of a file that was loaded as CommonJS, as TypeScript is outside "type": "module", are one level down. */
function candidates(exported: Record<string, unknown>): readonly unknown[] {
  const outer = Object.values(exported);
  const inner = outer.flatMap((value) =>
    typeof value === "object" && value !== null ? Object.values(value) : [],
  );
  return [exported.default, ...outer, ...inner];
}
