import { describe, expect, test } from "vitest";
import type { ObjectiveOptions, ScaleOptions } from "../../core/index.ts";
import type { Observation } from "../decision.ts";
import { toTargetStatus, type WorkerStatus } from "../target.ts";
import { checkObjective } from "./check-objective.ts";
import { decideByObjective } from "./decide-by-objective.ts";
import { toObjectivePolicy } from "./objective-policy.ts";
import { initialObjectiveState } from "./objective-state.ts";

const at = 1_700_000_000_000;

function look(ready: number, workers: readonly WorkerStatus[], oldestAgeMs = 0): Observation {
  const sample = { name: "q", value: ready, at, ready, inFlight: 0, delayed: 0, oldestAgeMs };
  return { at, samples: [sample], status: toTargetStatus(workers), failure: null };
}

function first(objective: ObjectiveOptions, scale: ScaleOptions, seen: Observation) {
  const policy = toObjectivePolicy(objective, { pollingInterval: 5, ...scale });
  return decideByObjective(policy)(initialObjectiveState(policy), seen).decision;
}

const busy = (id: string): WorkerStatus => ({
  ...{ id, state: "busy", startedAt: at - 60_000, since: at - 1000 },
  ...{ inFlight: 1, completed: 9, failed: 0 },
});

describe("the decision", () => {
  test("says which rule settled it, why, and from which figures", () => {
    const decision = first({ maxWait: 30 }, { maxReplicaCount: 100 }, look(500, []));
    expect(decision).toMatchObject({ controller: "objective", rule: "deadline", current: 0 });
    expect(decision.reasons[0]?.code).toBe("DeadlineAtRisk");
    const figures = decision.reasons[0]?.figures ?? {};
    for (const name of ["tau", "short", "S", "lambda", "Le", "K", "theta", "waiting"])
      expect(figures).toHaveProperty(name);
    // 28.5 s to the deadline, 10 s of them start-up: each worker begins 19.5 jobs.
    expect(decision.replicas).toBe(26);
  });

  test("lets one fresh job wait, starts for it when its slack is gone, and at once in latency mode", () => {
    expect(first({ maxWait: 30 }, {}, look(1, []))).toMatchObject({ replicas: 0, rule: "hold" });
    expect(first({ maxWait: 30 }, {}, look(1, [], 14_000)).replicas).toBe(1);
    expect(first({ maxWait: 30, mode: "latency" }, {}, look(1, [])).replicas).toBe(1);
  });

  test("keeps the minimum and the maximum, and says so", () => {
    expect(first({ maxWait: 30 }, { minReplicaCount: 2 }, look(0, []))).toMatchObject({
      replicas: 2,
      rule: "minimum",
    });
    const most = first({ maxWait: 30 }, { maxReplicaCount: 5 }, look(5000, []));
    expect(most).toMatchObject({ replicas: 5, rule: "maximum" });
    expect(most.reasons.map(({ code }) => code)).toContain("TooManyReplicas");
  });

  test("adds no more at once than it may", () => {
    const steps = { maxWait: 30, maxStepUp: 3 };
    expect(first(steps, { maxReplicaCount: 100 }, look(5000, [])).replicas).toBe(3);
    const budget = { maxWait: 30, maxStartsPerMinute: 4 };
    const decision = first(budget, { maxReplicaCount: 100 }, look(5000, []));
    expect(decision.replicas).toBe(4);
    expect(decision.reasons.map(({ code }) => code)).toContain("StartBudgetSpent");
  });

  test("takes silent workers' figures from the queue, and lets them go when it is empty", () => {
    const silent: WorkerStatus = {
      id: "w1",
      state: "busy",
      startedAt: at - 1000,
      since: at - 1000,
    };
    const policy = toObjectivePolicy({ maxWait: 30 }, { pollingInterval: 5 });
    const decide = decideByObjective(policy);
    let state = initialObjectiveState(policy);
    const counts: number[] = [];
    for (let tick = 0; tick < 10; tick += 1) {
      const seen = { ...look(0, [silent]), at: at + 5000 * tick };
      const outcome = decide(state, seen);
      state = outcome.state;
      counts.push(outcome.decision.replicas);
    }
    expect(counts.slice(0, 2)).toEqual([1, 1]);
    expect(counts).toContain(0);
  });

  test("does not ask busy workers to go, however little is left to do", () => {
    expect(first({ maxWait: 30 }, {}, look(0, [busy("w1"), busy("w2")])).replicas).toBe(2);
  });

  test.each([
    [{ maxWait: 0 }, /maxWait must be more than 0/],
    [{ maxWait: 30, theta: 2 }, /theta must be a number above 0, at most 1/],
    [{ maxWait: 30, mode: "fast" as "cost" }, /mode must be cost, balanced or latency/],
    [{ maxWait: 30, lateShare: 0 }, /lateShare must be/],
    [{ maxWait: 30, maxStepUp: 0.5 }, /maxStepUp must be a whole number/],
  ])("refuses %o", (objective, message) => {
    expect(() => toObjectivePolicy(objective)).toThrow(message);
  });
});

