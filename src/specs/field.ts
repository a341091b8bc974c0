/**
 * A small language to declare what a YAML document may hold. One declaration yields the reader (types, defaults, bounds,
 * every problem at once and with its place) and the JSON Schema that editors take.
 *
 * The rules are those of Kubernetes' own decoder: null is "not given", an empty text equals an absent one, a key that
 * nobody knows is dropped (here with a warning), and a number is never taken for a text nor a text for a number. Where
 * it is plain what was meant, as with a number without quotes, reading goes on after the report, so that one look at the
 * file finds the problems behind it as well.
 */
import { showValue } from "../core/index.ts";
import { suggestion } from "./suggest.ts";

/** The way from the document's top to a value: `["spec", "triggers", 0]`. */
export type Path = readonly (string | number)[];

/** Hears of what is wrong. */
export interface Report {
  error(path: Path, message: string): void;
  warn(path: Path, message: string): void;
}

/** Where a value stands, and whom to tell. */
export interface Place {
  readonly path: Path;
  readonly report: Report;
}

/** A JSON Schema, or a part of one. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Stands for a value that could not be read; the report says why. */
export const invalid: unique symbol = Symbol("invalid");

/** What reading yields. */
export type Read<T> = T | typeof invalid;

/** The declaration of one value. */
export interface Field<T> {
  /** How an error names what is expected: `a whole number from 1`. */
  readonly what: string;
  readonly schema: JsonSchema;
  read(value: unknown, at: Place): Read<T>;
  /** What stands for a key that is not there. A field without it is required. */
  readonly absent?: (at: Place) => Read<T>;
  /** An empty text counts as absent. */
  readonly isBlankAbsent?: boolean;
}

/** The place of a key or item within a place. */
export function below(at: Place, key: string | number): Place {
  return { path: [...at.path, key], report: at.report };
}

/** Keys whose values no message shows, whatever object they stand in. */
const secretKey = /pass|secret|token|key|credential|connection/i;

/** A text; not empty if `isNeeded`. `isSecret` keeps what came out of the message. */
export function text(options: { isNeeded?: boolean; isSecret?: boolean } = {}): Field<string> {
  const what = options.isNeeded ? "a text that is not empty" : "a text";
  return {
    what,
    schema: { type: "string", ...(options.isNeeded ? { minLength: 1 } : {}) },
    isBlankAbsent: !options.isNeeded,
    read(value, at) {
      if (typeof value === "string" && (value !== "" || !options.isNeeded)) return value;
      const isHidden = options.isSecret || secretKey.test(String(at.path.at(-1)));
      at.report.error(at.path, `must be ${what}; got ${noText(value, isHidden)}`);
      return isPlain(value) && !options.isSecret ? String(value) : invalid;
    },
  };
}

/** What came in place of a text, and the cure. */
function noText(value: unknown, isHidden: boolean): string {
  if (!isPlain(value)) return `${shape(value)}.`;
  const quoted = isHidden ? "quotes" : `quotes: "${value}"`;
  const came = isHidden ? `a ${typeof value}` : shape(value);
  return `${came}. Put it in ${quoted}; Kubernetes takes only texts here.`;
}

function isPlain(value: unknown): value is number | boolean {
  return typeof value === "number" || typeof value === "boolean";
}

/** A whole number between bounds, both included. The upper bound is that of Kubernetes' int32 unless given. */
export function whole(from: number = -(2 ** 31), to: number = 2 ** 31 - 1): Field<number> {
  const lower = from > -(2 ** 31) ? ` from ${from}` : "";
  const what = `a whole number${lower}${to < 2 ** 31 - 1 ? ` to ${to}` : ""}`;
  return {
    what,
    schema: { type: "integer", minimum: from, maximum: to },
    read(value, at) {
      if (typeof value === "number" && Number.isInteger(value) && value >= from && value <= to)
        return value === 0 ? 0 : value;
      const isQuoted = typeof value === "string" && /^-?\d+$/.test(value);
      const cure = isQuoted ? ` Write it without quotes: ${value}.` : "";
      at.report.error(at.path, `must be ${what}; got ${shape(value)}.${cure}`);
      return isQuoted ? Number(value) : invalid;
    },
  };
}

