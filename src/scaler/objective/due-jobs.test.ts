import { describe, expect, test } from "vitest";
import type { Observation } from "../decision.ts";
import { toTargetStatus, type WorkerStatus } from "../target.ts";
import type { DueCount, MetricSample } from "../trigger.ts";
import { decideByObjective, dueEdgesOf } from "./decide-by-objective.ts";
import { dueDemands, dueEdges, dueJobsOf, workersForDue } from "./due-jobs.ts";
import { startsWithin, worstShortage } from "./envelope.ts";
import { toObjectivePolicy } from "./objective-policy.ts";
import { initialObjectiveState } from "./objective-state.ts";

const at = 1_700_000_000_000;

function sample(due: readonly DueCount[], readAt = at): MetricSample {
  const figures = { value: 0, ready: 0, inFlight: 0, delayed: 9, oldestAgeMs: 0 };
  return { name: "q", at: readAt, ...figures, due };
}

describe("delayed jobs", () => {
  test("are counted at the beginning of the time in which they become ready, over all queues", () => {
    const one = sample([
      { inMs: 1000, count: 0 },
      { inMs: 2000, count: 3 },
      { inMs: 4000, count: 4 },
    ]);
    const other = sample([{ inMs: 1000, count: 5 }]);
    expect(dueJobsOf([one, other], 500)).toEqual([
      { inMs: 0, count: 5 },
      { inMs: 500, count: 3 },
      { inMs: 1500, count: 1 },
    ]);
    const { due: _due, ...silent } = one;
    expect(dueJobsOf([silent], 0)).toEqual([]);
  });

  test.each([
    [[{ inMs: 1000, count: Number.NaN }]],
    [[{ inMs: 1000, count: -1 }]],
    [
      [
        { inMs: 1000, count: 5 },
        { inMs: 2000, count: 4 },
      ],
    ],
    [
      [
        { inMs: 2000, count: 1 },
        { inMs: 1000, count: 2 },
      ],
    ],
  ])("that make no sense are no reading: %o", (due) => {
    expect(dueJobsOf([sample(due)], 0)).toBeNull();
    const policy = toObjectivePolicy({ maxWait: 30 });
    const seen = { at, samples: [sample(due)], status: toTargetStatus([]), failure: null };
    const { decision } = decideByObjective(policy)(initialObjectiveState(policy), seen);
    expect(decision.rule).toBe("hold");
  });

  test("are looked for as far ahead as a start, two looks and what a start costs besides", () => {
    expect(dueEdges(16_000)).toEqual([...Array(16).keys()].map((step) => 1000 * (step + 1)));
    const policy = toObjectivePolicy({ maxWait: 30, startCost: "22s" }, { pollingInterval: 5 });
    expect(dueEdgesOf(policy, initialObjectiveState(policy)).at(-1)).toBe(32_000);
    expect(dueEdgesOf(policy, { startups: [3, 3, 3, 3, 3].map((s) => s * 1000) }).at(-1)).toBe(
      25_000,
    );
  });

  test("must fit from each due time on, and after all that waits", () => {
    const jobs = [
      { inMs: 1000, count: 2 },
      { inMs: 3000, count: 4 },
      { inMs: 9000, count: 8 },
    ];
    expect(dueDemands(jobs, { waiting: 10, aimMs: 5000, withinMs: 4000 })).toEqual([
      { tauMs: 6000, due: 12, isKnown: true, fromMs: 0 },
      { tauMs: 8000, due: 16, isKnown: true, fromMs: 0 },
      { tauMs: 6000, due: 2, isKnown: true, fromMs: 1000 },
      { tauMs: 8000, due: 6, isKnown: true, fromMs: 1000 },
      { tauMs: 8000, due: 4, isKnown: true, fromMs: 3000 },
    ]);
    expect(dueDemands([], { waiting: 10, aimMs: 5000, withinMs: 4000 })).toEqual([]);
  });
});

describe("the envelope of delayed jobs", () => {
  const capacity = { idleSlots: 2, busySlots: 1, startingIn: [3000], concurrency: 1 };

  test("counts no worker's time before they are due", () => {
    const all = { ...capacity, serviceMs: 1000 };
    // Two idle slots: 1 + 4 each; a busy one has come free by then; the starting one is ready since: 1 + 4.
    expect(startsWithin(all, 10_000, 6000)).toBe(20);
    // From 2 s on: 1 + 8 each, 9 for the busy one, 1 + 7 for the one that is ready at 3 s.
    expect(startsWithin(all, 10_000, 2000)).toBe(35);
    expect(startsWithin({ ...all, serviceMs: 20_000 }, 10_000, 9000)).toBeCloseTo(
      2 * 1.05 + 0.5 + 1.05,
    );
  });

  const nobody = { idleSlots: 0, busySlots: 0, startingIn: [], concurrency: 1, serviceMs: 1000 };
  const times = { startupMs: 2000, tickMs: 1000, recoveryMs: 1000 };
  const worst = (fromMs: number, due: number, aimMs = 4000) =>
    worstShortage(nobody, [{ tauMs: fromMs + aimMs, due, isKnown: true, fromMs }], times);

  test("asks for as many workers as the time after they are due takes", () => {
    expect(worst(2500, 100)).toMatchObject({ rule: "due", workers: 100 / 5, isUrgent: false });
  });

  test("asks for none that would be there before the jobs if it were asked for a look later", () => {
    expect(worst(3000, 100)?.workers).toBe(0);
    expect(worst(20_000, 100)?.workers).toBe(0);
  });

  test("asks for none while as many would be enough a look later, until the deadline presses", () => {
    expect(worst(0, 4, 10_000)?.workers).toBe(0);
    expect(worst(0, 10, 10_000)?.workers).toBeCloseTo(10 / 9);
    expect(worst(0, 1, 3000)).toMatchObject({ isUrgent: true });
    expect(worst(0, 1, 3000)?.workers).toBeGreaterThan(0);
  });
});

