import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { SluiceError } from "../../core/index.ts";
import { readCsv } from "./csv.ts";
import { type CsvLoadOptions, readCsvLoad } from "./csv-load.ts";
import type { Load } from "./load.ts";
import { type Recording, readRecording } from "./recording.ts";
import { generateLoad, workloads } from "./workloads.ts";

/** A load, and the recording that it is from, if it is. */
export interface OpenedLoad {
  readonly load: Load;
  readonly recording: Recording | null;
}

/**
 * The load of a name or a file: a workload of the table, a recording (`*.jsonl`), or a table of arrivals or counts
 * (anything else). Files are read line by line. Throws `LOAD_INVALID` with file and line, or `OPTION_INVALID`.
 */
export async function openLoad(source: string, options: CsvLoadOptions = {}): Promise<OpenedLoad> {
  if (workloads.some(({ name }) => name === source))
    return { load: generateLoad(source, options), recording: null };
  const lines = linesOf(source);
  if (source.endsWith(".jsonl")) {
    const recording = await readRecording(lines, source);
    return { load: recording.load, recording };
  }
  return { load: await readCsvLoad(await readCsv(lines, source), options), recording: null };
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const stream = createReadStream(path);
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  try {
    yield* lines;
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    const names = workloads.map(({ name }) => name).join(", ");
    throw new SluiceError(
      "LOAD_INVALID",
      `${path} must be a file that can be read, or one of ${names}: ${error.message}`,
      { cause: error },
    );
  } finally {
    lines.close();
    stream.destroy();
  }
}
