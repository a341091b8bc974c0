import type { ObjectiveOptions } from "../../core/index.ts";
import type { ObjectiveControl, ScaledJob, ScaledObject } from "../../specs/index.ts";

/** What `sluice.dev/objective` says, as `scale.objective` of a worker file says it. */
export function toObjectiveOptions(control: ObjectiveControl): ObjectiveOptions {
  const { maxWaitMs, mode, theta, lateShare, adaptive, startCostMs, startupDelayMs } = control;
  return {
    ...{ maxWait: `${maxWaitMs}ms`, mode },
    ...(theta !== undefined && { theta }),
    ...(lateShare !== undefined && { lateShare }),
    ...(adaptive !== undefined && { adaptive }),
    ...(startCostMs !== undefined && { startCost: `${startCostMs}ms` }),
    ...(startupDelayMs !== undefined && { startupDelay: `${startupDelayMs}ms` }),
  };
}

/** Whether the annotation is followed: a paused object is KEDA's loop's to hold. */
export function followsObjective({
  controls,
}: Pick<ScaledObject | ScaledJob, "controls">): boolean {
  const { objective, paused, pausedReplicas } = controls;
  return objective !== null && !paused && pausedReplicas === null;
}
