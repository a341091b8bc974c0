import type { Policy } from "../engine/policy.ts";

/** A value of a parameter: a number, or a word such as the name of a strategy. */
export type Setting = number | string;

/** One thing that can be set, and the values that are tried, in an order in which neighbours differ little. */
export interface Parameter {
  /** The field, such as `pollingInterval`. */
  readonly name: string;
  /** The same for the head of a column. */
  readonly heading: string;
  readonly values: readonly Setting[];
  /** Its value at present, which is among those that are tried. */
  readonly current: Setting;
}

/** One setting of all parameters: the index of a value for each. */
export type Candidate = readonly number[];

/** A policy whose parameters can be searched. */
export interface Tunable {
  readonly parameters: readonly Parameter[];
  /** The policy as it is. */
  readonly current: Policy;
  /** The policy with these values, one for each parameter. */
  policyOf(values: readonly Setting[]): Policy;
  /** What may make its jobs late or its cost high, in the order in which it acts. */
  readonly causes: readonly Cause[];
}

/** One cause, and the policy without it. */
export interface Cause {
  readonly cause: string;
  /** What was done to take it away. */
  readonly without: string;
  readonly policy: Policy;
}

/** Numbers to try; the present one is among them. */
export function parameter(
  name: string,
  values: readonly number[],
  described: { readonly current: number; readonly heading: string },
): Parameter {
  const all = [...new Set([...values, described.current])].toSorted((a, b) => a - b);
  return { name, values: all, ...described };
}

/** Words to try, in an order of theirs; the present one comes first where it is none of them. */
export function choice(
  name: string,
  values: readonly string[],
  described: { readonly current: string; readonly heading: string },
): Parameter {
  const { current } = described;
  return { name, values: values.includes(current) ? values : [current, ...values], ...described };
}

/** The values that a candidate stands for. */
export function valuesOf(
  parameters: readonly Parameter[],
  candidate: Candidate,
): readonly Setting[] {
  return parameters.map(({ values, current }, place) => values[candidate[place] ?? -1] ?? current);
}

/** The candidate that changes nothing. */
export function currentCandidate(parameters: readonly Parameter[]): Candidate {
  return parameters.map(({ values, current }) => values.indexOf(current));
}
