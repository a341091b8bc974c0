import { expect, test } from "vitest";
import type { ScaleOptions } from "../core/index.ts";
import { type BacklogState, decideByBacklog, initialBacklogState } from "./backlog-policy.ts";
import { type Decision, explainDecision, type Observation } from "./decision.ts";
import { toBacklogPolicy } from "./scale-options.ts";
import { toTargetStatus } from "./target.ts";
import type { MetricSample } from "./trigger.ts";

/** One step of a story: seconds since the start, and the backlog then, or null for a failed reading. */
interface Step {
  readonly at: number;
  readonly backlog: number | null;
}

function sample(value: number, inFlight: number | null = 0): MetricSample {
  return { name: "q", value, at: 0, ready: value, inFlight, delayed: 0, oldestAgeMs: 0 };
}

function observe(at: number, backlog: number | null, replicas: number): Observation {
  return {
    at,
    samples: backlog === null ? [] : [sample(backlog)],
    status: { ...toTargetStatus([]), replicas },
    failure: backlog === null ? { of: "trigger", text: "broker is away" } : null,
  };
}

/** Plays a story with a target that obeys at once. */
function play(options: ScaleOptions, steps: readonly Step[], replicas = 0): readonly Decision[] {
  const decide = decideByBacklog(toBacklogPolicy(options));
  let state: BacklogState = initialBacklogState;
  let current = replicas;
  return steps.map(({ at, backlog }) => {
    const decided = decide(state, observe(at * 1000, backlog, current));
    state = decided.state;
    current = decided.decision.replicas;
    return decided.decision;
  });
}

const counts = (decisions: readonly Decision[]): readonly number[] =>
  decisions.map((decision) => decision.replicas);

const codes = (decision: Decision | undefined): readonly string[] =>
  (decision?.reasons ?? []).map((reason) => reason.code);

test("goes from zero straight to one replica per five messages, within the maximum", () => {
  const [decision] = play({}, [{ at: 0, backlog: 12 }]);
  expect(decision).toMatchObject({ current: 0, replicas: 3, rule: "backlog" });
  expect(codes(decision)).toEqual([
    "KEDAScaleTargetActivated",
    "ScalerActive",
    "DesiredWithinRange",
  ]);
  const [flooded] = play({ maxReplicaCount: 4 }, [{ at: 0, backlog: 1000 }]);
  expect(flooded).toMatchObject({ replicas: 4, rule: "bounds" });
  expect(codes(flooded)).toContain("TooManyReplicas");
});

test("activates from zero only above the activation count", () => {
  const options = { activationMessageCount: 5 };
  expect(counts(play(options, [{ at: 0, backlog: 5 }]))).toEqual([0]);
  expect(counts(play(options, [{ at: 0, backlog: 6 }]))).toEqual([2]);
});

test("keeps the last replica for the cooldown and then goes to zero", () => {
  const story = [
    { at: 0, backlog: 1 },
    { at: 1, backlog: 0 },
    { at: 9, backlog: 0 },
    { at: 10, backlog: 0 },
    { at: 11, backlog: 0 },
  ];
  const decisions = play({ cooldownPeriod: 10 }, story);
  expect(counts(decisions)).toEqual([1, 1, 1, 0, 0]);
  expect(decisions.map((decision) => decision.rule)).toEqual([
    "backlog",
    "cooldown",
    "cooldown",
    "cooldown",
    "activation",
  ]);
  expect(codes(decisions[1])).toContain("ScalerCooldown");
  expect(codes(decisions[3])).toEqual(["KEDAScaleTargetDeactivated", "ScalerNotActive"]);
});

test("starts the cooldown anew with every message", () => {
  const story = [
    { at: 0, backlog: 1 },
    { at: 9, backlog: 1 },
    { at: 18, backlog: 0 },
    { at: 19, backlog: 0 },
  ];
  expect(counts(play({ cooldownPeriod: "10s" }, story))).toEqual([1, 1, 1, 0]);
});

