/** The values and types of formulas: those parts of expr's that make sense for numbers of metrics. */
import { FormulaError } from "./token.ts";

/** A value while a formula runs; null is nil. */
export type Value = number | boolean | null | readonly Value[];

/** What is known of a part before it runs. `int` and `float` differ as in Go: only whole numbers have a remainder. */
export type Type = "int" | "float" | "bool" | "nil" | "array";

/** What a formula can see while it runs: the triggers, and `#` inside a predicate. */
export interface Scope {
  readonly values: Readonly<Record<string, number | null>>;
  readonly item: Value;
}

/** A compiled part of a formula. */
export interface Part {
  readonly type: Type;
  /** Of an array: what its items are. */
  readonly item?: Type;
  /** Where it begins, for messages. */
  readonly at: number;
  /** Throws {@link FormulaError} where there is no value. */
  run(scope: Scope): Value;
}

export function isNumeric(type: Type): boolean {
  return type === "int" || type === "float";
}

/** The type of one of two values: nil beside another is that other's, whole numbers beside others become those. */
export function commonType(a: Type, b: Type): Type | null {
  if (a === b || b === "nil") return a;
  if (a === "nil") return b;
  return isNumeric(a) && isNumeric(b) ? "float" : null;
}

/** Throws unless the part has one of the types. */
export function expectType(part: Part, wanted: readonly Type[], use: string): void {
  if (wanted.includes(part.type)) return;
  throw new FormulaError(part.at, `${use} takes ${wanted.join(" or ")}; got ${part.type}`);
}

/** The number that a part gives. */
export function numberOf(part: Part, scope: Scope): number {
  return asNumber(part.run(scope), part.at);
}

export function asNumber(value: Value, at: number): number {
  if (typeof value === "number") return value;
  if (value === null)
    throw new FormulaError(at, "nil where a number is needed: the trigger failed. Write name ?? 0");
  throw new FormulaError(at, "a number is needed");
}

export function boolOf(part: Part, scope: Scope): boolean {
  const value = part.run(scope);
  if (typeof value === "boolean") return value;
  throw new FormulaError(part.at, "true or false is needed");
}

export function listOf(part: Part, scope: Scope): readonly Value[] {
  const value = part.run(scope);
  if (Array.isArray(value)) return value;
  throw new FormulaError(part.at, "an array is needed");
}
