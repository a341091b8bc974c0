import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Observation } from "../decision.ts";
import { toTargetStatus, type WorkerState, type WorkerStatus } from "../target.ts";
import { decideByObjective } from "./decide-by-objective.ts";
import { type ObjectivePolicy, toObjectivePolicy } from "./objective-policy.ts";
import { initialObjectiveState, type ObjectiveState } from "./objective-state.ts";

const states: readonly WorkerState[] = ["starting", "idle", "busy", "draining", "crashed"];

interface Look {
  readonly afterMs: number;
  readonly ready: number | null;
  readonly inFlight: number | null;
  readonly oldestAgeMs: number | null;
  readonly ageMs: number;
  readonly fails: boolean;
  readonly workers: readonly {
    readonly state: number;
    readonly done: number;
    readonly tells: boolean;
  }[];
}

const looks: fc.Arbitrary<readonly Look[]> = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 0, max: 20_000 }),
    ready: fc.option(fc.integer({ min: 0, max: 5000 })),
    inFlight: fc.option(fc.integer({ min: 0, max: 50 })),
    oldestAgeMs: fc.option(fc.integer({ min: 0, max: 600_000 })),
    ageMs: fc.integer({ min: 0, max: 30_000 }),
    fails: fc.boolean(),
    workers: fc.array(
      fc.record({
        state: fc.integer({ min: 0, max: 4 }),
        done: fc.integer({ min: 0, max: 100 }),
        tells: fc.boolean(),
      }),
      { maxLength: 12 },
    ),
  }),
  { minLength: 1, maxLength: 20 },
);

function observe(look: Look, at: number): Observation {
  const workers = look.workers.map(({ state, done, tells }, index): WorkerStatus => {
    const status: WorkerStatus = {
      id: `w${index}`,
      state: states[state] ?? "idle",
      startedAt: at - 20_000,
      since: at - 1000,
    };
    return tells
      ? { ...status, completed: done, failed: 0, inFlight: status.state === "busy" ? 1 : 0 }
      : status;
  });
  const { ready, inFlight, oldestAgeMs } = look;
  const value = (ready ?? 7) + (inFlight ?? 0);
  const sample = {
    name: "q",
    value,
    at: at - look.ageMs,
    ready,
    inFlight,
    oldestAgeMs,
    delayed: null,
  };
  return {
    at,
    samples: look.fails ? [] : [sample],
    status: toTargetStatus(workers),
    failure: look.fails ? { of: "trigger", text: "no answer" } : null,
  };
}

const policies: fc.Arbitrary<ObjectivePolicy> = fc
  .record({
    maxWait: fc.integer({ min: 1, max: 120 }),
    mode: fc.constantFrom("cost", "balanced", "latency" as const),
    min: fc.integer({ min: 0, max: 5 }),
    more: fc.integer({ min: 1, max: 50 }),
    concurrency: fc.integer({ min: 1, max: 10 }),
    adaptive: fc.boolean(),
  })
  .map(({ maxWait, mode, min, more, concurrency, adaptive }) =>
    toObjectivePolicy(
      { maxWait, mode: mode as "cost", adaptive },
      { minReplicaCount: min, maxReplicaCount: min + more },
      { concurrency },
    ),
  );

function run(policy: ObjectivePolicy, all: readonly Look[]) {
  const decide = decideByObjective(policy);
  let state: ObjectiveState = initialObjectiveState(policy);
  let at = 1_700_000_000_000;
  return all.map((look) => {
    at += look.afterMs;
    const seen = observe(look, at);
    const before = state;
    const outcome = decide(state, seen);
    // Through JSON, as state that survives a restart goes.
    state = JSON.parse(JSON.stringify(outcome.state));
    return { before, seen, decision: outcome.decision, state: outcome.state };
  });
}

function expectSense(policy: ObjectivePolicy, { seen, decision }: ReturnType<typeof run>[number]) {
  const { minReplicaCount, maxReplicaCount } = policy;
  expect(Number.isSafeInteger(decision.replicas)).toBe(true);
  expect(decision.reasons.length).toBeGreaterThan(0);
  expect(decision.replicas).toBeLessThanOrEqual(maxReplicaCount);
  expect(decision.replicas).toBeGreaterThanOrEqual(minReplicaCount);
  const tells = seen.status.workers.every(({ completed }) => completed !== undefined);
  const needed = tells ? Math.min(seen.status.busy + seen.status.starting, maxReplicaCount) : 0;
  expect(decision.replicas).toBeGreaterThanOrEqual(needed);
  for (const { figures } of decision.candidates)
    for (const figure of Object.values(figures)) expect(figure).not.toBeNaN();
}

describe("the wait objective, whatever it sees", () => {
  test("stays within bounds, holds on errors, and never asks a busy or starting worker to go", () => {
    fc.assert(
      fc.property(policies, looks, (policy, all) => {
        for (const step of run(policy, all)) {
          if (step.seen.failure === null) expectSense(policy, step);
          else {
            expect(step.decision.replicas).toBe(step.decision.current);
            const failures = step.before.failures + 1;
            expect(step.state).toEqual({ ...step.before, failures });
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  test("decides the same from the same", () => {
    fc.assert(
      fc.property(policies, looks, (policy, all) => {
        expect(run(policy, all)).toEqual(run(policy, all));
      }),
      { numRuns: 30 },
    );
  });

  test("at a first look, asks for no fewer workers when more jobs wait or they have waited longer", () => {
    const first = (policy: ObjectivePolicy, ready: number, oldestAgeMs: number): number => {
      const look = { afterMs: 0, inFlight: 0, ageMs: 0, fails: false, workers: [] };
      return run(policy, [{ ...look, ready, oldestAgeMs }])[0]?.decision.replicas ?? -1;
    };
    fc.assert(
      fc.property(
        policies,
        fc.integer({ min: 0, max: 3000 }),
        fc.integer({ min: 0, max: 3000 }),
        (policy, ready, more) => {
          expect(first(policy, ready + more, 0)).toBeGreaterThanOrEqual(first(policy, ready, 0));
        },
      ),
      { numRuns: 150 },
    );
  });
});
