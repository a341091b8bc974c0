import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Cli } from "../support/cli.ts";
import type { Program } from "../support/program.ts";

/** What a recording worker wrote about one job. */
export interface RecordLine {
  readonly event: "start" | "end";
  readonly id: string;
  readonly attempt: number;
  readonly pid: number;
}

/** How the recording workers of a test are. */
export interface RecordingOptions {
  readonly lease?: string;
  readonly concurrency?: number;
}

const fixture = (name: string): string =>
  fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

/** The worker file of all recording workers. */
export const recordingWorker: string = fixture("recording-worker.mjs");

/** What a recording worker finds in its environment. */
export function recordingEnv(cli: Cli, options: RecordingOptions = {}): NodeJS.ProcessEnv {
  const { lease = "30s", concurrency = 1 } = options;
  return {
    RECORD_FILE: cli.path("record"),
    RECORD_LEASE: lease,
    RECORD_CONCURRENCY: String(concurrency),
  };
}

/** Starts one recording worker as a process. */
export function startRecordingWorker(cli: Cli, options?: RecordingOptions): Program {
  return cli.start(["work", recordingWorker], { env: recordingEnv(cli, options) });
}

/** Everything that the recording workers of a test have written, in order. */
export function readRecord(cli: Cli): readonly RecordLine[] {
  if (!existsSync(cli.path("record"))) return [];
  return readFileSync(cli.path("record"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [event, id = "", attempt, pid] = line.split(" ");
      if (event !== "start" && event !== "end") throw new Error(`torn record line: ${line}`);
      return { event, id, attempt: Number(attempt), pid: Number(pid) };
    });
}

/** The ids of a record's lines of one kind, one for each line. */
export function idsOf(
  record: readonly RecordLine[],
  event: RecordLine["event"],
): readonly string[] {
  return record.filter((line) => line.event === event).map(({ id }) => id);
}

/** Starts a producer of `count` jobs. */
export function startProducer(cli: Cli, count: number, lanes: number): Program {
  const url = `sqlite:${cli.path("sluice.db")}`;
  return cli.spawn([process.execPath, fixture("producer.mjs"), url, String(count), String(lanes)]);
}

/** What a producer has had confirmed; a line that its death has cut off does not count. */
export function confirmed(
  producer: Program,
): readonly { readonly id: string; readonly ms: number }[] {
  const lines = producer.stdout.split("\n").slice(0, -1);
  return lines.map((line) => {
    const [id = "", ms] = line.split(" ");
    return { id, ms: Number(ms) };
  });
}
