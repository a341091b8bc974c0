/**
 * From the texts of metadata to values, by KEDA's rules (pkg/scalers/scalersconfig/typed_config.go): numbers are JSON
 * numbers, truth values and durations are Go's. Each function throws an `Error` that says what was expected.
 */

/** JSON's grammar of numbers (RFC 8259, 6), which refuses `05`, `+5`, `.5` and `0x5`. */
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const jsonInteger = /^-?(?:0|[1-9]\d*)$/;

export function parseFloatNumber(text: string): number {
  const value = jsonNumber.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value))
    throw new Error("a number such as 5 or 0.5, without leading zero or plus sign");
  return value;
}

export function parseInteger(text: string): number {
  const value = jsonInteger.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value))
    throw new Error("a whole number such as 5, without leading zero, plus sign or decimal point");
  return value;
}

const yes: readonly string[] = ["1", "t", "T", "TRUE", "true", "True"];
const no: readonly string[] = ["0", "f", "F", "FALSE", "false", "False"];

export function parseFlag(text: string): boolean {
  if (yes.includes(text)) return true;
  if (no.includes(text)) return false;
  throw new Error("true or false");
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const durationPart = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
const wholeDuration = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;

export function parseGoDuration(text: string): number {
  const ms = wholeDuration.test(text) ? sumOfParts(text) : Number.NaN;
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : ms;
  if (Number.isNaN(value))
    throw new Error("a duration such as 300ms, 5s or 1m30s, or a whole number of milliseconds");
  if (value < 0) throw new Error("a duration that is not negative");
  return value;
}

function sumOfParts(text: string): number {
  const ms = [...text.matchAll(durationPart)]
    .map(([, amount, unit = ""]) => Number(amount) * (unitMs[unit] ?? Number.NaN))
    .reduce((sum, part) => sum + part, 0);
  return text.startsWith("-") ? -ms : ms;
}

export function parseList(text: string): readonly string[] {
  return text.split(",").map((item) => item.trim());
}

export function parsePairs(text: string): ReadonlyMap<string, string> {
  const pairs = parseList(text).map((item): [string, string] => {
    const [name = "", value = "", ...more] = item.split("=");
    if (!item.includes("=") || more.length > 0) throw new Error("key=value pairs between commas");
    return [name.trim(), value.trim()];
  });
  return new Map(pairs);
}

export function parseQuery(text: string): URLSearchParams {
  return new URLSearchParams(text);
}

export function parseChoice<Choice extends string>(
  choices: readonly Choice[],
  text: string,
): Choice {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new Error(`one of ${choices.join(", ")}`);
  return found;
}

/**
 * Whole numbers and ranges between commas: `0-3,7`. KEDA's `partitionLimitation`. Refuses more than 100,000, which no
 * topic has.
 */
export function parseRanges(text: string): readonly number[] {
  return parseList(text).flatMap((item) => {
    const [first, last = first] = item.split("-").map((end) => end.trim());
    const [from, to] = [Number(first), Number(last)];
    if (!/^\d+(\s*-\s*\d+)?$/.test(item) || to - from > 100_000)
      throw new Error("whole numbers and ranges between commas, such as 0-3,7");
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, step) => from + step);
  });
}
