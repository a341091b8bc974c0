import { type ObjectiveOptions, type ScaleOptions, SluiceError } from "../../core/index.ts";
import {
  type ObjectivePolicy as DecidedObjective,
  decideByObjective,
  dueEdgesOf,
  initialObjectiveState,
  type ObjectiveBounds,
  type ObjectiveObjectSurroundings,
  type ObjectiveSurroundings,
  objectiveOf,
  type SharedCapMember,
  toObjectivePolicy,
} from "../../scaler/index.ts";
import type { ScaledObject } from "../../specs/index.ts";
import type { Policy } from "../engine/policy.ts";
import { decidePolicy } from "./decide.ts";

/** An objective and the options of `scale` that hold beside it. */
export interface ObjectivePolicyOptions extends ObjectiveSurroundings {
  readonly objective: ObjectiveOptions;
  /** Default of the polling interval here: 5 s, as in a cluster. */
  readonly scale?: ScaleOptions;
  readonly name?: string;
  /** Its part in a cap that several runs in lock-step share. */
  readonly sharedCap?: SharedCapMember;
  readonly yieldsBusy?: boolean;
}

/**
 * The wait objective, by production's own decision. Throws as `toObjectivePolicy` does.
 *
 * @example
 * const policy = objectivePolicy({ objective: { maxWait: "30s" }, scale: { maxReplicaCount: 100 } });
 */
export function objectivePolicy(options: ObjectivePolicyOptions): Policy {
  const { objective, scale = {}, name, sharedCap, yieldsBusy = false } = options;
  const policy = toObjectivePolicy(objective, { pollingInterval: 5, ...scale }, options);
  return decideBy(
    policy,
    name ?? (policy.mode === "cost" ? "objective" : `objective:${policy.mode}`),
    sharedCap ? { sharedCap, yieldsBusy } : {},
  );
}

function decideBy(policy: DecidedObjective, name: string, bounds: ObjectiveBounds = {}): Policy {
  return decidePolicy({
    name,
    decide: decideByObjective(policy, bounds),
    initialState: initialObjectiveState(policy),
    pollingIntervalMs: policy.pollingIntervalMs,
    wish: (state) => ({ dueEdgesMs: dueEdgesOf(policy, state) }),
    ...(bounds.sharedCap && { onWake: bounds.sharedCap.onWake }),
  });
}

/**
 * A ScaledObject under its annotation `sluice.dev/objective`, as `sluice scale` runs it, on workers that start as those of a
 * cluster do. Throws as `objectiveOf` does, and
 * `OPTION_INVALID` for an object without the annotation.
 *
 * @example
 * const specs: Parameters<typeof annotatedPolicy>[0][] = [];
 * const policies = specs.map((object) => annotatedPolicy(object));
 */
export function annotatedPolicy(
  object: Pick<ScaledObject, "spec" | "controls" | "metadata">,
  options: Pick<ObjectiveObjectSurroundings, "triggers"> & { readonly name?: string } = {},
): Policy {
  const { controls, metadata } = object;
  const { pausedScaleIn, pausedScaleOut } = controls;
  const policy = objectiveOf(object, { startupMs: 10_000, ...options });
  if (policy === null)
    throw new SluiceError("OPTION_INVALID", `${metadata.name} must have sluice.dev/objective.`);
  return decideBy(policy, options.name ?? metadata.name, {
    ...{ pausedScaleIn, pausedScaleOut },
  });
}
