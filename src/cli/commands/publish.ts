import { statSync } from "node:fs";
import type { Readable } from "node:stream";
import { Command, InvalidArgumentError, Option } from "commander";
import {
  checkQueueName,
  describeError,
  type EncodedJob,
  encodeBody,
  errorTable,
  type Headers,
  isSluiceError,
  type PublishOptions,
  type Sluice,
  SluiceError,
  stderrLogger,
} from "../../core/index.ts";
import { type JobLine, jsonOf, openFile, readLines, textOf } from "../job-lines.ts";
import { openQueues } from "../open-queues.ts";
import { collect, duration, jsonOption, urlOption, wholeNumber } from "../options.ts";
import { createProgress, type Progress } from "../progress.ts";
import { colors, print, printJson, say } from "../terminal.ts";

interface PublishArguments {
  readonly url: string;
  readonly data?: readonly string[];
  readonly file?: string;
  readonly text?: true;
  readonly idField?: string;
  readonly delay?: string;
  readonly priority?: number;
  readonly header?: Headers;
  readonly onError: "stop" | "skip";
  readonly json?: true;
}

const examples = `
Examples:
  $ sluice publish resize --data '{"id":7,"width":320}'
  $ sluice publish resize --file jobs.jsonl              one JSON value per line
  $ psql -Atc 'select row_to_json(u) from users u' | sluice publish mail
  $ ls *.jpg | sluice publish resize --text              each line is a body of plain text
  $ sluice publish mail --file mails.jsonl --id-field id publishing the file again adds nothing twice

A line that is not JSON ends the run (status 65) and says which line it was; those before it are
published. --on-error skip reports the line and goes on.`;

/** `sluice publish`: jobs from arguments, a file or standard input. */
export function publishCommand(): Command {
  return new Command("publish")
    .description("put jobs on a queue")
    .argument("<queue>")
    .addOption(urlOption())
    .addOption(new Option("--data <json>", "one job; may be repeated").argParser(collect))
    .option("--file <path>", "one job per line; - is standard input, which is also the default")
    .option("--text", "bodies are plain text, not JSON")
    .option("--id-field <name>", "take each job's id from this field of its JSON object")
    .option("--delay <duration>", "not to be worked before this has passed", duration)
    .option("--priority <n>", "higher is worked first", wholeNumber(0))
    .addOption(
      new Option("--header <name=value>", "travels with every job; may be repeated").argParser(
        header,
      ),
    )
    .addOption(
      new Option("--on-error <how>", "at a bad line").choices(["stop", "skip"]).default("stop"),
    )
    .addOption(jsonOption('print {"queue","published","skipped"} as JSON'))
    .addHelpText("after", examples)
    .action(publish);
}

/** How many lines are under way at once; the connection groups them into round trips. */
const linesAtOnce = 1000;
const bytesAtOnce = 8 * 1024 * 1024;

async function publish(queue: string, options: PublishArguments): Promise<void> {
  checkQueueName(queue);
  if (options.text && options.idField !== undefined) {
    throw new SluiceError(
      "OPTION_INVALID",
      "--id-field reads JSON objects and does not go with --text. Remove one of the two.",
    );
  }
  const source = await openSource(options);
  const sluice = await openQueues(options.url, stderrLogger);
  const run: Run = { sluice, queue, options, name: source.name, published: 0, skipped: 0 };
  try {
    await publishLines(run, source);
  } finally {
    await sluice.close();
    source.progress.done();
    report(run);
  }
}

interface Source {
  readonly name: string;
  readonly lines: AsyncIterable<JobLine>;
  readonly progress: Progress;
}

interface Run {
  readonly sluice: Sluice;
  readonly queue: string;
  readonly options: PublishArguments;
  readonly name: string;
  published: number;
  skipped: number;
}

async function openSource(options: PublishArguments): Promise<Source> {
  if (options.data !== undefined) {
    if (options.file !== undefined)
      throw new SluiceError(
        "OPTION_INVALID",
        "give jobs either with --data or with --file, not both.",
      );
    return { name: "--data", lines: fromArguments(options.data), progress: createProgress(null) };
  }
  if (options.file !== undefined && options.file !== "-") {
    const stream = await openFile(options.file);
    return fromStream(stream, options.file, statSync(options.file).size);
  }
  if (process.stdin.isTTY && options.file === undefined) {
    throw new SluiceError(
      "OPTION_INVALID",
      "there is nothing to publish: give --data, --file, or pipe lines into standard input.",
    );
  }
  return fromStream(process.stdin, "standard input", null);
}

