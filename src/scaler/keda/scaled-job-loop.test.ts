import { describe, expect, test } from "vitest";
import type { ScaledJobSpec, ScalingControls } from "../../specs/index.ts";
import { type JobStatus, toJobTargetStatus } from "../job-target.ts";
import { type GivenMetric, reading, scaledJob, triggerSpec } from "./fixtures/scaled.ts";
import type { ScaledJobState } from "./job-look.ts";
import { observeJobs } from "./object-observation.ts";
import { initialScaledJobState, pollScaledJob } from "./scaled-job-loop.ts";
import { toScaledJobPolicy } from "./scaled-job-policy.ts";

const now = 1_000_000;

function job(index: number, given: Partial<JobStatus> = {}): JobStatus {
  const base = { generation: 1, createdAt: now - 5000, endedAt: null, failures: 0 };
  return { id: `job-${index}`, state: "running", ready: true, ...base, ...given };
}

const ready = (count: number): readonly JobStatus[] =>
  Array.from({ length: count }, (_, index) => job(index));

interface Scene {
  readonly spec?: Partial<ScaledJobSpec>;
  readonly controls?: Partial<ScalingControls>;
  readonly jobs?: readonly JobStatus[];
  readonly room?: number | null;
  readonly state?: ScaledJobState;
  readonly metrics: readonly GivenMetric[];
}

function poll(scene: Scene) {
  const triggers = scene.metrics.map(() => triggerSpec());
  const policy = toScaledJobPolicy(scaledJob({ triggers, ...scene.spec }, scene.controls));
  const seen = observeJobs({
    at: now,
    triggers: scene.metrics.map((metric, index) => reading(index, metric)),
    jobs: toJobTargetStatus(scene.jobs ?? [], scene.room ?? null),
  });
  return pollScaledJob(policy, scene.state ?? initialScaledJobState, seen);
}

describe("a poll of a ScaledJob", () => {
  test.each([
    [0, 2],
    [1, 1],
  ])("with MIN 2 and %d running creates %d and nothing more", (running, create) => {
    const spec = { minReplicaCount: 2 };
    const outcome = poll({ spec, jobs: ready(running), metrics: [{ value: 50 }] });
    expect(outcome.create).toBe(create);
    expect(outcome.decision.rule).toBe("minimum");
  });

  test("does not let the jobs of the minimum absorb messages", () => {
    const spec = { minReplicaCount: 1 };
    expect(poll({ spec, jobs: ready(1), metrics: [{ value: 2 }] }).create).toBe(2);
  });

  test("is active with a minimum and an empty queue, and creates nothing", () => {
    const { create, decision } = poll({
      spec: { minReplicaCount: 1 },
      jobs: ready(1),
      metrics: [{ value: 0 }],
    });
    expect([create, decision.reasons[0]?.code]).toEqual([0, "ScalerActive"]);
  });

  test("creates nothing while no trigger is active", () => {
    const { create, decision } = poll({ metrics: [{ value: 5, active: false }] });
    expect([create, decision.reasons[0]?.code]).toEqual([0, "ScalerNotActive"]);
  });

  test("says what it created, and from what", () => {
    const { decision } = poll({ jobs: ready(2), metrics: [{ value: 12, target: 2 }] });
    expect(decision.replicas).toBe(6);
    expect(decision.reasons[0]).toMatchObject({ code: "KEDAJobsCreated", text: "Created 4 jobs" });
    expect(decision.candidates.map(({ rule, replicas }) => [rule, replicas])).toEqual([
      ["metric", 6],
      ["strategy", 6],
    ]);
  });

  test("skips a trigger that fails, and says so", () => {
    const { create, decision } = poll({ metrics: [{ failure: "away" }, { value: 3 }] });
    expect(create).toBe(3);
    expect(decision.reasons.at(-1)).toMatchObject({
      code: "KEDAScalerFailed",
      text: "s0-metric: away",
    });
  });

  test("creates nothing when every trigger fails", () => {
    expect(poll({ metrics: [{ failure: "away" }] }).create).toBe(0);
  });

  test.each([Number.NaN, -3])("takes %d for a failure", (value) => {
    expect(poll({ metrics: [{ value, active: true }] }).create).toBe(0);
  });

  test("creates nothing while it is paused", () => {
    const { create, decision } = poll({ controls: { paused: true }, metrics: [{ value: 9 }] });
    expect([create, decision.reasons[0]?.code]).toEqual([0, "ScaledObjectPaused"]);
  });
});

