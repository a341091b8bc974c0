import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { SluiceError } from "../core/index.ts";

/** One line of a file of jobs. */
export interface JobLine {
  /** 1 for the first. */
  readonly line: number;
  /** Without its end. */
  readonly bytes: Buffer;
  /** Bytes read so far, for a progress bar. */
  readonly bytesRead: number;
}

const byteOrderMark = Buffer.from("\uFEFF");
const lineFeed = 10;
const carriageReturn = 13;

/**
 * The lines of a stream that are not blank, cut at line feeds and nowhere else, since a body is exactly its line's bytes.
 * A byte order mark and a carriage return before the line feed are left out.
 */
export async function* readLines(input: Readable, name: string): AsyncGenerator<JobLine> {
  let line = 0;
  let bytesRead = 0;
  for await (const raw of cutLines(input, name)) {
    line += 1;
    bytesRead += raw.byteLength + 1;
    const bytes = withoutMarks(raw, line);
    if (bytes.toString("latin1").trim() !== "") yield { line, bytes, bytesRead };
  }
}

async function* cutLines(input: Readable, name: string): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
        yield Buffer.concat([...rest, chunk.subarray(start, end)]);
        rest = [];
        start = end + 1;
      }
      rest.push(chunk.subarray(start));
    }
  } catch (cause) {
    throw unreadable(name, cause);
  }
  yield Buffer.concat(rest);
}

function withoutMarks(raw: Buffer, line: number): Buffer {
  const isMarked = line === 1 && raw.subarray(0, byteOrderMark.length).equals(byteOrderMark);
  const start = isMarked ? byteOrderMark.length : 0;
  return raw.subarray(start, raw.at(-1) === carriageReturn ? -1 : undefined);
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

/** The line as text. Throws `DATA_INVALID` with file and line for bytes that are no UTF-8. */
export function textOf(line: JobLine, name: string): string {
  if (isUtf8(line.bytes)) return line.bytes.toString("utf8");
  throw new SluiceError(
    "DATA_INVALID",
    `${name}:${line.line}: expected UTF-8 text; got bytes that are none. Convert it, for example: iconv -f latin1 -t utf8`,
  );
}

/** The line as a JSON value. Throws `DATA_INVALID` with file and line. */
export function jsonOf(line: JobLine, name: string): unknown {
  const text = textOf(line, name);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const start = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
    throw new SluiceError(
      "DATA_INVALID",
      `${name}:${line.line}: expected one JSON value; got ${start} (${why}). Correct the line, or pass --text to publish lines as plain text.`,
      { cause },
    );
  }
}
