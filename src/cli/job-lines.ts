import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { SluiceError } from "../core/index.ts";

/** One line of a file of jobs. */
export interface JobLine {
  /** 1 for the first. */
  readonly line: number;
  /** Without its end. */
  readonly text: string;
  /** Bytes read so far, for a progress bar. */
  readonly bytesRead: number;
}

/** The lines of a stream that are not blank. A byte order mark and carriage returns are left out. */
export async function* readLines(input: Readable, name: string): AsyncGenerator<JobLine> {
  let line = 0;
  let bytesRead = 0;
  input.on("error", () => undefined); // readline hands the error on
  try {
    for await (const raw of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      line += 1;
      bytesRead += Buffer.byteLength(raw) + 1;
      const text = line === 1 ? raw.replace(/^\uFEFF/, "") : raw;
      if (text.trim() !== "") yield { line, text, bytesRead };
    }
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

/** A file as a stream. Rejects with `DATA_INVALID` when it cannot be opened. */
export function openFile(path: string): Promise<Readable> {
  return new Promise((resolve, reject) => {
    const stream = createReadStream(path);
    stream.once("open", () => resolve(stream));
    stream.once("error", (cause) => reject(unreadable(path, cause)));
  });
}

function unreadable(name: string, cause: unknown): SluiceError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SluiceError(
    "DATA_INVALID",
    `${name} cannot be read: ${why}. Name a file with one JSON value per line.`,
    { cause },
  );
}

/** Checks that a line is JSON; its bytes are published as they are. Throws `DATA_INVALID` with file and line. */
export function checkJson(line: JobLine, name: string): void {
  try {
    JSON.parse(line.text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const start = JSON.stringify(line.text.length > 60 ? `${line.text.slice(0, 60)}…` : line.text);
    throw new SluiceError(
      "DATA_INVALID",
      `${name}:${line.line}: expected one JSON value; got ${start} (${why}). Correct the line, or pass --text to publish lines as plain text.`,
      { cause },
    );
  }
}
