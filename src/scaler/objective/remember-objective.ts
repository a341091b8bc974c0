import type { Decide } from "../decision.ts";
import type { ReadingWish } from "../trigger.ts";
import { decideByObjective, dueEdgesOf } from "./decide-by-objective.ts";
import type { ObjectiveBounds } from "./objective-bounds.ts";
import type { ObjectivePolicy } from "./objective-policy.ts";
import { initialObjectiveState, type ObjectiveState } from "./objective-state.ts";

/** A policy at work. */
export interface RememberedObjective {
  readonly initialState: ObjectiveState;
  /** After the last decision. */
  readonly state: ObjectiveState;
  readonly decide: Decide<ObjectiveState>;
  /** What the next reading should tell, by what was learnt so far. */
  wish(): Required<ReadingWish>;
}

/** The policy's decision function, which remembers its last state, so that readings can be asked for what it needs. */
export function rememberObjective(
  policy: ObjectivePolicy,
  initialState: ObjectiveState = initialObjectiveState(policy),
  bounds: ObjectiveBounds = {},
): RememberedObjective {
  const decide = decideByObjective(policy, bounds);
  let state = initialState;
  return {
    initialState,
    get state() {
      return state;
    },
    decide(before, seen) {
      const outcome = decide(before, seen);
      state = outcome.state;
      return outcome;
    },
    wish: () => ({ dueEdgesMs: dueEdgesOf(policy, state) }),
  };
}
