import type { ScaledJob, SequentialControl } from "../../specs/index.ts";
import { scaledJobPolicy } from "../policies/scaled-job.ts";
import {
  minimums,
  type ObjectParameter,
  pollingIntervals,
  specNumber,
  triggerTargets,
  withValues,
} from "./object-parameter.ts";
import { type Cause, choice, parameter, type Tunable } from "./parameter.ts";

/** The parameters of a ScaledJob, in the order of the values of a candidate. The maximum is never raised. */
export function scaledJobParameters(job: ScaledJob): readonly ObjectParameter<ScaledJob>[] {
  const { spec, controls } = job;
  const min = spec.minReplicaCount ?? 0;
  const max = spec.maxReplicaCount ?? 100;
  const maximums = [1 / 8, 1 / 4, 1 / 2, 3 / 4, 1]
    .map((share) => Math.max(1, Math.round(share * max)))
    .filter((count) => count >= min);
  return [
    ...(controls.sequential === null
      ? [...triggerTargets(job), strategyOf(job)]
      : [thresholdOf(controls.sequential)]),
    specNumber("pollingInterval", pollingIntervals, {
      ...{ current: spec.pollingInterval, heading: "poll" },
    }),
    specNumber("minReplicaCount", minimums(Math.min(...maximums, max)), {
      ...{ current: min, heading: "min" },
    }),
    specNumber("maxReplicaCount", maximums, { current: max, heading: "max" }),
  ];
}

const strategies = ["default", "accurate", "eager"] as const;

/** `custom` is only kept where it is. */
function strategyOf({ spec }: ScaledJob): ObjectParameter<ScaledJob> {
  const { strategy: current } = spec.scalingStrategy;
  const path = ["spec", "scalingStrategy", "strategy"];
  return {
    ...choice("scalingStrategy.strategy", strategies, { current, heading: "strategy" }),
    path,
    with: (job, setting) => withStrategy(job, strategies.find((one) => one === setting) ?? current),
    written: String,
  };
}

function withStrategy(
  job: ScaledJob,
  strategy: ScaledJob["spec"]["scalingStrategy"]["strategy"],
): ScaledJob {
  const { spec } = job;
  return {
    ...job,
    spec: { ...spec, scalingStrategy: { ...spec.scalingStrategy, strategy } },
  };
}

/** Under `sequential` targets and strategies have no part. */
function thresholdOf(sequential: SequentialControl): ObjectParameter<ScaledJob> {
  const { threshold: current } = sequential;
  return {
    ...parameter("sluice.dev/threshold", [0, 1, 2, 5, 10, 20, 50, 100], {
      ...{ current, heading: "threshold" },
    }),
    path: ["metadata", "annotations", "sluice.dev/threshold"],
    with: (job, setting) => ({
      ...job,
      controls: { ...job.controls, sequential: { ...sequential, threshold: Number(setting) } },
    }),
    written: String,
  };
}

/** A ScaledJob with its parameters. */
export function scaledJobTunable(job: ScaledJob): Tunable {
  const parameters = scaledJobParameters(job);
  return {
    parameters,
    current: scaledJobPolicy(job),
    policyOf: (values) => scaledJobPolicy(withValues(job, parameters, values), { name: "tuned" }),
    causes: causesOf(job),
  };
}

function causesOf(job: ScaledJob): readonly Cause[] {
  const changed = (spec: Partial<ScaledJob["spec"]>): ScaledJob => ({
    ...job,
    spec: { ...job.spec, ...spec },
  });
  const { sequential } = job.controls;
  const rules: Cause =
    sequential === null
      ? {
          ...{ cause: "strategy", without: "eager: a job for each message" },
          policy: scaledJobPolicy(withStrategy(job, "eager")),
        }
      : {
          ...{ cause: "one at a time", without: "KEDA's strategy eager" },
          policy: scaledJobPolicy(
            withStrategy({ ...job, controls: { ...job.controls, sequential: null } }, "eager"),
          ),
        };
  return [
    {
      ...{ cause: "polling", without: "a look every second" },
      policy: scaledJobPolicy(changed({ pollingInterval: 1 })),
    },
    rules,
    {
      ...{ cause: "maximum", without: "ten times maxReplicaCount" },
      policy: scaledJobPolicy(changed({ maxReplicaCount: (job.spec.maxReplicaCount ?? 100) * 10 })),
    },
  ];
}
