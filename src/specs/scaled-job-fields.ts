import {
  about,
  choice,
  derive,
  type Field,
  list,
  object,
  optional,
  or,
  orEmpty,
  text,
  whole,
} from "./field.ts";
import { parseDecimal } from "./quantity.ts";
import type { ScaledJobSpec, ScalingStrategy } from "./scaled-job.ts";
import { triggerSpec } from "./trigger-fields.ts";
import { jobSpec } from "./workload-fields.ts";

type Rollout = ScaledJobSpec["rollout"];

interface WrittenSpec extends ScaledJobSpec {
  /** Deprecated; wins over `rollout.strategy`. */
  readonly rolloutStrategy: Rollout["strategy"] | null;
}

/** A number that is no number makes the strategy `default`; KEDA says nothing then, so a warning does. */
const percentage: Field<number | null> = derive(or(text(), ""), (value, at): number | null => {
  const number = parseDecimal(value);
  if (value !== "" && number === null)
    at.report.warn(
      at.path,
      `must be a number in quotes, such as "0.5"; got ${JSON.stringify(value)}. The strategy is "default" then.`,
    );
  return number;
});

const scalingStrategy: Field<ScalingStrategy> = object<ScalingStrategy>({
  strategy: about(
    "How jobs that run already count against the backlog.",
    or(choice(["default", "custom", "accurate", "eager"]), "default"),
  ),
  customScalingQueueLengthDeduction: or(whole(), 0),
  customScalingRunningJobPercentage: percentage,
  pendingPodConditions: or(list(text({ isNeeded: true })), []),
  multipleScalersCalculation: or(choice(["max", "min", "avg", "sum"]), "max"),
});

/** `spec` of a ScaledJob. */
export const scaledJobSpec: Field<ScaledJobSpec> = derive(
  object<WrittenSpec>({
    jobTargetRef: about("The Job to create: a batch/v1 JobSpec.", jobSpec),
    pollingInterval: about("Seconds between two readings.", or(whole(1), 30)),
    successfulJobsHistoryLimit: or(whole(0), 100),
    failedJobsHistoryLimit: or(whole(0), 100),
    rolloutStrategy: about("Deprecated: write rollout.strategy.", optional(rolloutStrategy())),
    rollout: orEmpty(
      object<Rollout>({
        strategy: or(rolloutStrategy(), "immediate"),
        propagationPolicy: or(choice(["foreground", "background"]), "background"),
      }),
    ),
    envSourceContainerName: optional(text()),
    minReplicaCount: about("Default 0.", optional(whole(0))),
    maxReplicaCount: about("Default 100.", optional(whole(1))),
    scalingStrategy: orEmpty(scalingStrategy),
    triggers: list(triggerSpec, { isNeeded: true }),
  }),
  ({ rolloutStrategy: deprecated, ...spec }) => ({
    ...spec,
    rollout: { ...spec.rollout, strategy: deprecated ?? spec.rollout.strategy },
  }),
);

function rolloutStrategy(): Field<Rollout["strategy"]> {
  return choice(["gradual", "immediate"]);
}
