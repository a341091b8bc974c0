import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ObjectiveFallback } from "../../core/index.ts";
import type { Observation } from "../decision.ts";
import { toTargetStatus, type WorkerState, type WorkerStatus } from "../target.ts";
import { decideByObjective } from "./decide-by-objective.ts";
import { toObjectivePolicy } from "./objective-policy.ts";
import { initialObjectiveState, type ObjectiveState } from "./objective-state.ts";

const start = 1_700_000_000_000;

function workers(state: WorkerState, count: number): readonly WorkerStatus[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ id: `${state}${index}`, state, startedAt: start - 60_000, since: start - 1000 },
    ...{ inFlight: state === "busy" ? 1 : 0, completed: 1, failed: 0 },
  }));
}

const refused = { of: "trigger", text: "queue-depth: connection refused" } as const;

function failing(status: readonly WorkerStatus[] = [], failure: Observation["failure"] = refused) {
  return { samples: [], status: toTargetStatus(status), failure };
}

const empty: Omit<Observation, "at"> = {
  samples: [{ name: "q", at: start, value: 0, ready: 0, inFlight: 0, delayed: 0, oldestAgeMs: 0 }],
  status: toTargetStatus([]),
  failure: null,
};

/** Looks once a second at what `seen` has; yields each decision. */
function looks(fallback: ObjectiveFallback | undefined, seen: readonly Omit<Observation, "at">[]) {
  const policy = toObjectivePolicy(
    { maxWait: 30, ...(fallback && { fallback }) },
    { minReplicaCount: 1, maxReplicaCount: 10 },
  );
  const decide = decideByObjective(policy);
  let state: ObjectiveState = initialObjectiveState(policy);
  return seen.map((one, index) => {
    const outcome = decide(state, { ...one, at: start + 1000 * index });
    state = outcome.state;
    return outcome.decision;
  });
}

const counts = (decisions: readonly { readonly replicas: number }[]): readonly number[] =>
  decisions.map(({ replicas }) => replicas);

describe("readings that fail", () => {
  test("hold the count up to the threshold, then bring the fallback, until one succeeds", () => {
    const fallback = { failureThreshold: 2, replicas: 6 };
    const three = failing(workers("busy", 3));
    const decisions = looks(fallback, [three, three, three, three, empty, three]);
    expect(counts(decisions)).toEqual([3, 3, 6, 6, 1, 3]);
    expect(decisions[1]?.reasons[0]).toMatchObject({
      code: "KEDAScalerFailed",
      text: "held at 3: queue-depth: connection refused",
    });
    expect(decisions[2]).toMatchObject({ rule: "fallback" });
    expect(decisions[2]?.reasons).toMatchObject([
      { code: "FallbackActivated", figures: { failures: 3, replicas: 6 } },
      { code: "KEDAScalerFailed", text: "queue-depth: connection refused" },
    ]);
  });

  test("hold the count for ever without a fallback", () => {
    const three = failing(workers("idle", 3));
    expect(counts(looks(undefined, Array(20).fill(three)))).toEqual(Array(20).fill(3));
  });

  test.each([
    ["static", 4, 4],
    ["currentReplicas", 4, 6],
    ["currentReplicasIfHigher", 4, 6],
    ["currentReplicasIfHigher", 8, 8],
    ["currentReplicasIfLower", 4, 4],
    ["currentReplicasIfLower", 8, 6],
  ] as const)("bring %s of %i where 6 idle ones are: %i", (behavior, replicas, expected) => {
    const fallback = { failureThreshold: 0, replicas, behavior };
    expect(counts(looks(fallback, [failing(workers("idle", 6))]))).toEqual([expected]);
  });
});

describe("the fallback of readings that fail", () => {
  test("leaves busy workers and the bounds alone", () => {
    const fallback = { failureThreshold: 0, replicas: 0 };
    const some = failing([...workers("busy", 2), ...workers("idle", 3)]);
    expect(counts(looks(fallback, [some]))).toEqual([2]);
    expect(counts(looks(fallback, [failing()]))).toEqual([1]);
    expect(counts(looks({ ...fallback, replicas: 99 }, [failing()]))).toEqual([10]);
  });

  test("takes no failure of the target for one: without its status there is no count to change", () => {
    const blind = failing(workers("idle", 3), { of: "target", text: "no answer" });
    expect(counts(looks({ failureThreshold: 0, replicas: 6 }, [blind, blind]))).toEqual([3, 3]);
  });

  test("takes nonsense for a failure", () => {
    const [sample] = empty.samples;
    if (sample === undefined) throw new Error("no sample");
    const nonsense = { ...empty, samples: [{ ...sample, value: Number.NaN }] };
    expect(counts(looks({ failureThreshold: 1, replicas: 5 }, [nonsense, nonsense]))).toEqual([
      0, 5,
    ]);
  });

  test("keeps to the starts that are allowed within a minute", () => {
    const policy = toObjectivePolicy(
      { maxWait: 30, maxStartsPerMinute: 3, fallback: { failureThreshold: 0, replicas: 8 } },
      {},
    );
    const decide = decideByObjective(policy);
    const first = decide(initialObjectiveState(policy), { at: start, ...failing() });
    expect(first.decision.replicas).toBe(3);
    const seen = { at: start + 1000, ...failing(workers("starting", 3)) };
    expect(decide(first.state, seen).decision.replicas).toBe(3);
  });

  test("never costs a busy worker, nor leaves the bounds, whatever is declared", () => {
    const behaviors = ["static", "currentReplicasIfHigher", "currentReplicasIfLower"] as const;
    fc.assert(
      fc.property(
        fc.record({
          failureThreshold: fc.nat(3),
          replicas: fc.nat(20),
          behavior: fc.constantFrom(...behaviors),
        }),
        fc.array(fc.record({ busy: fc.nat(10), idle: fc.nat(10) }), { maxLength: 8 }),
        (fallback, seen) => {
          const all = seen.map(({ busy, idle }) =>
            failing([...workers("busy", busy), ...workers("idle", idle)]),
          );
          for (const [index, { replicas, rule }] of looks(fallback, all).entries()) {
            if (rule !== "fallback") continue;
            expect(replicas).toBeGreaterThanOrEqual(Math.max(1, all[index]?.status.busy ?? 0));
            expect(replicas).toBeLessThanOrEqual(10);
          }
        },
      ),
    );
  });
});

test.each([
  [{ failureThreshold: -1, replicas: 1 }, /fallback\.failureThreshold must be a whole number/],
  [{ failureThreshold: 1, replicas: 0.5 }, /fallback\.replicas must be a whole number/],
  [{ failureThreshold: 1, replicas: 1, behavior: "panic" as "static" }, /fallback\.behavior must/],
])("a fallback of %o is refused", (fallback, message) => {
  expect(() => toObjectivePolicy({ maxWait: 30, fallback })).toThrow(message);
});