const sequential = { threshold: 10, maxAgeMs: 30_000 };
const spec = { maxReplicaCount: 3 };

describe("sequential", () => {
  const pollSequential = (scene: Scene) =>
    poll({ spec, controls: { sequential, ...scene.controls }, ...scene });

  test("creates one job over the threshold, however many messages wait", () => {
    const { create, decision } = pollSequential({ metrics: [{ value: 200 }] });
    expect([create, decision.rule, decision.reasons[1]?.code]).toEqual([
      1,
      "threshold",
      "ThresholdExceeded",
    ]);
  });

  test("creates none at the threshold", () => {
    expect(pollSequential({ metrics: [{ value: 10 }] }).create).toBe(0);
  });

  test("adds up its triggers", () => {
    expect(pollSequential({ metrics: [{ value: 6 }, { value: 5 }] }).create).toBe(1);
  });

  test("creates one job when a message has waited too long", () => {
    const at = (oldestAgeMs: number) => pollSequential({ metrics: [{ value: 1, oldestAgeMs }] });
    expect([at(30_000).create, at(30_001).create]).toEqual([0, 1]);
    expect(at(30_001).decision.rule).toBe("age");
  });

  test("takes the time since the queue was empty where the age is not told", () => {
    const at = (waitingSince: number | null) =>
      pollSequential({
        state: { ...initialScaledJobState, waitingSince },
        metrics: [{ value: 1 }],
      });
    expect([at(null).create, at(now - 30_000).create, at(now - 30_001).create]).toEqual([0, 0, 1]);
    expect(at(null).state.waitingSince).toBe(now);
    expect(at(now - 5).state.waitingSince).toBe(now - 5);
  });

  test("forgets since when it waited once the queue is empty, but not while it cannot be read", () => {
    const state = { ...initialScaledJobState, waitingSince: now - 60_000 };
    const empty = pollSequential({ state, metrics: [{ value: 0 }] });
    const away = pollSequential({ state, metrics: [{ failure: "away" }] });
    expect([empty.state.waitingSince, empty.create]).toEqual([null, 0]);
    expect([away.state.waitingSince, away.create]).toEqual([now - 60_000, 0]);
    expect(away.decision.rule).toBe("hold");
  });

  test("waits until the last job is ready, however long", () => {
    const jobs = [job(0), job(1, { ready: false, state: "pending", createdAt: now - 240_000 })];
    const { create, decision } = pollSequential({ jobs, metrics: [{ value: 200 }] });
    expect([create, decision.rule]).toEqual([0, "readiness"]);
    expect(decision.reasons[0]).toMatchObject({
      code: "WaitingForReadiness",
      text: "job-1 is not ready yet, after 4m 0s",
    });
  });

  test("does not wait for a job that is over", () => {
    const jobs = [job(0, { ready: false, state: "failed", endedAt: now })];
    expect(pollSequential({ jobs, metrics: [{ value: 200 }] }).create).toBe(1);
  });

  test("waits while there is no room, and goes on when there is", () => {
    const full = pollSequential({ room: 0, metrics: [{ value: 200 }] });
    expect([full.create, full.decision.reasons[0]?.code]).toEqual([0, "NoCapacity"]);
    expect(pollSequential({ room: 1, metrics: [{ value: 200 }] }).create).toBe(1);
  });

  test("stops at the maximum", () => {
    const { create, decision } = pollSequential({ jobs: ready(3), metrics: [{ value: 200 }] });
    expect([create, decision.reasons[0]?.code]).toEqual([0, "TooManyReplicas"]);
  });

  test("brings the minimum one by one as well", () => {
    const least = { ...spec, minReplicaCount: 2 };
    const outcome = pollSequential({ spec: least, metrics: [{ value: 0 }] });
    expect([outcome.create, outcome.decision.rule]).toEqual([1, "minimum"]);
  });
});
