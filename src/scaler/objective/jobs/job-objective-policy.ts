import {
  defaultMaxReplicas,
  type MessagesPerJob,
  type ScaledJob,
  type TriggerSpec,
} from "../../../specs/index.ts";
import type { Resolution } from "../../explain/explanation.ts";
import { inFlightOf } from "../../explain/in-flight.ts";
import type { InFlight } from "../../explain/trigger-facts.ts";
import { toObjectiveOptions } from "../annotated-options.ts";
import { checkCounting, countsMessages, objectivePollingMs } from "../counting-triggers.ts";
import { type ObjectivePolicy, toObjectivePolicy } from "../objective-policy.ts";

/** A ScaledJob's objective with every field decided. `maxReplicaCount` is the most jobs that have not ended. */
export interface JobObjectivePolicy extends ObjectivePolicy {
  /** Whether a job ends after one message, or works until there is none. */
  readonly messagesPerJob: MessagesPerJob;
  /** How often jobs are made up to `minReplicaCount`: KEDA's polling interval. */
  readonly minimumEveryMs: number;
  readonly triggers: readonly TriggerSpec[];
  /** By the trigger's index: whether its value still holds what jobs have taken; null for one that counts no messages. */
  readonly counts: readonly ("included" | "excluded" | null)[];
}

/** What a ScaledJob does not say of itself. */
export interface JobObjectiveSurroundings {
  /** What its triggers refer to, in their order, as far as that is known. Default: nothing. */
  readonly resolutions?: readonly Resolution[];
  /** What a start takes, until enough were measured. Default 1 s, as for processes that load a program. */
  readonly startupMs?: number;
}

/**
 * The policy of a ScaledJob's objective; null where it has none. Polls as a ScaledObject's does. Throws `TRIGGER_INVALID`
 * where no trigger counts messages.
 */
export function jobObjectiveOf(
  { spec, controls: { objective } }: Pick<ScaledJob, "spec" | "controls">,
  { resolutions = [], startupMs = 1000 }: JobObjectiveSurroundings = {},
): JobObjectivePolicy | null {
  if (objective === null) return null;
  const { triggers, pollingInterval, maxReplicaCount, minReplicaCount, scalingStrategy } = spec;
  checkCounting(triggers);
  const min = minReplicaCount ?? 0;
  // As KEDA has it: without a maximum, the minimum comes on top of the default.
  const max = maxReplicaCount ?? defaultMaxReplicas + min;
  const policy = toObjectivePolicy(
    toObjectiveOptions(objective),
    {
      minReplicaCount: Math.min(min, max),
      maxReplicaCount: max,
      pollingInterval: `${objectivePollingMs(pollingInterval, objective.maxWaitMs)}ms`,
    },
    { startupMs, ...(objective.concurrency && { concurrency: objective.concurrency }) },
  );
  return {
    ...policy,
    messagesPerJob: objective.messagesPerJob ?? "one",
    minimumEveryMs: pollingInterval * 1000,
    triggers,
    counts: triggers.map((trigger, index) =>
      countsMessages(trigger)
        ? countedOf(inFlightOf(trigger, resolutions[index]), scalingStrategy)
        : null,
    ),
  };
}

/**
 * Where the type does not tell, the strategy does: `default` and `custom` are for values that still hold what running jobs
 * have taken, `accurate` and `eager` for those that do not.
 */
function countedOf(
  inFlight: InFlight,
  { strategy }: ScaledJob["spec"]["scalingStrategy"],
): "included" | "excluded" {
  if (inFlight === "included" || inFlight === "excluded") return inFlight;
  return strategy === "accurate" || strategy === "eager" ? "excluded" : "included";
}
