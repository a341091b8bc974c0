import { formatMs } from "../../core/index.ts";
import {
  defaultMaxReplicas,
  type ObjectiveControl,
  type ScaledJob,
  type ScaledJobSpec,
} from "../../specs/index.ts";
import { objectivePollingMs } from "../objective/counting-triggers.ts";
import { toMeaning } from "./describe-scaled-object.ts";
import { describeTriggers, valueOfKey } from "./describe-triggers.ts";
import type { Explained, Meaning } from "./explanation.ts";
import { describeSharedCap } from "./shared-cap.ts";
import { factsOf } from "./trigger-facts.ts";

/** What a ScaledJob means, topic by topic. */
export function describeScaledJob(explained: Explained<ScaledJob>): readonly Meaning[] {
  const { spec, controls } = explained.object;
  return [
    ...toMeaning([
      ["creates", controls.objective === null ? boundsText(spec) : objectiveBounds(spec)],
      ["shared cap", describeSharedCap(explained.set, explained.object)],
      ["paused", controls.paused ? "nothing below happens; running jobs go on" : null],
    ]),
    ...describeTriggers(explained),
    ...toMeaning([...decides(explained.object), ["afterwards", afterwards(spec)]]),
  ];
}

type Topics = readonly (readonly [topic: string, text: string | null])[];

function decides({ spec, controls }: ScaledJob): Topics {
  if (controls.objective !== null) return [["how many", objectiveText(controls.objective, spec)]];
  if (controls.sequential !== null)
    return [["how many", sequentialText(controls.sequential, spec)]];
  return [
    ["how many", howMany(spec)],
    ["strategy", strategies[spec.scalingStrategy.strategy](spec)],
  ];
}

function objectiveBounds({ minReplicaCount, maxReplicaCount }: ScaledJobSpec): string {
  const min = minReplicaCount ?? 0;
  const most = maxReplicaCount ?? defaultMaxReplicas + min;
  const kept = min > 0 ? `, ${Math.min(min, most)} of them always` : "";
  return `one-shot jobs, at most ${most} at a time${kept}. Nothing ends a job but itself`;
}

function objectiveText(
  { maxWaitMs, mode, messagesPerJob = "one" }: ObjectiveControl,
  { pollingInterval }: ScaledJobSpec,
): string {
  const looks = `looked at every ${formatMs(objectivePollingMs(pollingInterval, maxWaitMs))}`;
  const what =
    messagesPerJob === "one"
      ? "each message gets a job, created in time for the message to be taken"
      : "a job works until no message comes; one more is created where those that run and start would not take a message";
  return `by deadlines (sluice.dev/objective, ${mode}): ${what} within ${formatMs(maxWaitMs)} of its arrival; ${looks}`;
}

function boundsText({
  minReplicaCount,
  maxReplicaCount: max,
  pollingInterval,
}: ScaledJobSpec): string {
  const min = minReplicaCount ?? 0;
  const most = max === null ? defaultMaxReplicas + min : min > max ? 2 * max : max;
  const kept = min > 0 ? `, ${Math.min(min, max ?? min)} of them always` : "";
  return `one-shot jobs, at most ${most} at a time${kept}; looked at every ${pollingInterval} s. Nothing ends a job but itself`;
}

function howMany({ triggers, scalingStrategy }: ScaledJobSpec): string {
  const needs = triggers.map((trigger) => {
    const target = valueOfKey(trigger, factsOf(trigger)?.target(trigger.metadata) ?? null);
    return target === null ? `what ${trigger.type} asks for` : `${trigger.type} / ${target}`;
  });
  if (needs.length === 1) return `${needs[0]}, rounded up`;
  const words = { max: "the most", min: "the least", avg: "the mean", sum: "the sum" } as const;
  return `${words[scalingStrategy.multipleScalersCalculation]} of the active ones of: ${needs.join("; ")}, rounded up`;
}

type Strategy = ScaledJobSpec["scalingStrategy"]["strategy"];

const strategies: Readonly<Record<Strategy, (spec: ScaledJobSpec) => string>> = {
  default: () => "default: that many less those that run already",
  accurate: () => "accurate: that many again at every look, less those that are pending",
  eager: () => "eager: as many as there is room for, up to that many, at every look",
  custom: ({ scalingStrategy: { customScalingRunningJobPercentage: share, ...rest } }) =>
    share === null
      ? "custom without customScalingRunningJobPercentage, which is default: that many less those that run already"
      : `custom: that many less ${rest.customScalingQueueLengthDeduction}, less ${share} of those that run`,
};

function sequentialText(
  { threshold, maxAgeMs }: NonNullable<ScaledJob["controls"]["sequential"]>,
  { pollingInterval }: ScaledJobSpec,
): string {
  const age =
    maxAgeMs === null ? "" : `, or the oldest has waited longer than ${maxAgeMs / 1000} s`;
  return `one job at a time (sluice.dev/strategy: sequential): at a look, every ${pollingInterval} s, that finds more than ${threshold} messages${age}; the next one when the last is ready`;
}

function afterwards(spec: ScaledJobSpec): string {
  const { successfulJobsHistoryLimit: good, failedJobsHistoryLimit: bad, rollout } = spec;
  const change =
    rollout.strategy === "gradual"
      ? "lets jobs of the old one end"
      : "ends all jobs of the old one";
  return `the last ${good} that succeeded and ${bad} that failed are remembered; a change of the spec ${change}`;
}
