import { describe, expect, test } from "vitest";
import type { ScaledObjectSpec, ScalingControls } from "../../specs/index.ts";
import { look, objectPolicy, running, triggerSpec } from "./fixtures/scaled.ts";
import { pollScaledObject, pushScaledObject } from "./keda-loop.ts";
import { observeObject } from "./object-observation.ts";
import { initialScaledObjectState, type ScaledObjectState } from "./scaled-object-state.ts";

const now = 1_000_000;
const before: ScaledObjectState = { ...initialScaledObjectState(0), lastActiveAt: now - 10_000 };
const longAgo: ScaledObjectState = { ...before, lastActiveAt: now - 300_001 };

interface Row {
  readonly name: string;
  readonly spec?: Partial<ScaledObjectSpec>;
  readonly controls?: Partial<ScalingControls>;
  readonly state?: ScaledObjectState;
  readonly replicas: number;
  /** The metric, or a failure; target 5, activation 0. */
  readonly value: number | string;
  readonly gives: {
    readonly rule: number;
    readonly replicas: number;
    readonly reason: string;
    /** Whether this was a time of activity. */
    readonly isActivity?: boolean;
  };
}

const fallback = { failureThreshold: 3, replicas: 6, behavior: "static" } as const;
const idleOfZero = { idleReplicaCount: 0, minReplicaCount: 3 };
const idleOfOne = { idleReplicaCount: 1, minReplicaCount: 3 };

