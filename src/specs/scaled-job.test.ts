import { describe, expect, test } from "vitest";
import { describeCases } from "./fixtures/cases.ts";
import { read, scaledJob } from "./fixtures/samples.ts";

describe("a ScaledJob", () => {
  describeCases("scaled-job.yaml", scaledJob);
});

test("what is not given has KEDA's and Kubernetes' defaults", () => {
  const spec = read(scaledJob()).scaledJobs[0]?.spec;
  expect(spec).toMatchObject({
    pollingInterval: 30,
    successfulJobsHistoryLimit: 100,
    failedJobsHistoryLimit: 100,
    rollout: { strategy: "immediate", propagationPolicy: "background" },
    envSourceContainerName: null,
    minReplicaCount: null,
    maxReplicaCount: null,
    scalingStrategy: {
      strategy: "default",
      customScalingQueueLengthDeduction: 0,
      customScalingRunningJobPercentage: null,
      pendingPodConditions: [],
      multipleScalersCalculation: "max",
    },
  });
  expect(spec).not.toHaveProperty("rolloutStrategy");
  expect(spec?.jobTargetRef).toMatchObject({
    parallelism: 1,
    completions: null,
    backoffLimit: 6,
    activeDeadlineSeconds: null,
    template: { restartPolicy: "OnFailure", terminationGracePeriodSeconds: 30 },
  });
});

test.each([
  [{}, "immediate"],
  [{ rollout: { strategy: "gradual" } }, "gradual"],
  [{ rolloutStrategy: "gradual" }, "gradual"],
  [{ rolloutStrategy: "immediate", rollout: { strategy: "gradual" } }, "immediate"],
])("the deprecated rolloutStrategy wins where it is set: %j", (spec, strategy) => {
  expect(read(scaledJob(spec)).scaledJobs[0]?.spec.rollout.strategy).toBe(strategy);
});

test.each([
  ["0.5", 0.5],
  ["1e-1", 0.1],
  ["", null],
  ["half", null],
  ["Infinity", null],
])("a percentage of %j is %j", (customScalingRunningJobPercentage, value) => {
  const scalingStrategy = { strategy: "custom", customScalingRunningJobPercentage };
  const [job] = read(scaledJob({ scalingStrategy })).scaledJobs;
  expect(job?.spec.scalingStrategy.customScalingRunningJobPercentage).toBe(value);
});
