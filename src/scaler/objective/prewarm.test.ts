import { describe, expect, test } from "vitest";
import type { ObjectiveOptions } from "../../core/index.ts";
import type { Decision } from "../decision.ts";
import { type ReplicaWindow, windowReplicas } from "../replica-window.ts";
import { toTargetStatus, type WorkerStatus } from "../target.ts";
import { decideByObjective } from "./decide-by-objective.ts";
import { toObjectivePolicy } from "./objective-policy.ts";
import { initialObjectiveState } from "./objective-state.ts";

const start = 1_700_000_000_000;

/** Open from one time to another, in seconds after the start. */
function openFrom(fromS: number, toS: number, replicas = 4): ReplicaWindow {
  return {
    replicas,
    opensInMs(at) {
      if (at >= start + 1000 * toS) return null;
      return Math.max(0, start + 1000 * fromS - at);
    },
  };
}

const anyTimes = { timezone: "UTC", start: "0 8 * * *", end: "0 9 * * *", desiredReplicas: 1 };

/** Looks at an empty queue once a second. Workers that are asked for start within 10 s and are idle from then on. */
function idleRun(
  window: ReplicaWindow,
  seconds: number,
  options: Partial<ObjectiveOptions> = {},
): readonly Decision[] {
  const policy = toObjectivePolicy(
    { maxWait: 30, ...options, prewarm: [anyTimes] },
    { maxReplicaCount: 10 },
    { openWindow: () => window },
  );
  const decide = decideByObjective(policy);
  let state = initialObjectiveState(policy);
  let workers: readonly WorkerStatus[] = [];
  return Array.from({ length: seconds }, (_, second) => {
    const at = start + 1000 * second;
    workers = workers.map((worker) => {
      const readyAt = worker.startedAt + 10_000;
      return at < readyAt ? worker : { ...worker, state: "idle", since: readyAt, readyAt };
    });
    const figures = { value: 0, ready: 0, inFlight: 0, delayed: 0, oldestAgeMs: 0 };
    const samples = [{ name: "q", at, ...figures }];
    const outcome = decide(state, { at, samples, status: toTargetStatus(workers), failure: null });
    state = outcome.state;
    const { replicas } = outcome.decision;
    const added = Array.from({ length: Math.max(0, replicas - workers.length) }, (_, index) => ({
      ...{ id: `w${second}.${index}`, state: "starting" as const, startedAt: at, since: at },
      ...{ inFlight: 0, completed: 0, failed: 0 },
    }));
    workers = [...workers.slice(0, replicas), ...added];
    return outcome.decision;
  });
}

describe("workers of a window of time", () => {
  test("are ready when it opens, no earlier than a look before, and leave after it closes", () => {
    const decisions = idleRun(openFrom(60, 120), 200);
    const counts = decisions.map(({ replicas }) => replicas);
    const asked = counts.findIndex((count) => count > 0);
    // A start takes 10 s, a look 1 s.
    expect(asked).toBe(50);
    expect(counts.slice(asked, 120)).toEqual(Array(70).fill(4));
    expect(counts.findLastIndex((count) => count > 0)).toBeLessThan(135);
  });

  test("come with a reason of their own", () => {
    const [decision] = idleRun(openFrom(0, 60), 1);
    expect(decision).toMatchObject({ replicas: 4, rule: "prewarm" });
    expect(decision?.reasons[0]?.code).toBe("PrewarmKept");
    expect(decision?.candidates.map(({ rule }) => rule)).toContain("prewarm");
    const [later] = idleRun(openFrom(30, 60), 1);
    expect(later?.reasons.map(({ code }) => code)).toEqual(["ObjectiveKept"]);
  });

  test("are no more than the maximum", () => {
    expect(idleRun(openFrom(0, 60, 50), 1)[0]?.replicas).toBe(10);
  });

  test("are kept by the fallback too, once it is open", () => {
    const fallback = { failureThreshold: 0, replicas: 1 };
    const policyOf = (window: ReplicaWindow) =>
      toObjectivePolicy(
        { maxWait: 30, fallback, prewarm: [anyTimes] },
        {},
        { openWindow: () => window },
      );
    const failed = {
      ...{ at: start, samples: [], status: toTargetStatus([]) },
      failure: { of: "trigger", text: "no answer" } as const,
    };
    for (const [from, replicas] of [
      [0, 4],
      [5, 1],
    ] as const) {
      const policy = policyOf(openFrom(from, 60));
      const { decision } = decideByObjective(policy)(initialObjectiveState(policy), failed);
      expect(decision.replicas).toBe(replicas);
    }
  });
});

test("of several windows the highest count holds", () => {
  const windows = [openFrom(0, 60, 2), openFrom(10, 60, 5), openFrom(100, 200, 9)];
  expect(windowReplicas(windows, start, 0)).toBe(2);
  expect(windowReplicas(windows, start, 10_001)).toBe(5);
  expect(windowReplicas(windows, start + 60_000, 10_000)).toBe(0);
  expect(windowReplicas(windows, start + 300_000, 10_000)).toBe(0);
});

test("windows are refused where nobody can read their schedules", () => {
  expect(() => toObjectivePolicy({ maxWait: 30, prewarm: [anyTimes] })).toThrow(
    expect.objectContaining({ code: "OPTION_UNSUPPORTED" }),
  );
});
