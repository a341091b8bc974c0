import { describe, expect, test } from "vitest";
import { compileFormula } from "./formula.ts";

const names = ["a", "b", "c"];
const values = { a: 2, b: 5, c: 0.5 };

function evaluate(text: string, given: Readonly<Record<string, number | null>> = values) {
  return compileFormula(text, names).evaluate(given);
}

const results: readonly (readonly [string, number])[] = [
  ["a + b", 7],
  ["(a + b) / 2", 3.5],
  ["7 / 2", 3.5],
  ["7 % 4", 3],
  ["-7 % 4", -3],
  ["a - b - 1", -4],
  ["a + b * 2", 12],
  ["2 ** 3 ** 2", 512],
  ["2 ^ 3", 8],
  ["-2 ** 2", -4],
  ["a * -b", -10],
  ["a > 1 ? b : 0", 5],
  ["a > 1 && b > 9 ? 1 : 2", 2],
  ["a > 1 and not (b > 9) ? 1 : 2", 1],
  ["a < 1 || b == 5 ? 1 : 2", 1],
  ["a < 1 or b != 5 ? 1 : 2", 2],
  ["a >= 2 ? b <= 5 ? 1 : 2 : 3", 1],
  ["a in [1, 2] ? 1 : 0", 1],
  ["a not in [1, 2] ? 1 : 0", 0],
  ["max([a, b, c])", 5],
  ["max(a, b, 7)", 7],
  ["min(a, [b, c])", 0.5],
  ["sum([a, b, c])", 7.5],
  ["sum([a, b], {# * 2})", 14],
  ["mean([a, b])", 3.5],
  ["median([a, b, 100])", 5],
  ["median([a, b])", 3.5],
  ["abs(-a)", 2],
  ["ceil(c)", 1],
  ["floor(c)", 0],
  ["round(c)", 1],
  ["round(-c)", -1],
  ["int(b / a)", 2],
  ["int(-b / a)", -2],
  ["float(a)", 2],
  ["len([a, b])", 2],
  ["count([a, b, c], {# > 1}) > 1 ? 5 : 0", 5],
  ["count([a, b, c], # > 1)", 2],
  ["count([a > 1, b > 9])", 1],
  ["any([a, b], {# > 4}) ? 1 : 0", 1],
  ["all([a, b], {# > 4}) ? 1 : 0", 0],
  ["none([a, b], {# > 9}) ? 1 : 0", 1],
  ["one([a, b], {# > 4}) ? 1 : 0", 1],
  ["sum(filter([a, b, c], {# >= 1}))", 7],
  ["sum(map([a, b], {# + 1}))", 9],
  ["[a, b] | max()", 5],
  ["[a, b, c] | filter(# > 1) | sum()", 7],
  ["count([a, b], {count([a, b], {# > 3}) == 1 and # > 1})", 2],
  ["1_000 + 2e3 + .5", 3000.5],
  ["true ? a : b", 2],
];

const nilResults: readonly (readonly [string, Record<string, number | null>, number])[] = [
  ["a ?? b", { a: null, b: 5 }, 5],
  ["a ?? 7", { a: 3 }, 3],
  ["a ?? b ?? 7", { a: null, b: null }, 7],
  ["b + (a ?? 1)", { a: null, b: 5 }, 6],
  ["a == nil ? 1 : 2", { a: null }, 1],
  ["max([a ?? 0, b ?? 0])", { a: null, b: 5 }, 5],
];

const failures: readonly (readonly [string, Record<string, number | null>, string])[] = [
  ["a + b", { a: null, b: 1 }, "character 1: nil where a number is needed"],
  ["a > 1 ? 1 : 2", { a: null }, "nil"],
  ["a / b", { a: 1, b: 0 }, "Infinity"],
  ["a / b", { a: 0, b: 0 }, "NaN"],
];

const refusals: readonly (readonly [string, string])[] = [
  ["", "character 1: expected a number, a trigger's name or a function; got the end"],
  ["a +", "character 4"],
  ["a b", "character 3: expected an operator; got b"],
  ["a + d", "character 5: d is no trigger's name; there are: a, b, c"],
  ["avg([a])", "character 1: avg is no function of Sluice's subset of expr. expr calls it mean"],
  ["a % 2", "character 1: % takes int; got float"],
  ["a > 1", "must give a number; this gives bool"],
  ["a ? 1 : 2", "character 1: ? takes bool; got float"],
  ["a > 1 ? 1 : true", "need one type"],
  ["'x'", "texts are not part"],
  ["a.b", "character 2"],
  ["a[0]", "character 2: expected an operator; got ["],
  ["1..3", "character 1"],
  ["0x10", "decimal"],
  ["let x = 1; x", "character 7: = is not part"],
  ["a < b < c ? 1 : 0", "character 7: comparisons are not chained"],
  ["a ?? b + c", "?? and + need parentheses"],
  ["# + 1", "# stands only in a predicate"],
  ["count([a, b])", "needs a predicate"],
  ["abs(a, b)", "abs takes 1 argument; got 2"],
  ["max()", "max takes at least 1; got 0"],
  ["max([])", "max of nothing"],
  ["[a, b]", "this gives array"],
  ["(a + b", "expected ); got the end"],
  ["constructor", "constructor is no trigger's name"],
  ["toString()", "toString is no function"],
  ["a; process.exit()", "character 2: ; is not part"],
  ["5 % 0", "division by 0"],
];

describe("a formula", () => {
  test.each(results)("%s is %d", (text, result) => {
    expect(evaluate(text)).toEqual({ value: result, failure: null });
  });

  test.each(nilResults)("%s with nil is %d", (text, given, result) => {
    expect(evaluate(text, given)).toEqual({ value: result, failure: null });
  });

  test("may be nil as a whole where ?? keeps it", () => {
    expect(evaluate("a ?? b", { a: null, b: null })).toEqual({ value: null, failure: null });
    expect(evaluate("a", { a: null }).failure).toContain("nil");
  });

  test.each(failures)("%s says why it gives nothing", (text, given, problem) => {
    const { value, failure } = evaluate(text, given);
    expect(value).toBeNull();
    expect(failure).toContain(problem);
  });

  test.each(refusals)("%s is refused at its place", (text, problem) => {
    expect(() => compileFormula(text, names)).toThrow(problem);
  });

  test("that divides by zero for -1 alone is accepted", () => {
    expect(evaluate("b / (a + 1)", { a: 1, b: 4 })).toEqual({ value: 2, failure: null });
  });
});