/** The decision table, each row in each way in which it can come up. */
const rows: readonly Row[] = [
  {
    name: "0: paused, with work",
    controls: { paused: true },
    ...{ replicas: 0, value: 9 },
    gives: { rule: 0, replicas: 0, reason: "ScaledObjectPaused" },
  },
  {
    name: "0: paused, long inactive",
    controls: { paused: true },
    state: longAgo,
    ...{ replicas: 4, value: 0 },
    gives: { rule: 0, replicas: 4, reason: "ScaledObjectPaused" },
  },
  {
    name: "0: paused-replicas, whatever the work",
    controls: { pausedReplicas: 7 },
    ...{ replicas: 0, value: 0 },
    gives: { rule: 0, replicas: 7, reason: "ScaledObjectPaused" },
  },
  {
    name: "0: paused-replicas wins over paused",
    controls: { paused: true, pausedReplicas: 2 },
    ...{ replicas: 5, value: 9 },
    gives: { rule: 0, replicas: 2, reason: "ScaledObjectPaused" },
  },
  {
    name: "1: active at 0",
    ...{ replicas: 0, value: 1 },
    gives: { rule: 1, replicas: 1, reason: "KEDAScaleTargetActivated", isActivity: true },
  },
  {
    name: "1: active at 0, min 3",
    spec: { minReplicaCount: 3 },
    ...{ replicas: 0, value: 1 },
    gives: { rule: 1, replicas: 3, reason: "KEDAScaleTargetActivated", isActivity: true },
  },
  {
    name: "1: active at idle 0",
    spec: idleOfZero,
    ...{ replicas: 0, value: 1 },
    gives: { rule: 1, replicas: 3, reason: "KEDAScaleTargetActivated", isActivity: true },
  },
  {
    name: "1: with idle, any count below min is lifted",
    spec: idleOfOne,
    ...{ replicas: 2, value: 1 },
    gives: { rule: 1, replicas: 3, reason: "KEDAScaleTargetActivated", isActivity: true },
  },
  {
    name: "1: forced active at 0 without work",
    controls: { forceActivation: true },
    ...{ replicas: 0, value: 0 },
    gives: { rule: 1, replicas: 1, reason: "KEDAScaleTargetActivated", isActivity: true },
  },
  {
    name: "1: forced active at 0 with a failed trigger",
    controls: { forceActivation: true },
    ...{ replicas: 0, value: "away" },
    gives: { rule: 1, replicas: 1, reason: "KEDAScaleTargetActivated", isActivity: true },
  },
  {
    name: "1: paused-scale-out keeps it at 0",
    controls: { pausedScaleOut: true },
    ...{ replicas: 0, value: 1 },
    gives: { rule: 1, replicas: 0, reason: "ScaledObjectPaused" },
  },
  {
    name: "1: paused-scale-out keeps it at idle",
    spec: idleOfOne,
    controls: { pausedScaleOut: true },
    ...{ replicas: 1, value: 1 },
    gives: { rule: 1, replicas: 1, reason: "ScaledObjectPaused" },
  },
  {
    name: "2: forced active and running with a failed trigger",
    controls: { forceActivation: true },
    ...{ replicas: 2, value: "away" },
    gives: { rule: 2, replicas: 2, reason: "PartialTriggerError" },
  },
  {
    name: "3: active and running",
    ...{ replicas: 2, value: 1 },
    gives: { rule: 3, replicas: 2, reason: "ScalerActive", isActivity: true },
  },
  {
    name: "3: active below min without idle is the autoscaler's to lift",
    spec: { minReplicaCount: 3 },
    ...{ replicas: 2, value: 1 },
    gives: { rule: 3, replicas: 2, reason: "ScalerActive", isActivity: true },
  },
  {
    name: "4: failed, waiting for the threshold",
    spec: { fallback },
    state: longAgo,
    ...{ replicas: 2, value: "away" },
    gives: { rule: 4, replicas: 2, reason: "TriggerError" },
  },
  {
    name: "4: failed at 0, waiting for the threshold",
    spec: { fallback },
    ...{ replicas: 0, value: "away" },
    gives: { rule: 4, replicas: 0, reason: "TriggerError" },
  },
  {
    name: "5: failed, no fallback, long inactive",
    state: longAgo,
    ...{ replicas: 2, value: "away" },
    gives: { rule: 5, replicas: 2, reason: "TriggerError" },
  },
  {
    name: "5: failed, no fallback, below min",
    spec: { minReplicaCount: 3 },
    ...{ replicas: 2, value: "away" },
    gives: { rule: 5, replicas: 2, reason: "TriggerError" },
  },
  {
    name: "6: inactive, cooldown over",
    state: longAgo,
    ...{ replicas: 40, value: 0 },
    gives: { rule: 6, replicas: 0, reason: "KEDAScaleTargetDeactivated" },
  },
  {
    name: "6: inactive, cooldown over at this very millisecond",
    state: { ...before, lastActiveAt: now - 300_000 },
    ...{ replicas: 40, value: 0 },
    gives: { rule: 6, replicas: 40, reason: "ScalerCooldown" },
  },
  {
    name: "6: inactive, within the cooldown",
    ...{ replicas: 40, value: 0 },
    gives: { rule: 6, replicas: 40, reason: "ScalerCooldown" },
  },
  {
    name: "6: inactive, to idle",
    spec: idleOfOne,
    state: longAgo,
    ...{ replicas: 3, value: 0 },
    gives: { rule: 6, replicas: 1, reason: "KEDAScaleTargetDeactivated" },
  },
  {
    name: "6: inactive, idle 0 under min 3",
    spec: idleOfZero,
    state: longAgo,
    ...{ replicas: 3, value: 0 },
    gives: { rule: 6, replicas: 0, reason: "KEDAScaleTargetDeactivated" },
  },
  {
    name: "6: paused-scale-in keeps the count",
    controls: { pausedScaleIn: true },
    state: longAgo,
    ...{ replicas: 3, value: 0 },
    gives: { rule: 6, replicas: 3, reason: "ScaledObjectPaused" },
  },
  {
    name: "6: failed with a fallback of 0",
    spec: { fallback: { ...fallback, replicas: 0 } },
    state: longAgo,
    ...{ replicas: 3, value: "away" },
    gives: { rule: 6, replicas: 0, reason: "KEDAScaleTargetDeactivated" },
  },
  {
    name: "6: fresh object over a running target",
    state: initialScaledObjectState(now - 1),
    ...{ replicas: 3, value: 0 },
    gives: { rule: 6, replicas: 0, reason: "KEDAScaleTargetDeactivated" },
  },
  {
    name: "6: fresh object within its initial cooldown",
    spec: { initialCooldownPeriod: 60 },
    state: initialScaledObjectState(now - 60_000),
    ...{ replicas: 3, value: 0 },
    gives: { rule: 6, replicas: 3, reason: "ScalerCooldown" },
  },
  {
    name: "6: once active, the initial cooldown says nothing",
    spec: { initialCooldownPeriod: 100_000, cooldownPeriod: 0 },
    ...{ replicas: 3, value: 0 },
    gives: { rule: 6, replicas: 0, reason: "KEDAScaleTargetDeactivated" },
  },
  {
    name: "7: inactive below min",
    spec: { minReplicaCount: 3 },
    ...{ replicas: 1, value: 0 },
    gives: { rule: 7, replicas: 3, reason: "ScalerNotActive" },
  },
  {
    name: "7: inactive at 0 under min",
    spec: { minReplicaCount: 3 },
    ...{ replicas: 0, value: 0 },
    gives: { rule: 7, replicas: 3, reason: "ScalerNotActive" },
  },
  {
    name: "8: inactive at 0",
    state: longAgo,
    ...{ replicas: 0, value: 0 },
    gives: { rule: 8, replicas: 0, reason: "ScalerNotActive" },
  },
  {
    name: "8: inactive at min",
    spec: { minReplicaCount: 3 },
    state: longAgo,
    ...{ replicas: 3, value: 0 },
    gives: { rule: 8, replicas: 3, reason: "ScalerNotActive" },
  },
  {
    name: "8: inactive at idle",
    spec: idleOfOne,
    state: longAgo,
    ...{ replicas: 1, value: 0 },
    gives: { rule: 8, replicas: 1, reason: "ScalerNotActive" },
  },
  {
    name: "8: inactive above min is the autoscaler's to shrink",
    spec: { minReplicaCount: 3 },
    state: longAgo,
    ...{ replicas: 9, value: 0 },
    gives: { rule: 8, replicas: 9, reason: "ScalerNotActive" },
  },
];

