import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { text as readStream } from "node:stream/consumers";
import { SluiceError } from "../core/index.ts";
import { parseAll, type SpecText } from "./parse-specs.ts";
import type { SpecSet } from "./spec-set.ts";

/** Where texts come from, besides the file system. */
export interface ReadSpecsOptions {
  /** What `-` means. Default: this process's standard input. */
  readonly standardInput?: NodeJS.ReadableStream;
}

const endings = [".yaml", ".yml", ".json"];

/**
 * Reads the objects of files, of folders with all below them (`*.yaml`, `*.yml`, `*.json`, in the order of their names;
 * hidden folders and node_modules left out), and of standard input (`-`).
 * Throws `SPEC_UNREADABLE` for what cannot be read and a `SpecError` with all that is wrong in what can.
 *
 * @example
 * const { scaledObjects } = await readSpecs(["deploy/"]);
 */
export async function readSpecs(
  paths: readonly string[],
  options: ReadSpecsOptions = {},
): Promise<SpecSet> {
  const texts: SpecText[] = [];
  // One after the other: the order decides whose name came first, and folders may be large.
  for (const path of paths) texts.push(...(await textsOf(path, options)));
  return parseAll(texts);
}

async function textsOf(path: string, options: ReadSpecsOptions): Promise<readonly SpecText[]> {
  try {
    if (path === "-")
      return [{ file: "-", text: await readStream(options.standardInput ?? process.stdin) }];
    const isFolder = (await stat(path)).isDirectory();
    if (!isFolder) return [{ file: path, text: await readFile(path, "utf8") }];
    const files = await filesBelow(path);
    if (files.length === 0)
      throw new SluiceError(
        "SPEC_UNREADABLE",
        `${path} must be a folder that holds ${endings.map((end) => `*${end}`).join(", ")}; it holds none.`,
      );
    return await Promise.all(
      files.map(async (file) => ({ file, text: await readFile(file, "utf8") })),
    );
  } catch (error) {
    if (!(error instanceof Error && "code" in error && "syscall" in error)) throw error;
    throw new SluiceError(
      "SPEC_UNREADABLE",
      `${path} must be a file, a folder or - for standard input; reading it failed with ${error.code}. Check the path.`,
      { cause: error },
    );
  }
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const found: string[] = [];
  for (const entry of names) {
    const path = join(folder, entry.name);
    const isHidden = entry.name.startsWith(".") || entry.name === "node_modules";
    if (entry.isDirectory() && !isHidden) found.push(...(await filesBelow(path)));
    if (!entry.isDirectory() && !isHidden && endings.some((end) => entry.name.endsWith(end)))
      found.push(path);
  }
  return found;
}
