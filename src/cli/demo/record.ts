import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What a handler of the demo writes down about one job it has done. Times are milliseconds since 1970. */
export interface RecordedJob {
  readonly id: string;
  readonly attempt: number;
  readonly publishedAt: number;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** Adds to this process's own file in the folder; one write per line, so a kill leaves no half of one. */
export function recordJob(folder: string, job: RecordedJob): void {
  appendFileSync(join(folder, `${process.pid}.jsonl`), `${JSON.stringify(job)}\n`);
}

/** Everything that all handlers have written so far. */
export function readRecord(folder: string): readonly RecordedJob[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".jsonl"))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"))
    .filter((line) => line !== "")
    .map((line): RecordedJob => JSON.parse(line));
}
