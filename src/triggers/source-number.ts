import { showValue } from "../core/index.ts";
import { wrongAnswer } from "./failure.ts";
import type { Measured } from "./trigger-type.ts";

/** Go's decimal numbers (strconv.ParseFloat), which is how KEDA reads what a database gives as text. */
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * The number that a source gave, `what` being the source's words for it. No number can be had from NULL, text, NaN and
 * infinity, nor from a negative: KEDA would take the last three for 0, and 0 stops workers.
 */
export function sourceNumber(raw: unknown, what: string): number {
  if (raw === null || raw === undefined) throw wrongAnswer(`${what} is NULL; expected a number`);
  const value = typeof raw === "string" ? parse(raw.trim()) : raw;
  if (typeof value === "bigint") return sourceNumber(Number(value), what);
  if (typeof value !== "number")
    throw wrongAnswer(`${what} is ${showValue(raw)}; expected a number`);
  if (!Number.isFinite(value))
    throw wrongAnswer(`${what} is ${value}; expected a finite number of 0 or more`);
  if (value < 0) {
    throw wrongAnswer(
      `${what} is ${value}; expected 0 or more. If 0 is meant, let the source say so, such as with GREATEST(…, 0)`,
    );
  }
  return value;
}

function parse(text: string): number | null {
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return Number.POSITIVE_INFINITY;
  if (/^[+-]?nan$/i.test(text)) return Number.NaN;
  return decimal.test(text) ? Number(text) : null;
}

/** KEDA's usual rule: active when the value is above the activation value, not when it equals it. */
export function above(activation: number | null, value: number): Measured {
  return { value, isActive: value > (activation ?? 0) };
}
