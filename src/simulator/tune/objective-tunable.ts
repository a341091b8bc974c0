import { type ObjectivePolicyOptions, objectivePolicy } from "../policies/objective.ts";
import { type Parameter, parameter, type Tunable } from "./parameter.ts";

/** The wait objective with its margins: what it aims at, how often it looks, what a start is taken to cost. */
export function objectiveTunable(options: ObjectivePolicyOptions): Tunable {
  const { objective, scale = {} } = options;
  const max = scale.maxReplicaCount ?? 10;
  const minimums = [0, 1, 2, 3, 5, 10].filter((min) => min <= max);
  const parameters: readonly Parameter[] = [
    parameter("theta", [0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1], objective.theta ?? 0.9),
    parameter("pollingInterval", [1, 2, 5, 10, 15, 30], secondsOf(scale.pollingInterval, 5)),
    parameter("startCost", [0, 2, 5, 10, 20, 40, 80], secondsOf(objective.startCost, 0)),
    parameter("minReplicaCount", minimums, scale.minReplicaCount ?? 0),
  ];
  return {
    parameters,
    current: objectivePolicy(options),
    policyOf: (values) => objectivePolicy({ ...objectiveWith(options, values), name: "tuned" }),
  };
}

function secondsOf(period: number | string | undefined, otherwise: number): number {
  return typeof period === "number" ? period : otherwise;
}

/** The options with the values of a candidate. */
export function objectiveWith(
  options: ObjectivePolicyOptions,
  values: readonly number[],
): ObjectivePolicyOptions {
  const [theta = 0.9, pollingInterval = 5, startCost = 0, minReplicaCount = 0] = values;
  return {
    ...options,
    objective: { ...options.objective, theta, startCost },
    scale: { ...options.scale, pollingInterval, minReplicaCount },
  };
}