function fromStream(stream: Readable, name: string, size: number | null): Source {
  return { name, lines: readLines(stream, name), progress: createProgress(size) };
}

async function* fromArguments(data: readonly string[]): AsyncGenerator<JobLine> {
  for (const [index, text] of data.entries())
    yield { line: index + 1, bytes: Buffer.from(text), bytesRead: 0 };
}

async function publishLines(run: Run, source: Source): Promise<void> {
  let lines: JobLine[] = [];
  let bytes = 0;
  for await (const line of source.lines) {
    lines.push(line);
    bytes += line.bytes.byteLength;
    if (lines.length < linesAtOnce && bytes < bytesAtOnce) continue;
    await publishGroup(run, lines);
    source.progress.show({
      published: run.published,
      skipped: run.skipped,
      bytesRead: line.bytesRead,
    });
    lines = [];
    bytes = 0;
  }
  await publishGroup(run, lines);
}

/** Publishes the lines before the first bad one, or all good ones with `--on-error skip`. */
async function publishGroup(run: Run, lines: readonly JobLine[]): Promise<void> {
  const sends: Promise<unknown>[] = [];
  const errors: unknown[] = [];
  const count = (): void => {
    run.published += 1;
  };
  let badLine: unknown = null;
  for (const line of lines) {
    try {
      const sent = run.sluice.publishEncoded(run.queue, ...toJob(line, run));
      sends.push(sent.then(count, (error) => errors.push(atLine(run, line, error))));
    } catch (error) {
      if (tolerate(run, error)) continue;
      badLine = error;
      break;
    }
  }
  await Promise.all(sends);
  const first = errors[0] ?? badLine;
  if (first !== null) throw first;
}

/** Errors of one line can be skipped; those of the store or of the options would only repeat. */
function tolerate(run: Run, error: unknown): boolean {
  const isOfLine =
    isSluiceError(error) && (error.code === "DATA_INVALID" || error.code === "BODY_TOO_LARGE");
  if (!isOfLine || run.options.onError !== "skip") return false;
  run.skipped += 1;
  say(`${colors(process.stderr).yellow("skipped")} ${describeError(error)}`);
  return true;
}

function atLine(run: Run, line: JobLine, error: unknown): unknown {
  if (!isSluiceError(error) || errorTable[error.code].exit !== errorTable.DATA_INVALID.exit)
    return error;
  return new SluiceError(error.code, `${run.name}:${line.line}: ${error.message}`, {
    cause: error,
    retryable: error.retryable,
  });
}

function toJob(line: JobLine, run: Run): [EncodedJob, PublishOptions] {
  const { delay, priority, header: headers, idField, text } = run.options;
  const common = {
    ...(delay !== undefined && { delay }),
    ...(priority !== undefined && { priority }),
    ...(headers !== undefined && { headers }),
  };
  checkSize(line, run);
  if (text) return [encodeBody(textOf(line, run.name), "text"), common];
  const value = jsonOf(line, run.name);
  const id = idField === undefined ? {} : { id: idOf(value, idField, `${run.name}:${line.line}`) };
  return [
    { body: line.bytes, headers: {} },
    { ...common, ...id },
  ];
}

/** Before anything after it is sent: a run that stops at a line has published none of those behind it. */
function checkSize(line: JobLine, run: Run): void {
  const { maxBodyBytes } = run.sluice.driver.capabilities.limits;
  const size = line.bytes.byteLength;
  if (size <= maxBodyBytes) return;
  throw new SluiceError(
    "BODY_TOO_LARGE",
    `${run.name}:${line.line}: a body may have up to ${maxBodyBytes} bytes here; got ${size}. Store large data elsewhere and publish a reference to it.`,
  );
}

function idOf(value: unknown, field: string, place: string): string {
  const id = typeof value === "object" && value !== null ? Reflect.get(value, field) : undefined;
  if ((typeof id === "string" && id !== "") || typeof id === "number") return String(id);
  throw new SluiceError(
    "DATA_INVALID",
    `${place}: --id-field ${field} must name a text or number; got ${JSON.stringify(id) ?? "nothing"}.`,
  );
}

function report(run: Run): void {
  const { queue, published, skipped } = run;
  if (run.options.json) printJson({ queue, published, skipped });
  else print(`${published} published to ${queue}${skipped > 0 ? `, ${skipped} skipped` : ""}`);
}

function header(text: string, earlier: Headers = {}): Headers {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError("Expected name=value.");
  return { ...earlier, [name]: value };
}
