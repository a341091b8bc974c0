import type { ObjectiveOptions, ScaleOptions } from "../../core/index.ts";
import {
  decideByObjective,
  dueEdgesOf,
  initialObjectiveState,
  type ObjectiveSurroundings,
  toObjectivePolicy,
} from "../../scaler/index.ts";
import type { Policy } from "../engine/policy.ts";
import { decidePolicy } from "./decide.ts";

/** An objective and the options of `scale` that hold beside it. */
export interface ObjectivePolicyOptions extends ObjectiveSurroundings {
  readonly objective: ObjectiveOptions;
  /** Default of the polling interval here: 5 s, as in a cluster. */
  readonly scale?: ScaleOptions;
  readonly name?: string;
}

/**
 * The wait objective, by production's own decision. Throws as `toObjectivePolicy` does.
 *
 * @example
 * const policy = objectivePolicy({ objective: { maxWait: "30s" }, scale: { maxReplicaCount: 100 } });
 */
export function objectivePolicy(options: ObjectivePolicyOptions): Policy {
  const { objective, scale = {}, name } = options;
  const policy = toObjectivePolicy(objective, { pollingInterval: 5, ...scale }, options);
  return decidePolicy({
    name: name ?? (policy.mode === "cost" ? "objective" : `objective:${policy.mode}`),
    decide: decideByObjective(policy),
    initialState: initialObjectiveState(policy),
    pollingIntervalMs: policy.pollingIntervalMs,
    wish: (state) => ({ dueEdgesMs: dueEdgesOf(policy, state) }),
  });
}
