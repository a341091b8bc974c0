/** What KEDA's admission and its controller check of one ScaledJob beyond the shape of its fields. */
import { below, type Place } from "./field.ts";
import type { ScaledJobSpec } from "./scaled-job.ts";
import { checkTriggers, isResourceTrigger } from "./trigger-rules.ts";

/** Reports all that is wrong with the spec of a ScaledJob; `at` is the spec's place. */
export function checkScaledJob(spec: ScaledJobSpec, at: Place): void {
  checkTriggers(spec.triggers, below(at, "triggers"));
  for (const [index, trigger] of spec.triggers.entries()) {
    const path = [...at.path, "triggers", index];
    // The rule of cpu and memory has spoken of theirs.
    if (trigger.metricType !== null && !isResourceTrigger(trigger))
      at.report.error(
        [...path, "metricType"],
        "must not be set in a ScaledJob; it always works with AverageValue. Leave the key out.",
      );
    if (trigger.useCachedMetrics)
      at.report.warn([...path, "useCachedMetrics"], "has no effect in a ScaledJob.");
    if (trigger.type === "external-push")
      at.report.warn(
        [...path, "type"],
        "is polled like external in a ScaledJob; KEDA drops its pushes.",
      );
    if (isResourceTrigger(trigger))
      at.report.error(
        [...path, "type"],
        `${trigger.type} cannot scale a ScaledJob: it only tells the load of pods that run. Use a ScaledObject.`,
      );
  }
  warnOfBounds(spec, at);
  if (spec.scalingStrategy.strategy === "custom") warnOfCustom(spec, at);
}

function warnOfBounds(
  { minReplicaCount: min, maxReplicaCount: max }: ScaledJobSpec,
  at: Place,
): void {
  if (min === null || min === 0) return;
  if (max !== null && min > max)
    at.report.warn(
      [...at.path, "minReplicaCount"],
      `exceeds maxReplicaCount, so ${max} jobs are kept and up to ${max} more come with the backlog.`,
    );
  if (max === null)
    at.report.warn(
      [...at.path, "minReplicaCount"],
      `comes on top of 100 where maxReplicaCount is not set: up to ${100 + min} jobs. Set maxReplicaCount.`,
    );
}

function warnOfCustom({ scalingStrategy }: ScaledJobSpec, at: Place): void {
  if (scalingStrategy.customScalingRunningJobPercentage !== null) return;
  at.report.warn(
    [...at.path, "scalingStrategy", "strategy"],
    `custom needs customScalingRunningJobPercentage, a number in quotes; without it the strategy is "default".`,
  );
}