/** `true` or `false`. */
export function flag(): Field<boolean> {
  return {
    what: "true or false",
    schema: { type: "boolean" },
    read(value, at) {
      if (typeof value === "boolean") return value;
      const isQuoted = value === "true" || value === "false";
      const cure = isQuoted ? ` Write it without quotes: ${value}.` : "";
      at.report.error(at.path, `must be true or false; got ${shape(value)}.${cure}`);
      return isQuoted ? value === "true" : invalid;
    },
  };
}

/** One of some texts. */
export function choice<const T extends string>(values: readonly T[]): Field<T> {
  const what = values.length === 1 ? `${values[0]}` : `one of ${values.join(", ")}`;
  return {
    what,
    schema: { enum: values },
    isBlankAbsent: true,
    read(value, at) {
      const found = values.find((one) => one === value);
      if (found !== undefined) return found;
      const hint = typeof value === "string" ? suggestion(value, values) : "";
      return refuse(at, `must be ${what}; got ${shape(value)}.${hint}`);
    },
  };
}

/** A list; with at least one item if `isNeeded`. */
export function list<T>(item: Field<T>, options: { isNeeded?: boolean } = {}): Field<readonly T[]> {
  const what = options.isNeeded ? "a list of at least one item" : "a list";
  return {
    what,
    schema: { type: "array", items: item.schema, ...(options.isNeeded ? { minItems: 1 } : {}) },
    read(value, at) {
      if (!Array.isArray(value) || (options.isNeeded && value.length === 0)) {
        const cure = isMapping(value) ? ' Begin each item with "- ".' : "";
        return refuse(at, `must be ${what}; got ${shape(value)}.${cure}`);
      }
      const items = value.map((one: unknown, index) => readMember(item, one, below(at, index)));
      return allRead(items) ? items : invalid;
    },
  };
}

/** A mapping from any keys to values of one kind. A key without a value is an empty text, as it is for Kubernetes. */
export function mapping<T>(member: Field<T>, what: string): Field<Readonly<Record<string, T>>> {
  return {
    what,
    schema: { type: "object", additionalProperties: member.schema },
    read(value, at) {
      if (!isMapping(value)) return refuse(at, `must be ${what}; got ${outline(value)}.`);
      const pairs = Object.entries(value).map(([key, one]): [string, Read<T>] => [
        key,
        member.read(one ?? "", below(at, key)),
      ]);
      if (!pairs.every((pair): pair is [string, T] => pair[1] !== invalid)) return invalid;
      return Object.fromEntries(pairs);
    },
  };
}

/** A mapping from any keys to texts. */
export function texts(
  options: { isSecret?: boolean } = {},
): Field<Readonly<Record<string, string>>> {
  return mapping(text(options), "a mapping of texts");
}

/** Anything, taken as it is. For parts that nobody here looks into. */
export function anything(): Field<unknown> {
  return { what: "anything", schema: {}, absent: () => null, read: (value) => value };
}

/** How an object treats keys that it does not declare. */
export interface ObjectOptions {
  /** Other keys belong to others: no warning. */
  readonly isOpen?: boolean;
  /** Keys of older versions, and what to write today. */
  readonly renamed?: Readonly<Record<string, string>>;
}

/** The fields of an object. */
export type Members<T> = { readonly [Key in keyof T]: Field<T[Key]> };

