/** What one key of a trigger's metadata may be: the declarations that parsing, errors, documents and schema come from. */
import {
  parseChoice,
  parseFlag,
  parseFloatNumber,
  parseGoDuration,
  parseInteger,
  parseList,
  parsePairs,
  parseQuery,
} from "./metadata-values.ts";

/**
 * Where a value is looked for, in this order; the first that is not blank wins. M: the trigger's metadata. A: what the
 * authenticationRef resolved to. E: the environment variable of the target's container that the metadata names under
 * `<key>FromEnv`.
 */
export type Sources = "M" | "A" | "E" | "MA" | "AM" | "ME" | "AE" | "MAE" | "MEA" | "AME";

/** One key. `Value` is what its text is turned into. */
export interface MetadataKey<Value> {
  readonly from: Sources;
  /** For people: `text`, `integer`, `number`, `yes or no`, `duration`, `list`, `a=b,c=d`. */
  readonly kind: string;
  readonly isRequired: boolean;
  /** The text that stands for an absent value; null leaves it null. */
  readonly fallback: string | null;
  /** Other names of the same key. */
  readonly aliases: readonly string[];
  /** The allowed texts; null allows all. */
  readonly choices: readonly string[] | null;
  /** Why the key must not be used any more; null when it may. */
  readonly removed: string | null;
  /** One sentence for the documents, without its full stop. */
  readonly says: string;
  /** Throws an `Error` whose message says what was expected. */
  parse(text: string): Value;
}

/** What may be said of a key. */
export interface KeyOptions {
  readonly from: Sources;
  readonly says: string;
  readonly required?: true;
  readonly fallback?: string;
  readonly aliases?: readonly string[];
}

/** A required key and one with a default always have a value; any other may be null. */
type ValueOf<Options, Value> = Options extends { readonly required: true }
  ? Value
  : Options extends { readonly fallback: string }
    ? Value
    : Value | null;

function key<Value>(
  kind: string,
  parse: (text: string) => Value,
): <const Options extends KeyOptions>(options: Options) => MetadataKey<ValueOf<Options, Value>> {
  return (options) => ({
    from: options.from,
    kind,
    isRequired: options.required ?? false,
    fallback: options.fallback ?? null,
    aliases: options.aliases ?? [],
    choices: null,
    removed: null,
    says: options.says,
    parse: parse as (text: string) => never, // as its caller sees it, null apart
  });
}

type KeyOf<Value> = <const Options extends KeyOptions>(
  options: Options,
) => MetadataKey<ValueOf<Options, Value>>;

/** Any text. */
export const text: KeyOf<string> = key("text", (value) => value);
/** A whole number, written as in JSON: `5`, not `5.0`, `05` or `+5`. */
export const integer: KeyOf<number> = key("integer", parseInteger);
/** A number, written as in JSON. */
export const number: KeyOf<number> = key("number", parseFloatNumber);
/** A yes or no in Go's spelling: 1, t, T, TRUE, true, True and 0, f, F, FALSE, false, False. */
export const flag: KeyOf<boolean> = key("yes or no", parseFlag);
/** Go's durations (`300ms`, `1m30s`) or a whole number of milliseconds; the value is in milliseconds. */
export const duration: KeyOf<number> = key("duration", parseGoDuration);
/** Texts between commas. */
export const list: KeyOf<readonly string[]> = key("list", parseList);
/** `key=value` pairs between commas. */
export const pairs: KeyOf<ReadonlyMap<string, string>> = key("k=v,…", parsePairs);
/** A URL's query. */
export const query: KeyOf<URLSearchParams> = key("k=v&…", parseQuery);

/** One of some texts; upper and lower case differ. */
export function choice<const Choice extends string, const Options extends KeyOptions>(
  choices: readonly Choice[],
  options: Options,
): MetadataKey<ValueOf<Options, Choice>> {
  const parse = (value: string): Choice => parseChoice(choices, value);
  return { ...key("text", parse)(options), choices };
}

/** Several of some texts, between commas. */
export function choiceList<const Choice extends string, const Options extends KeyOptions>(
  choices: readonly Choice[],
  options: Options,
): MetadataKey<ValueOf<Options, readonly Choice[]>> {
  const parse = (value: string): readonly Choice[] =>
    parseList(value).map((one) => parseChoice(choices, one));
  return { ...key("list", parse)(options), choices };
}

/** A key that KEDA had once; using it is an error that says what to write instead. */
export function removed(instead: string): MetadataKey<null> {
  return { ...text({ from: "M", says: instead }), removed: instead, parse: () => null };
}

/** The keys of a trigger type by name. */
export type Declaration = Readonly<Record<string, MetadataKey<unknown>>>;

/** The values that a declaration yields. */
export type ValuesOf<Keys extends Declaration> = {
  readonly [Name in keyof Keys]: Keys[Name] extends MetadataKey<infer Value> ? Value : never;
};
