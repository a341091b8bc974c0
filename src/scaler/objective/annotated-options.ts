import type { ObjectiveOptions } from "../../core/index.ts";
import type { ObjectiveControl } from "../../specs/index.ts";

/** What `sluice.dev/objective` says, as the options of a worker file say it. */
export function toObjectiveOptions(control: ObjectiveControl): ObjectiveOptions {
  const { maxWaitMs, startCostMs, startupDelayMs, messagesPerJob: _, ...margins } = control;
  return {
    maxWait: `${maxWaitMs}ms`,
    ...margins,
    ...(startCostMs !== undefined && { startCost: `${startCostMs}ms` }),
    ...(startupDelayMs !== undefined && { startupDelay: `${startupDelayMs}ms` }),
  };
}
