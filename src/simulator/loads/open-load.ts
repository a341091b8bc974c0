import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { SluiceError } from "../../core/index.ts";
import { readCsv } from "./csv.ts";
import { type CsvLoadOptions, readCsvLoad, refuseScale } from "./csv-load.ts";
import { jobCount, type Load, sliceLoad } from "./load.ts";
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
    return { load: cut(generateLoad(source, options), options), recording: null };
  const lines = linesOf(source);
  if (source.endsWith(".jsonl")) {
    const recording = await readRecording(lines, source);
    return { load: cut(recording.load, options), recording };
  }
  return { load: await readCsvLoad(await readCsv(lines, source), options), recording: null };
}

/** Only the part that is wanted, of a load that is there as a whole. */
function cut(load: Load, options: CsvLoadOptions): Load {
  const { fromMs = 0, untilMs = Number.POSITIVE_INFINITY } = options;
  refuseScale(options, load.name);
  if (fromMs === 0 && untilMs === Number.POSITIVE_INFINITY) return load;
  const part = sliceLoad(load, fromMs * 1000, Math.min(untilMs * 1000, load.spanUs + 1));
  if (jobCount(part) > 0) return part;
  throw new SluiceError(
    "LOAD_INVALID",
    `${load.name} must have at least one job between --from and --until; it has none.`,
  );
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