describe("KEDA's decision table", () => {
  test.each(rows.map((row) => [row.name, row] as const))("row %s", (_name, row) => {
    const policy = objectPolicy(row.spec, row.controls);
    const state = row.state ?? before;
    const metric =
      typeof row.value === "string"
        ? { failure: row.value, target: 5 }
        : { value: row.value, target: 5 };
    const outcome = pollScaledObject(policy, state, look(now, row.replicas, metric));
    const { decision } = outcome;
    expect(decision.kedaRule).toBe(row.gives.rule);
    expect(decision.replicas).toBe(row.gives.replicas);
    expect(decision.reasons[0]?.code).toBe(row.gives.reason);
    expect(outcome.state.lastActiveAt).toBe(row.gives.isActivity ? now : state.lastActiveAt);
    expect(outcome.stateIfUnscaled.lastActiveAt).toBe(
      row.gives.isActivity && row.gives.rule === 3 ? now : state.lastActiveAt,
    );
  });
});

describe("KEDA's loop", () => {
  test("is active strictly above the activation value", () => {
    const policy = objectPolicy();
    const at = (value: number) =>
      pollScaledObject(policy, before, look(now, 0, { value, activation: 5 })).decision.replicas;
    expect([at(5), at(5.001)]).toEqual([0, 1]);
  });

  test("is active when any trigger is, and says which", () => {
    const policy = objectPolicy({ triggers: [triggerSpec(), triggerSpec({ type: "cron" })] });
    const { decision } = pollScaledObject(policy, before, look(now, 0, { value: 0 }, { value: 3 }));
    expect(decision.reasons[0]?.text).toBe("from 0 to 1, triggered by s1-metric");
    expect(decision.metrics?.map(({ trigger, active }) => [trigger, active])).toEqual([
      ["metrics-api", false],
      ["cron", true],
    ]);
  });

  test("keeps the time of last activity while one trigger is active and another fails", () => {
    const policy = objectPolicy({ triggers: [triggerSpec(), triggerSpec()] });
    const seen = look(now, 2, { value: 9 }, { failure: "away" });
    const { decision, state } = pollScaledObject(policy, before, seen);
    expect(decision.kedaRule).toBe(2);
    expect(state.lastActiveAt).toBe(before.lastActiveAt);
  });

  test("is always active with cpu and memory alone", () => {
    const policy = objectPolicy({ minReplicaCount: 1, triggers: [triggerSpec({ type: "cpu" })] });
    expect(pollScaledObject(policy, longAgo, look(now, 2)).decision.kedaRule).toBe(3);
  });

  test("does not count cpu as activity beside another trigger", () => {
    const triggers = [triggerSpec({ type: "cpu" }), triggerSpec()];
    const policy = objectPolicy({ triggers });
    const status = running(2);
    const { triggers: readings } = look(now, 2, { value: 0 }, { value: 0 });
    const seen = observeObject({ at: now, triggers: readings.slice(1), status });
    expect(pollScaledObject(policy, longAgo, seen).decision.replicas).toBe(0);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -1])(
    "takes %d for a failure, not for zero",
    (value) => {
      const seen = look(now, 3, { value, active: false });
      const { decision } = pollScaledObject(objectPolicy(), longAgo, seen);
      expect(decision.kedaRule).toBe(5);
      expect(decision.replicas).toBe(3);
      expect(decision.reasons[0]?.text).toContain(`the trigger gave ${value}`);
    },
  );

  test("takes a reading without its metric for a failure", () => {
    const seen = look(now, 3, { value: 1 });
    const triggers = seen.triggers.map((trigger) => ({ ...trigger, readings: [] }));
    const { decision } = pollScaledObject(objectPolicy(), longAgo, { ...seen, triggers });
    expect(decision.reasons[0]?.text).toContain("gave no reading of s0-metric");
  });

  test("finds a metric whatever the case of its name", () => {
    const seen = look(now, 0, { value: 1 });
    const triggers = seen.triggers.map((trigger) => ({
      ...trigger,
      readings: [{ metricName: "S0-Metric", value: 1, active: true }],
    }));
    expect(pollScaledObject(objectPolicy(), longAgo, { ...seen, triggers }).decision.replicas).toBe(
      1,
    );
  });

  test("changes nothing on a target that does not tell its count", () => {
    const failure = { of: "target", text: "no answer" } as const;
    const seen = { ...look(now, 3, { value: 0 }), failure };
    const { decision } = pollScaledObject(objectPolicy(), longAgo, seen);
    expect([decision.replicas, decision.reasons[0]?.code]).toEqual([3, "FailedGetScale"]);
  });

  test("forgets the autoscaler's memory while it is paused, as the HPA is deleted", () => {
    const state = { ...before, autoscaler: { recommendations: [], scaleUps: [], scaleDowns: [] } };
    const paused = pollScaledObject(objectPolicy({}, { paused: true }), state, look(now, 1));
    expect(paused.state.autoscaler.recommendations).toBeNull();
  });
});

describe("a push", () => {
  const policy = objectPolicy({ triggers: [triggerSpec({ type: "external-push", name: "bell" })] });

  test("activates from zero without any reading", () => {
    const seen = observeObject({ at: now, triggers: [], status: running(0) });
    const { decision, state } = pushScaledObject(policy, before, seen, 0);
    expect(decision.replicas).toBe(1);
    expect(decision.reasons[0]?.text).toBe("from 0 to 1, triggered by bell");
    expect(state.lastActiveAt).toBe(now);
  });

  test("of a running target is a time of activity", () => {
    const seen = observeObject({ at: now, triggers: [], status: running(2) });
    const { decision, state } = pushScaledObject(policy, before, seen, 0);
    expect([decision.replicas, state.lastActiveAt]).toEqual([2, now]);
  });

  test("does not reach a paused object", () => {
    const paused = { ...policy, controls: { ...policy.controls, paused: true } };
    const seen = observeObject({ at: now, triggers: [], status: running(0) });
    expect(pushScaledObject(paused, before, seen, 0).decision.replicas).toBe(0);
  });
});
