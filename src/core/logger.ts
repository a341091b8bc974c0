import { isSluiceError, showValue } from "./errors.ts";

/** Facts beside a log message; values must be fit for JSON and free of secrets. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where Sluice reports what it does. Any structured logger fits with a line or two. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** From the most talkative to the quietest. */
export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;

/** One of {@link logLevels}. */
export type LogLevel = (typeof logLevels)[number];

/** One log entry as a sink receives it. */
export interface LogEntry {
  readonly level: Exclude<LogLevel, "silent">;
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that hands entries at or above `level` to `write`. */
export function createLogger(level: LogLevel, write: (entry: LogEntry) => void): Logger {
  const least = logLevels.indexOf(level);
  const at =
    (name: LogEntry["level"]) =>
    (message: string, fields: LogFields = {}) => {
      if (logLevels.indexOf(name) >= least) write({ level: name, message, fields });
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** One line for people: time, level, message and `key=value` pairs. */
export function formatEntry(entry: LogEntry, now: number): string {
  const pairs = Object.entries(entry.fields).map(([key, value]) => ` ${key}=${fieldText(value)}`);
  return `${new Date(now).toISOString()} ${entry.level} ${entry.message}${pairs.join("")}`;
}

/** Warnings and errors to standard error, one line each: what a program gets that brings no logger of its own. */
export const stderrLogger: Logger = createLogger("warn", (entry) => {
  process.stderr.write(`${formatEntry(entry, Date.now())}\n`);
});

/** Says nothing. */
export const silentLogger: Logger = createLogger("silent", () => undefined);

function fieldText(value: unknown): string {
  if (value instanceof Error)
    return JSON.stringify(isSluiceError(value) ? `${value.code}: ${value.message}` : value.message);
  if (typeof value === "string") return /[\s"=]/.test(value) ? JSON.stringify(value) : value;
  try {
    return JSON.stringify(value) ?? "undefined";
  } catch {
    return JSON.stringify(showValue(value)); // a logger must not throw, whatever it is given
  }
}
