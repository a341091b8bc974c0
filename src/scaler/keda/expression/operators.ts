import {
  asNumber,
  boolOf,
  commonType,
  expectType,
  isNumeric,
  listOf,
  numberOf,
  type Part,
  type Type,
  type Value,
} from "./expression.ts";
import { FormulaError } from "./token.ts";

/** How tightly an operator binds, as in expr. */
export interface Operator {
  readonly binding: number;
  readonly isRightward?: boolean;
  make(left: Part, right: Part, at: number): Part;
}

const numbers: readonly Type[] = ["int", "float", "nil"];

function arithmetic(
  use: string,
  type: (left: Type, right: Type) => Type,
  apply: (left: number, right: number) => number,
): Operator["make"] {
  return (left, right) => {
    expectType(left, numbers, use);
    expectType(right, numbers, use);
    return {
      type: type(left.type, right.type),
      at: left.at,
      run: (scope) => apply(numberOf(left, scope), numberOf(right, scope)),
    };
  };
}

const whole = (left: Type, right: Type): Type =>
  left === "int" && right === "int" ? "int" : "float";
const float = (): Type => "float";

function comparison(use: string, apply: (left: number, right: number) => boolean): Operator {
  return {
    binding: 20,
    make(left, right) {
      expectType(left, numbers, use);
      expectType(right, numbers, use);
      const run: Part["run"] = (scope) => apply(numberOf(left, scope), numberOf(right, scope));
      return { type: "bool", at: left.at, run };
    },
  };
}

function equality(isEqual: boolean): Operator {
  return {
    binding: 20,
    make(left, right, at) {
      if (commonType(left.type, right.type) === null || left.type === "array")
        throw new FormulaError(at, `${left.type} and ${right.type} cannot be compared`);
      const run: Part["run"] = (scope) => (left.run(scope) === right.run(scope)) === isEqual;
      return { type: "bool", at: left.at, run };
    },
  };
}

function logic(binding: number, use: string, decides: boolean): Operator {
  return {
    binding,
    make(left, right) {
      expectType(left, ["bool"], use);
      expectType(right, ["bool"], use);
      const run: Part["run"] = (scope) =>
        boolOf(left, scope) === decides ? decides : boolOf(right, scope);
      return { type: "bool", at: left.at, run };
    },
  };
}

const remainder: Operator["make"] = (left, right, at) => {
  expectType(left, ["int"], "%");
  expectType(right, ["int"], "%");
  const run: Part["run"] = (scope) => {
    const by = numberOf(right, scope);
    if (by === 0) throw new FormulaError(at, "the remainder of a division by 0");
    return numberOf(left, scope) % by;
  };
  return { type: "int", at: left.at, run };
};

const coalesce: Operator["make"] = (left, right, at) => {
  const type = commonType(left.type, right.type);
  if (type === null)
    throw new FormulaError(
      at,
      `?? needs the same type on both sides; got ${left.type} and ${right.type}`,
    );
  return { type, at: left.at, run: (scope) => left.run(scope) ?? right.run(scope) };
};

const membership: Operator["make"] = (left, right, at) => {
  expectType(right, ["array"], "in");
  if (right.item !== undefined && commonType(left.type, right.item) === null)
    throw new FormulaError(at, `${left.type} cannot be in an array of ${right.item}`);
  const run: Part["run"] = (scope) => listOf(right, scope).includes(left.run(scope));
  return { type: "bool", at: left.at, run };
};

const or = logic(10, "or", true);
const and = logic(15, "and", false);
const power: Operator = {
  binding: 100,
  isRightward: true,
  make: arithmetic("**", float, (left, right) => left ** right),
};

/** All operators between two parts; the pipe is the parser's. */
export const operators: Readonly<Record<string, Operator>> = {
  or,
  "||": or,
  and,
  "&&": and,
  "==": equality(true),
  "!=": equality(false),
  "<": comparison("<", (left, right) => left < right),
  ">": comparison(">", (left, right) => left > right),
  "<=": comparison("<=", (left, right) => left <= right),
  ">=": comparison(">=", (left, right) => left >= right),
  in: { binding: 20, make: membership },
  "+": { binding: 30, make: arithmetic("+", whole, (left, right) => left + right) },
  "-": { binding: 30, make: arithmetic("-", whole, (left, right) => left - right) },
  "*": { binding: 60, make: arithmetic("*", whole, (left, right) => left * right) },
  "/": { binding: 60, make: arithmetic("/", float, (left, right) => left / right) },
  "%": { binding: 60, make: remainder },
  "**": power,
  "^": power,
  "??": { binding: 500, make: coalesce },
};

/** `-x`, `+x`. */
export function signed(sign: "-" | "+", part: Part, at: number): Part {
  expectType(part, numbers, `a leading ${sign}`);
  const run: Part["run"] = (scope) => {
    const value = numberOf(part, scope);
    return sign === "-" ? -value : value;
  };
  return { type: part.type, at, run };
}

/** `not x`, `!x`. */
export function negated(part: Part, at: number): Part {
  expectType(part, ["bool"], "not");
  return { type: "bool", at, run: (scope) => !boolOf(part, scope) };
}

/** `condition ? yes : no`. */
export function choice(condition: Part, yes: Part, no: Part): Part {
  expectType(condition, ["bool"], "?");
  const type = commonType(yes.type, no.type);
  if (type === null)
    throw new FormulaError(yes.at, `both sides of : need one type; got ${yes.type} and ${no.type}`);
  const run: Part["run"] = (scope) => (boolOf(condition, scope) ? yes : no).run(scope);
  return { type, at: condition.at, run };
}

/** `[a, b]`. */
export function arrayOf(items: readonly Part[], at: number): Part {
  const [first] = items;
  const item = items.reduce<Type | null>(
    (type, part) => (type === null ? null : commonType(type, part.type)),
    first?.type ?? "float",
  );
  if (item === null) throw new FormulaError(at, "the items of an array need one type");
  return { type: "array", item, at, run: (scope) => items.map((part) => part.run(scope)) };
}

/** All numbers of numbers and arrays of numbers, as max, min, mean and median take them. */
export function flatNumbers(values: readonly Value[], at: number): readonly number[] {
  return values.flatMap((value) =>
    Array.isArray(value) ? flatNumbers(value, at) : [asNumber(value, at)],
  );
}

/** Whether every part is, or holds, whole numbers alone. */
export function allWhole(parts: readonly Part[]): boolean {
  return parts.every((part) => (part.type === "array" ? part.item : part.type) === "int");
}

/** Throws unless every part is a number or an array of numbers. */
export function expectNumbers(parts: readonly Part[], use: string): void {
  for (const part of parts) {
    const type = part.type === "array" ? (part.item ?? "float") : part.type;
    if (!isNumeric(type) && type !== "nil")
      throw new FormulaError(part.at, `${use} takes numbers and arrays of numbers; got ${type}`);
  }
}
