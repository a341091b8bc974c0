import { statSync } from "node:fs";
import type { Readable } from "node:stream";
import { Command, InvalidArgumentError, Option } from "commander";
import {
  checkQueueName,
  describeError,
  type EncodedJob,
  encodeBody,
  type Headers,
  isSluiceError,
  type PublishOptions,
  type Sluice,
  SluiceError,
  stderrLogger,
} from "../../core/index.ts";
import { connect } from "../../drivers/index.ts";
import { checkJson, type JobLine, openFile, readLines } from "../job-lines.ts";
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

async function publish(queue: string, options: PublishArguments): Promise<void> {
  checkQueueName(queue);
  const source = await openSource(options);
  const sluice = await connect(options.url, { logger: stderrLogger });
  const run = { sluice, queue, options, name: source.name, published: 0, skipped: 0 };
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
  for (const [index, text] of data.entries()) yield { line: index + 1, text, bytesRead: 0 };
}

async function publishLines(run: Run, source: Source): Promise<void> {
  let lines: JobLine[] = [];
  for await (const line of source.lines) {
    lines.push(line);
    if (lines.length < linesAtOnce) continue;
    await publishGroup(run, lines);
    source.progress.show({
      published: run.published,
      skipped: run.skipped,
      bytesRead: line.bytesRead,
    });
    lines = [];
  }
  await publishGroup(run, lines);
}

/** Publishes the lines before the first bad one, or all good ones with `--on-error skip`. */
async function publishGroup(run: Run, lines: readonly JobLine[]): Promise<void> {
  const sends: Promise<unknown>[] = [];
  let stoppedBy: unknown = null;
  for (const line of lines) {
    try {
      sends.push(run.sluice.publishEncoded(run.queue, ...toJob(line, run)));
    } catch (error) {
      if (!tolerate(run, error)) {
        stoppedBy = error;
        break;
      }
    }
  }
  for (const [index, result] of (await Promise.allSettled(sends)).entries()) {
    if (result.status === "fulfilled") run.published += 1;
    else
      stoppedBy ??= tolerate(run, result.reason) ? null : atLine(run, lines[index], result.reason);
  }
  if (stoppedBy !== null) throw stoppedBy;
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

function atLine(run: Run, line: JobLine | undefined, error: unknown): unknown {
  if (!isSluiceError(error) || line === undefined) return error;
  return new SluiceError(error.code, `${run.name}:${line.line}: ${error.message}`, {
    cause: error,
    retryable: error.retryable,
  });
}

function toJob(line: JobLine, run: Run): [EncodedJob, PublishOptions] {
  const { options } = run;
  const { delay, priority, header: headers } = options;
  const common = {
    ...(delay !== undefined && { delay }),
    ...(priority !== undefined && { priority }),
    ...(headers !== undefined && { headers }),
  };
  if (options.text) return [encodeBody(line.text, "text"), common];
  checkJson(line, run.name);
  const job = { body: Buffer.from(line.text), headers: {} };
  return [
    job,
    options.idField === undefined ? common : { ...common, id: idOf(line, run, options.idField) },
  ];
}

function idOf(line: JobLine, run: Run, field: string): string {
  const value: unknown = JSON.parse(line.text);
  const id = typeof value === "object" && value !== null ? Reflect.get(value, field) : undefined;
  if ((typeof id === "string" && id !== "") || typeof id === "number") return String(id);
  throw new SluiceError(
    "DATA_INVALID",
    `${run.name}:${line.line}: --id-field ${field} must name a text or number; got ${JSON.stringify(id) ?? "nothing"}.`,
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
