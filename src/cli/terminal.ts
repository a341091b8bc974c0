import pc from "picocolors";
import {
  createLogger,
  describeError,
  errorTable,
  formatEntry,
  isSluiceError,
  type Logger,
  type LogLevel,
} from "../core/index.ts";

/** What a command says to people goes to standard error; what scripts may want to read goes to standard output. */
export const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** See {@link print}. */
export const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** One JSON value on one line of standard output. */
export const printJson = (value: unknown): void => print(JSON.stringify(value));

/** Colours for standard error or output; plain text when it is no terminal or NO_COLOR is set. */
export function colors(stream: NodeJS.WriteStream): ReturnType<typeof pc.createColors> {
  return pc.createColors(pc.isColorSupported && stream.isTTY === true);
}

/** Whether a stream is a terminal to draw on. One that does not know its size, as in `script`, counts as 80 × 24. */
export function isTerminal(stream: NodeJS.WriteStream): boolean {
  if (stream.isTTY !== true) return false;
  stream.columns ||= 80;
  stream.rows ||= 24;
  return true;
}

/** Log lines on standard error, from `level` on. */
export function commandLogger(level: LogLevel): Logger {
  const c = colors(process.stderr);
  const paint = { debug: c.dim, info: String, warn: c.yellow, error: c.red } as const;
  return createLogger(level, (entry) => say(paint[entry.level](formatEntry(entry, Date.now()))));
}

/** Says what went wrong and returns the exit status that the error table gives it. */
export function reportError(error: unknown): number {
  const c = colors(process.stderr);
  if (isSluiceError(error)) {
    say(`${c.red("error")} ${error.message} ${c.dim(`(${error.code})`)}`);
    return errorTable[error.code].exit;
  }
  say(
    `${c.red("error")} ${error instanceof Error && error.stack ? error.stack : describeError(error)}`,
  );
  return 1;
}