/** A mapping with known keys. Other keys are dropped with a warning. */
export function object<T extends object>(
  members: Members<T>,
  options: ObjectOptions = {},
): Field<T> {
  const fields = Object.entries<Field<unknown>>(members);
  const required = fields.filter(([, field]) => !field.absent).map(([key]) => key);
  return {
    what: "a mapping",
    schema: {
      type: "object",
      properties: Object.fromEntries(fields.map(([key, field]) => [key, field.schema])),
      ...(required.length > 0 ? { required } : {}),
      ...(options.isOpen ? {} : { additionalProperties: false }),
    },
    read(value, at) {
      if (!isMapping(value)) return refuse(at, `must be a mapping; got ${outline(value)}.`);
      if (!options.isOpen) warnOfUnknown(value, { members, at, renamed: options.renamed ?? {} });
      const pairs = fields.map(([key, field]): [string, unknown] => [
        key,
        readMember(field, Object.hasOwn(value, key) ? value[key] : undefined, below(at, key)),
      ]);
      if (pairs.some(([, read]) => read === invalid)) return invalid;
      return Object.fromEntries(pairs) as T; // exactly the members, each read by its own field
    },
  };
}

interface UnknownKeys {
  readonly members: object;
  readonly at: Place;
  readonly renamed: Readonly<Record<string, string>>;
}

function warnOfUnknown(
  value: Readonly<Record<string, unknown>>,
  { members, at, renamed }: UnknownKeys,
): void {
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(members, key)) continue;
    const today = Object.hasOwn(renamed, key) ? ` Today it is ${renamed[key]}.` : "";
    const hint = today || suggestion(key, Object.keys(members));
    at.report.warn([...at.path, key], `is unknown and has no effect.${hint}`);
  }
}

/** The field may be left out: null then. */
export function optional<T>(field: Field<T>): Field<T | null> {
  return { ...field, absent: () => null };
}

/** The field may be left out: `value` then. */
export function or<T>(field: Field<T>, value: NoInfer<T>): Field<T> {
  const isPlain = typeof value !== "object" && value !== "";
  const schema = isPlain ? { ...field.schema, default: value } : field.schema;
  return { ...field, schema, absent: () => value };
}

/** The mapping may be left out, and is read as an empty one then. */
export function orEmpty<T>(field: Field<T>): Field<T> {
  return { ...field, absent: (at) => field.read({}, at) };
}

/** The field, made into something else once it was read; null stays what `optional` made of it. */
export function derive<T, U>(field: Field<T>, make: (value: T, at: Place) => Read<U>): Field<U> {
  const { absent, ...rest } = field;
  const onward = (value: Read<T>, at: Place): Read<U> =>
    value === invalid ? invalid : make(value, at);
  return {
    ...rest,
    read: (value, at) => onward(field.read(value, at), at),
    ...(absent ? { absent: (at: Place) => onward(absent(at), at) } : {}),
  };
}

/** The field with a sentence for whoever edits the file. */
export function about<T>(description: string, field: Field<T>): Field<T> {
  return { ...field, schema: { ...field.schema, description } };
}

/** Reports, and yields what stands for no value. */
export function refuse(at: Place, message: string): typeof invalid {
  at.report.error(at.path, message);
  return invalid;
}

/** Whether a value is a mapping, as YAML calls it. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readMember<T>(field: Field<T>, value: unknown, at: Place): Read<T> {
  const isAbsent =
    value === undefined || value === null || (value === "" && field.isBlankAbsent === true);
  if (!isAbsent) return field.read(value, at);
  if (field.absent) return field.absent(at);
  if (value === "") return field.read(value, at);
  return refuse(at, `is missing; it must be ${field.what}.`);
}

function allRead<T>(values: readonly Read<T>[]): values is readonly T[] {
  return values.every((value) => value !== invalid);
}

/** What came, in a few words. */
export function shape(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  return isMapping(value) ? "a mapping" : showValue(value);
}

/** What came in place of a mapping, without its value: the mapping may have been one of secrets. */
function outline(value: unknown): string {
  if (typeof value === "string") return "a text";
  return typeof value === "number" ? "a number" : shape(value);
}