describe("a queue that is divided", () => {
  test("gets no more workers than it has partitions or groups, and says so", () => {
    const [sample] = look(5000, []).samples;
    if (sample === undefined) throw new Error("no sample");
    const seen = { ...look(5000, []), samples: [{ ...sample, activeGroups: 12 }] };
    const decision = first({ maxWait: 30 }, { maxReplicaCount: 100 }, seen);
    expect(decision).toMatchObject({ replicas: 12, rule: "groups" });
    expect(decision.reasons.map(({ code }) => code)).toContain("GroupsExhausted");
    expect(first({ maxWait: 30 }, { maxReplicaCount: 5 }, seen)).toMatchObject({
      replicas: 5,
      rule: "maximum",
    });
    const two = { ...seen, samples: [...seen.samples, { ...sample, activeGroups: 4 }] };
    expect(first({ maxWait: 30 }, { maxReplicaCount: 100 }, two).replicas).toBe(16);
    // A queue beside it that is not divided has work for any number.
    const beside = { ...seen, samples: [...seen.samples, sample] };
    expect(first({ maxWait: 30 }, { maxReplicaCount: 100 }, beside).replicas).toBe(100);
  });

  test("loses no workers because fewer groups are left than workers are busy", () => {
    const seen = look(500, [busy("w1"), busy("w2"), busy("w3")]);
    const samples = seen.samples.map((sample) => ({ ...sample, activeGroups: 1 }));
    expect(first({ maxWait: 30 }, { maxReplicaCount: 100 }, { ...seen, samples })).toMatchObject({
      replicas: 3,
      rule: "groups",
    });
  });
});

describe("the decision for workers with several jobs", () => {
  /** Looks each 5 s at two workers of ten slots with three jobs each, until `lastMs`. */
  const run = (lastMs: number, oldestMs: number | null, graceMs = 30_000, drainBusy = true) => {
    const surroundings = { concurrency: 10, graceMs };
    const policy = toObjectivePolicy(
      { maxWait: 30, drainBusy },
      { pollingInterval: 5 },
      surroundings,
    );
    const decide = decideByObjective(policy);
    let state = initialObjectiveState(policy);
    let replicas = 2;
    for (let ms = 0; ms <= lastMs; ms += 5000) {
      const worker = (id: string): WorkerStatus => ({
        ...{ id, state: "busy", startedAt: at - 60_000, since: at - 1000, readyAt: at - 50_000 },
        ...{ inFlight: 3, completed: 9 + ms / 1000, failed: 0, busyMs: ms },
        ...(oldestMs !== null && { oldestMs }),
      });
      const sample = { ...look(0, [worker("w1"), worker("w2")]), at: at + ms };
      const samples = sample.samples.map((one) => ({ ...one, at: at + ms, inFlight: 6 }));
      const outcome = decide(state, { ...sample, samples });
      state = outcome.state;
      replicas = outcome.decision.replicas;
    }
    return replicas;
  };

  test("lets workers finish and go whose jobs the others have slots for, once jobs are known to be short", () => {
    expect(run(290_000, 1000)).toBe(2);
    expect(run(300_000, 1000)).toBe(1);
  });

  test("keeps them where a job may outlast a grace, or where it is not known for how long jobs run", () => {
    expect(run(600_000, 12_000)).toBe(2);
    expect(run(600_000, 1000, 5000)).toBe(2);
    expect(run(600_000, null)).toBe(2);
  });

  test("keeps them unless it is told to let them go", () => {
    expect(run(300_000, 1000, 30_000, false)).toBe(2);
  });
});

describe("the admission check", () => {
  test("says what can be kept, and what to expect and to do where it cannot", () => {
    const scale = { pollingInterval: 5 };
    expect(checkObjective(toObjectivePolicy({ maxWait: 30 }, scale))).toMatchObject({
      isAttainable: true,
      reactionMs: 15_000,
    });
    const short = checkObjective(toObjectivePolicy({ maxWait: 10 }, scale), {
      stalenessMs: 15_000,
    });
    expect(short).toMatchObject({ isAttainable: false, reactionMs: 30_000, lateForMs: 20_000 });
    expect(short.text).toContain("Raise maxWait above 30.0s");
  });
});
