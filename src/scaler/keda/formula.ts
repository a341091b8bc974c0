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

/** Compiles a formula over the triggers' names. Throws `OPTION_INVALID` with the position of what it does not know. */
export function compileFormula(text: string, _names: readonly string[]): Formula {
  return { text, evaluate: () => ({ value: null, failure: "formulas are not evaluated yet" }) };
}
