import type { Policy } from "../engine/policy.ts";

/** One thing that can be set, and the values that are tried, in an order in which neighbours differ little. */
export interface Parameter {
  readonly name: string;
  readonly values: readonly number[];
  /** Its value at present. */
  readonly current: number;
}

/** One setting of all parameters: the index of a value for each. */
export type Candidate = readonly number[];

/** A policy whose parameters can be searched. */
export interface Tunable {
  readonly parameters: readonly Parameter[];
  /** The policy as it is. */
  readonly current: Policy;
  /** The policy with these values, one for each parameter. */
  policyOf(values: readonly number[]): Policy;
}

/** A parameter whose present value is among those that are tried. */
export function parameter(name: string, values: readonly number[], current: number): Parameter {
  const all = [...new Set([...values, current])].toSorted((a, b) => a - b);
  return { name, values: all, current };
}

/** The values that a candidate stands for. */
export function valuesOf(
  parameters: readonly Parameter[],
  candidate: Candidate,
): readonly number[] {
  return parameters.map(({ values, current }, place) => values[candidate[place] ?? -1] ?? current);
}

/** The candidate that changes nothing. */
export function currentCandidate(parameters: readonly Parameter[]): Candidate {
  return parameters.map(({ values, current }) => values.indexOf(current));
}