test("scales in to the highest count of the window, and not below one before the cooldown", () => {
  const story = [
    { at: 0, backlog: 50 },
    { at: 1, backlog: 20 },
    { at: 2, backlog: 0 },
    { at: 3, backlog: 0 },
    { at: 4, backlog: 0 },
    { at: 5, backlog: 0 },
  ];
  const decisions = play({ stabilizationWindow: 3, cooldownPeriod: 60 }, story);
  expect(counts(decisions)).toEqual([10, 10, 10, 4, 1, 1]);
  expect(decisions[1]?.rule).toBe("stabilization");
  expect(codes(decisions[1])).toContain("ScaleDownStabilized");
});

test("does not drop workers at once that it finds running at its first look", () => {
  const story = [
    { at: 0, backlog: 0 },
    { at: 2, backlog: 0 },
    { at: 3, backlog: 0 },
    { at: 10, backlog: 0 },
  ];
  expect(counts(play({}, story, 6))).toEqual([6, 6, 1, 0]);
});

test("holds the count while the reading fails, for however long", () => {
  const story = [
    { at: 0, backlog: 20 },
    { at: 1, backlog: null },
    { at: 3600, backlog: null },
  ];
  const decisions = play({}, story);
  expect(counts(decisions)).toEqual([4, 4, 4]);
  expect(decisions[2]).toMatchObject({ rule: "hold" });
  expect(codes(decisions[2])).toEqual(["KEDAScalerFailed"]);
  expect(explainDecision(decisions[2] as Decision)).toContain("broker is away");
});

test("never goes below the minimum, also with nothing to do", () => {
  const story = [
    { at: 0, backlog: 0 },
    { at: 100, backlog: 0 },
  ];
  const decisions = play({ minReplicaCount: 2 }, story);
  expect(counts(decisions)).toEqual([2, 2]);
  expect(decisions[1]).toMatchObject({ rule: "bounds" });
  expect(codes(decisions[1])).toEqual(["ScalerNotActive", "TooFewReplicas"]);
});

test("counts each busy worker as one message where the broker does not say how many run", () => {
  const decide = decideByBacklog(toBacklogPolicy({ messageCount: 1, cooldownPeriod: 0 }));
  const seen: Observation = {
    ...observe(0, 0, 2),
    samples: [sample(0, null)],
    status: { ...toTargetStatus([]), replicas: 2, busy: 2 },
  };
  expect(decide(initialBacklogState, seen).decision.replicas).toBe(2);
});

test("holds when the samples add up to no sensible number", () => {
  const decide = decideByBacklog(toBacklogPolicy());
  for (const value of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
    const { decision } = decide(initialBacklogState, observe(0, value, 3));
    expect(decision).toMatchObject({ replicas: 3, rule: "hold" });
  }
});

test("lists every candidate with its figures, so that the decision explains itself", () => {
  const decisions = play({ cooldownPeriod: 10 }, [
    { at: 0, backlog: 12 },
    { at: 1, backlog: 0 },
  ]);
  expect(decisions[1]?.candidates).toEqual([
    {
      rule: "backlog",
      replicas: 0,
      text: "no messages wait or run; 5 per replica make 0",
      figures: { backlog: 0, messageCount: 5 },
    },
    {
      rule: "activation",
      replicas: 0,
      text: "0 is not more than 0: not active",
      figures: { backlog: 0, activationMessageCount: 0 },
    },
    {
      rule: "bounds",
      replicas: 1,
      text: "0 within 1 and 10 is 1",
      figures: { desired: 0, floor: 1, maxReplicaCount: 10 },
    },
    {
      rule: "stabilization",
      replicas: 3,
      text: "fewer than the present 3; the most wanted within 3.0s is 3",
      figures: { current: 3, desired: 1, stabilizationMs: 3000 },
    },
    {
      rule: "cooldown",
      replicas: 1,
      text: "not active; to zero in 9.0s",
      figures: { cooldownMs: 10_000, cooldownLeftMs: 9000 },
    },
  ]);
});