describe("workers kept for delayed jobs", () => {
  const terms = { aimMs: 4000, startCostMs: 10_000, concurrency: 2, serviceMs: 1000 };
  const kept = (inMs: number, count: number, slackMs: number): number =>
    workersForDue([{ inMs, count }], { ...terms, slackMs });

  test("are those that many jobs need together, though each could wait", () => {
    expect(kept(5000, 40, 20_000)).toBe(4);
    expect(kept(15_000, 40, 0)).toBe(0);
  });

  test("are one for a lone job that must be started sooner than another start would pay", () => {
    expect(kept(5000, 1, 4000)).toBe(1);
    expect(kept(5000, 1, 6000)).toBe(0);
  });
});

/** Looks every second from a job's publishing on, with what the driver would tell; yields when a worker was asked for. */
function askedAt(maxWait: number, dueInMs: number, count = 1): number | null {
  const policy = toObjectivePolicy({ maxWait, startupDelay: 10 }, { maxReplicaCount: 100 });
  const decide = decideByObjective(policy);
  let state = initialObjectiveState(policy);
  for (let now = 0; now <= dueInMs + 60_000; now += 1000) {
    const isDue = now >= dueInMs;
    const due = dueEdgesOf(policy, state).map((inMs) => ({
      inMs,
      count: !isDue && dueInMs - now <= inMs ? count : 0,
    }));
    const figures = isDue
      ? { value: count, ready: count, delayed: 0, oldestAgeMs: now - dueInMs }
      : { value: 0, ready: 0, delayed: count, oldestAgeMs: 0 };
    const seen: Observation = {
      ...{ at: at + now, status: toTargetStatus([]), failure: null },
      samples: [{ ...sample(due, at + now), ...figures }],
    };
    const outcome = decide(state, seen);
    state = outcome.state;
    if (outcome.decision.replicas > 0) return now;
  }
  return null;
}

describe("a worker for a delayed job", () => {
  test("is there when the job's wait would run out, and no earlier than a start and a look ahead", () => {
    // Aimed at are 4.5 s of the wait; a start takes 10 s, a look 1 s, and an edge of time 0.75 s.
    const asked = askedAt(5, 30_000) ?? 0;
    expect(asked + 10_000).toBeLessThanOrEqual(30_000 + 4500);
    expect(asked + 10_000).toBeGreaterThanOrEqual(30_000 + 4500 - 1000 - 750);
  });

  test("is asked for after the job is due, where the wait leaves the time for it", () => {
    const asked = askedAt(30, 30_000) ?? 0;
    expect(asked + 10_000).toBeLessThanOrEqual(30_000 + 27_000);
    expect(asked).toBeGreaterThanOrEqual(30_000 + 27_000 - 10_000 - 1000);
  });

  test("is ready when many jobs become due at once, and not long before", () => {
    const asked = askedAt(30, 40_000, 500) ?? 0;
    expect(asked + 10_000).toBeGreaterThanOrEqual(40_000 - 1000 - 750);
    expect(asked + 10_000).toBeLessThanOrEqual(40_000);
  });

  test("is kept when it is idle and the job is due sooner than another would have started", () => {
    const policy = toObjectivePolicy({ maxWait: 5 }, { pollingInterval: 5 });
    const idle: WorkerStatus = {
      ...{ id: "w1", state: "idle", startedAt: at - 60_000, since: at - 50_000 },
      ...{ readyAt: at - 50_000, inFlight: 0, completed: 3, failed: 0 },
    };
    const countsWith = (dueInMs: number): number | undefined => {
      const decide = decideByObjective(policy);
      let state = initialObjectiveState(policy);
      let last: number | undefined;
      for (let tick = 0; tick < 6; tick += 1) {
        const due = [
          { inMs: dueInMs, count: 0 },
          { inMs: dueInMs + 1000, count: 1 },
        ];
        const now = at + tick * 5000;
        const status = toTargetStatus([idle]);
        const seen = { at: now, samples: [sample(due, now)], status, failure: null };
        const outcome = decide(state, seen);
        state = outcome.state;
        last = outcome.decision.replicas;
        if (last === 0) break;
      }
      return last;
    };
    expect(countsWith(9000)).toBe(1);
    expect(countsWith(11_000)).toBe(0);
  });

  test("comes with a reason of its own", () => {
    const policy = toObjectivePolicy({ maxWait: 5 }, { maxReplicaCount: 100 });
    const due = [
      { inMs: 8000, count: 0 },
      { inMs: 9000, count: 300 },
    ];
    const seen = { at, samples: [sample(due)], status: toTargetStatus([]), failure: null };
    const { decision } = decideByObjective(policy)(initialObjectiveState(policy), seen);
    expect(decision.rule).toBe("due");
    expect(decision.reasons[0]?.code).toBe("DelayedJobsDue");
    expect(decision.reasons[0]?.text).toContain("for delayed jobs that become ready");
  });
});
