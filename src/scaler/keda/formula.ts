/**
 * Formulas of `scalingModifiers`: a subset of expr (expr-lang.org), the language that KEDA uses, with its types, its
 * bindings and its functions on numbers and arrays. What is outside of the subset is refused where the formula is read,
 * never guessed at; nothing is ever evaluated as JavaScript.
 */
import { SluiceError, showValue } from "../../core/index.ts";
import { isNumeric, type Part } from "./expression/expression.ts";
import { parse } from "./expression/parse.ts";
import { FormulaError } from "./expression/token.ts";

/** What a formula gives: a number, nil (`value` null), or why it gives nothing. */
export interface FormulaResult {
  readonly value: number | null;
  readonly failure: string | null;
}

/** A compiled formula of `scalingModifiers`. */
export interface Formula {
  readonly text: string;
  /** Values by trigger name; null is nil, the value of a trigger that failed. Pure; never throws. */
  evaluate(values: Readonly<Record<string, number | null>>): FormulaResult;
}

/**
 * Compiles a formula over the triggers' names and tries it with -1 for each, as KEDA does. Throws `OPTION_INVALID` with
 * the place of what it does not know, or that the formula gives no number.
 *
 * @example
 * const formula = compileFormula("max([queue, 2 * backlog])", ["queue", "backlog"]);
 * formula.evaluate({ queue: 5, backlog: 4 }); // { value: 8, failure: null }
 */
export function compileFormula(text: string, names: readonly string[]): Formula {
  const part = compile(text, names);
  // A result of nil is kept by ?? alone; anywhere else expr's cast to a number fails on it.
  const keepsNil = text.includes("??");
  return {
    text,
    evaluate: (values) => {
      const result = run(part, values);
      const isNil = result.value === null && result.failure === null;
      return isNil && !keepsNil ? { value: null, failure: "the formula gives nil" } : result;
    },
  };
}

function compile(text: string, names: readonly string[]): Part {
  try {
    const part = parse(text, names);
    if (!isNumeric(part.type))
      throw new FormulaError(part.at, `a formula must give a number; this gives ${part.type}`);
    part.run({ values: Object.fromEntries(names.map((name) => [name, -1])), item: null });
    return part;
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    throw invalid(text, `at character ${error.at}: ${error.message}`, error);
  }
}

function run(part: Part, values: Readonly<Record<string, number | null>>): FormulaResult {
  try {
    const value = part.run({ values, item: null });
    if (value === null) return { value, failure: null };
    if (typeof value === "number" && Number.isFinite(value)) return { value, failure: null };
    return { value: null, failure: `the formula gives ${showValue(value)}` };
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    return { value: null, failure: `the formula at character ${error.at}: ${error.message}` };
  }
}

function invalid(text: string, problem: string, cause?: unknown): SluiceError {
  return new SluiceError(
    "OPTION_INVALID",
    `scalingModifiers.formula ${JSON.stringify(text)} cannot be used: ${problem}.`,
    { cause },
  );
}
