import { InvalidArgumentError, Option } from "commander";
import { isSluiceError, type LogLevel, logLevels, toMs } from "../core/index.ts";

/** Where the queues are when nobody says: a file in the working directory. */
export const defaultUrl = "sqlite:sluice.db";

/** `--url`, for every command that talks to queues. The environment is the place for URLs with a password. */
export function urlOption(): Option {
  return new Option("--url <url>", "the queue, such as sqlite:jobs.db")
    .env("SLUICE_URL")
    .default(defaultUrl);
}

/** `--log-level`. */
export function logLevelOption(level: LogLevel): Option {
  return new Option("--log-level <level>", "what to log on standard error")
    .choices([...logLevels])
    .default(level);
}

/** `--json`. */
export function jsonOption(what: string): Option {
  return new Option("--json", what);
}

/** `-f`, for every command that reads KEDA's YAML. */
export function specFilesOption(): Option {
  return new Option("-f, --file <path>", "YAML or JSON: a file, a folder with all below it, or -")
    .argParser(collect)
    .makeOptionMandatory();
}

/** Reads a whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least}.`);
  };
}

/** Checks a duration and passes its text on. */
export function duration(text: string): string {
  try {
    toMs(text);
    return text;
  } catch (error) {
    if (isSluiceError(error))
      throw new InvalidArgumentError("Expected a duration such as 250ms, 30s, 5m or 1h.");
    throw error;
  }
}

/** Collects a repeated option into a list. */
export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

/** A field that is there where its value is. */
export function given<K extends string, T>(
  name: K,
  value: T | undefined,
): { readonly [key in K]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [key in K]?: T };
}
