/** The functions of expr that a formula may call. What is not here is refused by name. */
import {
  asNumber,
  boolOf,
  expectType,
  listOf,
  numberOf,
  type Part,
  type Scope,
  type Type,
  type Value,
} from "./expression.ts";
import { allWhole, expectNumbers, flatNumbers } from "./operators.ts";
import { FormulaError } from "./token.ts";

/** What a call is made of. */
export interface Call {
  readonly name: string;
  readonly at: number;
  readonly parts: readonly Part[];
}

/** A function. `predicate`: its second argument is an expression over `#`, needed or not. */
export interface FormulaFunction {
  readonly least: number;
  readonly most: number;
  readonly predicate?: "needed" | "optional";
  make(call: Call): Omit<Part, "at">;
}

/** Away from zero at a half, as Go rounds. */
const round = (value: number): number => Math.sign(value) * Math.round(Math.abs(value));

function ofNumber(
  apply: (value: number) => number,
  type: "same" | Type = "float",
): FormulaFunction {
  return {
    least: 1,
    most: 1,
    make({ name, parts: [part] }) {
      const given = only(part);
      expectType(given, ["int", "float", "nil"], name);
      return {
        type: type === "same" ? given.type : type,
        run: (scope) => apply(numberOf(given, scope)),
      };
    },
  };
}

function ofNumbers(apply: (values: readonly number[]) => number, type?: Type): FormulaFunction {
  return {
    least: 1,
    most: Number.POSITIVE_INFINITY,
    make({ name, parts, at }) {
      expectNumbers(parts, name);
      return {
        type: type ?? (allWhole(parts) ? "int" : "float"),
        run(scope) {
          const values = flatNumbers(
            parts.map((part) => part.run(scope)),
            at,
          );
          if (values.length === 0) throw new FormulaError(at, `${name} of nothing`);
          return apply(values);
        },
      };
    },
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = low] =
    sorted.length % 2 === 1 ? [sorted[middle]] : sorted.slice(middle - 1);
  return (low + high) / 2;
}

/** A function over the items of an array and a predicate on them. */
function overItems(
  type: Type,
  predicate: "needed" | "optional",
  apply: (items: readonly Value[], holds: (item: Value) => boolean) => Value,
): FormulaFunction {
  return {
    least: predicate === "needed" ? 2 : 1,
    most: 2,
    predicate,
    make({ name, parts: [list, test] }) {
      const array = only(list);
      expectType(array, ["array"], name);
      // Without a predicate the items themselves say it, so they have to be true or false.
      if (test !== undefined) expectType(test, ["bool"], `the predicate of ${name}`);
      else if (array.item !== "bool") throw new FormulaError(array.at, `${name} needs a predicate`);
      const run = (scope: Scope): Value =>
        apply(listOf(array, scope), (item) =>
          test === undefined ? item === true : boolOf(test, { ...scope, item }),
        );
      return array.item === undefined || type !== "array"
        ? { type, run }
        : { type, item: array.item, run };
    },
  };
}

const sum: FormulaFunction = {
  least: 1,
  most: 2,
  predicate: "optional",
  make({ name, parts: [list, mapped] }) {
    const array = only(list);
    expectType(array, ["array"], name);
    if (mapped === undefined) expectNumbers([array], name);
    else expectType(mapped, ["int", "float", "nil"], `the second argument of ${name}`);
    const type = mapped?.type ?? array.item ?? "float";
    const run = (scope: Scope): Value =>
      listOf(array, scope).reduce<number>((total, item) => {
        const value = mapped === undefined ? item : mapped.run({ ...scope, item });
        return total + asNumber(value, array.at);
      }, 0);
    return { type, run };
  },
};

const map: FormulaFunction = {
  least: 2,
  most: 2,
  predicate: "needed",
  make({ name, parts: [list, mapped] }) {
    const [array, made] = [only(list), only(mapped)];
    expectType(array, ["array"], name);
    const run = (scope: Scope): Value =>
      listOf(array, scope).map((item) => made.run({ ...scope, item }));
    return { type: "array", item: made.type, run };
  },
};

const len: FormulaFunction = {
  least: 1,
  most: 1,
  make({ name, parts: [list] }) {
    const array = only(list);
    expectType(array, ["array"], name);
    return { type: "int", run: (scope) => listOf(array, scope).length };
  },
};

export const functions: Readonly<Record<string, FormulaFunction>> = {
  abs: ofNumber(Math.abs, "same"),
  ceil: ofNumber(Math.ceil),
  floor: ofNumber(Math.floor),
  round: ofNumber(round),
  int: ofNumber(Math.trunc, "int"),
  float: ofNumber((value) => value),
  max: ofNumbers((values) => Math.max(...values)),
  min: ofNumbers((values) => Math.min(...values)),
  mean: ofNumbers(mean, "float"),
  median: ofNumbers(median, "float"),
  sum,
  len,
  map,
  count: overItems("int", "optional", (items, holds) => items.filter(holds).length),
  any: overItems("bool", "needed", (items, holds) => items.some(holds)),
  all: overItems("bool", "needed", (items, holds) => items.every(holds)),
  none: overItems("bool", "needed", (items, holds) => !items.some(holds)),
  one: overItems("bool", "needed", (items, holds) => items.filter(holds).length === 1),
  filter: overItems("array", "needed", (items, holds) => items.filter(holds)),
};

function only(part: Part | undefined): Part {
  if (part === undefined) throw new FormulaError(1, "an argument is missing");
  return part;
}
