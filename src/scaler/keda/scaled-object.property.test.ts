import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Behavior, Fallback, ScaledObjectSpec } from "../../specs/index.ts";
import { type Decision, explainDecision } from "../decision.ts";
import { type Played, play } from "./fixtures/play.ts";
import { look, objectPolicy } from "./fixtures/scaled.ts";
import { syncAutoscaler } from "./horizontal-autoscaler.ts";
import { pollScaledObject } from "./keda-loop.ts";
import { autoscalerDefaults } from "./scaled-object-policy.ts";
import { initialScaledObjectState, type ScaledObjectState } from "./scaled-object-state.ts";

const rules = fc.record({
  stabilizationWindowSeconds: fc.option(fc.integer({ min: 0, max: 600 })),
  selectPolicy: fc.constantFrom("Max" as const, "Min" as const, "Disabled" as const, null),
  policies: fc.option(
    fc.array(
      fc.record({
        type: fc.constantFrom("Pods" as const, "Percent" as const),
        value: fc.integer({ min: 1, max: 200 }),
        periodSeconds: fc.integer({ min: 1, max: 300 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  ),
  tolerance: fc.option(fc.double({ min: 0, max: 0.5, noNaN: true })),
});

const behaviors: fc.Arbitrary<Behavior | null> = fc.option(
  fc.record({ scaleUp: fc.option(rules), scaleDown: fc.option(rules) }),
);

const fallbacks: fc.Arbitrary<Fallback | null> = fc.option(
  fc.record({
    failureThreshold: fc.nat(4),
    replicas: fc.integer({ min: 1, max: 30 }),
    behavior: fc.constantFrom("static" as const, "currentReplicasIfHigher" as const),
  }),
);

const specs: fc.Arbitrary<Partial<ScaledObjectSpec>> = fc
  .record({
    min: fc.nat(5),
    room: fc.nat(30),
    withIdle: fc.boolean(),
    cooldownPeriod: fc.nat(120),
    behavior: behaviors,
    fallback: fallbacks,
  })
  .map(({ min, room, withIdle, cooldownPeriod, behavior, fallback }) => ({
    minReplicaCount: min,
    maxReplicaCount: Math.max(1, min + room),
    idleReplicaCount: withIdle && min > 0 ? 0 : null,
    ...{ cooldownPeriod, fallback },
    advanced: {
      restoreToOriginalReplicaCount: false,
      horizontalPodAutoscalerConfig: { name: null, behavior },
      scalingModifiers: null,
    },
  }));

/** The metric of each minute; null is a failure. */
const stories = fc.array(fc.option(fc.oneof(fc.constant(0), fc.nat(300)), { freq: 4 }), {
  minLength: 2,
  maxLength: 12,
});

type Story = readonly (number | null)[];

function playStory(spec: Partial<ScaledObjectSpec>, story: Story): Played {
  return play({
    policy: objectPolicy(spec),
    seconds: 60 * story.length - 1,
    metric(seconds) {
      const value = story[Math.floor(seconds / 60)] ?? null;
      return value === null ? { failure: "away", target: 5 } : { value, target: 5 };
    },
  });
}

/** Checks every decision of many played stories. */
function always(
  numRuns: number,
  holds: (decision: Decision, spec: Partial<ScaledObjectSpec>) => boolean,
  narrow: (spec: Partial<ScaledObjectSpec>) => Partial<ScaledObjectSpec> = (spec) => spec,
): void {
  fc.assert(
    fc.property(specs.map(narrow), stories, (spec, story) => {
      const broken = playStory(spec, story).decisions.filter((one) => !holds(one, spec));
      expect(broken.map(explainDecision)).toEqual([]);
    }),
    { numRuns },
  );
}

describe("whatever the spec and the story", () => {
  test("the count stays within min and max, or is zero", () => {
    // Below min stands only what the other half has yet to lift, which no decision of KEDA's half brought down.
    always(
      100,
      (
        { replicas, current, controller },
        { minReplicaCount: min = 0, maxReplicaCount: max = 100 },
      ) => {
        const isLow = replicas > 0 && replicas < (min ?? 0);
        return replicas <= (max ?? 100) && !(isLow && (controller === "hpa" || replicas < current));
      },
    );
  });

  test("nothing is scaled in while the trigger fails without a fallback", () => {
    always(
      100,
      ({ metrics, replicas, current }) =>
        replicas >= current || metrics?.every(({ source }) => source !== "none") !== false,
      (spec) => ({ ...spec, fallback: null }),
    );
  });

  test("the state is plain data: stored and read back it decides the same", () => {
    fc.assert(
      fc.property(specs, stories, fc.nat(300), (spec, story, value) => {
        const policy = objectPolicy(spec);
        const state = playStory(spec, story).states.at(-1) ?? initialScaledObjectState(0);
        const copy: ScaledObjectState = JSON.parse(JSON.stringify(state));
        const seen = look(10_000_000, 3, { value, target: 5 });
        expect(syncAutoscaler(policy, copy, seen)).toEqual(syncAutoscaler(policy, state, seen));
        expect(pollScaledObject(policy, copy, seen)).toEqual(pollScaledObject(policy, state, seen));
      }),
      { numRuns: 50 },
    );
  });

  test("what is remembered stays small", () => {
    fc.assert(
      fc.property(specs, stories, (spec, story) => {
        const last = playStory(spec, [...story, ...story, ...story]).states.at(-1);
        // 600 s of window and 300 s of period at most, one sync each 15 s.
        expect(last?.autoscaler.recommendations?.length ?? 0).toBeLessThanOrEqual(42);
        expect(last?.autoscaler.scaleUps.length ?? 0).toBeLessThanOrEqual(22);
      }),
      { numRuns: 30 },
    );
  });

  test("more work never makes for fewer replicas, but for the dead band", () => {
    const state = initialScaledObjectState(0);
    const exact = specs.filter((spec) => {
      const { scaleUp, scaleDown } = spec.advanced?.horizontalPodAutoscalerConfig.behavior ?? {};
      return (scaleUp?.tolerance ?? null) === null && (scaleDown?.tolerance ?? null) === null;
    });
    const flags = { ...autoscalerDefaults, tolerance: 0 };
    fc.assert(
      fc.property(
        exact,
        fc.integer({ min: 1, max: 40 }),
        fc.nat(400),
        fc.nat(400),
        (spec, cur, a, b) => {
          const policy = objectPolicy(spec, {}, flags);
          const at = (value: number) =>
            syncAutoscaler(policy, state, look(1000, cur, { value, target: 5 })).decision.replicas;
          expect(at(Math.min(a, b))).toBeLessThanOrEqual(at(Math.max(a, b)));
        },
      ),
      { numRuns: 300 },
    );
  });
});
