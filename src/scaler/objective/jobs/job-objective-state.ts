import { initialObjectiveState, type ObjectiveState } from "../objective-state.ts";
import { type JobFailures, noFailures } from "./job-failures.ts";
import type { JobObjectivePolicy } from "./job-objective-policy.ts";

/** The memory of a ScaledJob's objective between two decisions: plain data. */
export interface JobObjectiveState {
  /** What is learnt of queue and jobs. */
  readonly learned: ObjectiveState;
  readonly failures: JobFailures;
  /** Jobs that had not ended by the last decision, those included that it created; null: there was none. */
  readonly expected: number | null;
  /** When jobs were made up to the minimum last; null: never. */
  readonly minimumAt: number | null;
}

/** Before the first look. */
export function initialJobObjectiveState(policy: JobObjectivePolicy): JobObjectiveState {
  const learned = initialObjectiveState(policy);
  return { learned, failures: noFailures, expected: null, minimumAt: null };
}
