import { describe, expect, test } from "vitest";
import { handOf } from "../fixtures/shared-cap-hand.ts";
import { type TargetStatus, toTargetStatus, type WorkerStatus } from "../target.ts";
import { decideByObjective } from "./decide-by-objective.ts";
import type { ObjectiveBounds } from "./objective-bounds.ts";
import { toObjectivePolicy } from "./objective-policy.ts";
import { initialObjectiveState } from "./objective-state.ts";
import { createSharedCap } from "./shared-cap.ts";

const at = 1_700_000_000_000;
const policy = toObjectivePolicy(
  { maxWait: 30, startCost: 60 },
  { maxReplicaCount: 20, pollingInterval: 5 },
);
const worker = (id: string, state: "busy" | "idle"): WorkerStatus => ({
  ...{ id, state, startedAt: at - 60_000, since: at - 1000 },
  ...{ inFlight: state === "busy" ? 1 : 0, completed: 9, failed: 0 },
});

/** Two objectives of a cap of five; the other one has its say first. */
function pair(busy: number, idle: number) {
  const cap = createSharedCap("gpu", 5);
  const [sharedCap, other] = [cap.join("mail"), handOf(cap, "report")];
  const workers = [
    ...Array.from({ length: busy }, (_, index) => worker(`b${index}`, "busy")),
    ...Array.from({ length: idle }, (_, index) => worker(`i${index}`, "idle")),
  ];
  const status = toTargetStatus(workers);
  sharedCap.hold(at, status, 0);
  return { sharedCap, other, status };
}

function look(
  ready: number,
  status: TargetStatus,
  bounds: ObjectiveBounds,
  { by = policy, oldestAgeMs = 0 } = {},
) {
  const sample = { name: "q", value: ready, at, ready, inFlight: status.busy, delayed: 0 };
  const seen = { at, samples: [{ ...sample, oldestAgeMs }], status, failure: null };
  return decideByObjective(by, bounds)(initialObjectiveState(by), seen);
}

describe("a decision under a shared cap", () => {
  test("says what was wanted and granted, and who has the rest, and counts no start that was not granted", () => {
    const { sharedCap, other, status } = pair(1, 0);
    other.look(at, { wanted: 3, needs: [{ by: at, replicas: 3 }] });
    const { decision, state } = look(500, status, { sharedCap });
    expect(decision).toMatchObject({ current: 1, replicas: 2, rule: "shared-cap" });
    expect(decision.reasons[0]).toEqual({
      code: "SharedCap",
      text: "20 wanted, 2 granted: gpu allows 5, report has 3",
      figures: { wanted: 20, granted: 2, share: 2, sharedCap: 5 },
    });
    expect(decision.reasons[1]?.code).toBe("DeadlineAtRisk");
    expect(decision.candidates.map(({ rule }) => rule)).toContain("shared-cap");
    expect(state.recentStarts).toEqual([{ at, count: 1 }]);
  });

  test("gives idle workers up to another's deadline, and none that are busy or about to be", () => {
    const needy = { wanted: 4, needs: [{ by: at, replicas: 4 }] };
    const quiet = pair(1, 3);
    expect(quiet.other.look(at, needy).replicas).toBe(1);
    const { decision } = look(0, quiet.status, { sharedCap: quiet.sharedCap });
    expect(decision).toMatchObject({ current: 4, replicas: 1, rule: "shared-cap" });
    expect(decision.reasons[0]?.text).toMatch(/^4 wanted, 3 given up: gpu allows 5/);
    const loaded = pair(1, 3);
    loaded.other.look(at, needy);
    expect(look(2, loaded.status, { sharedCap: loaded.sharedCap }).decision.replicas).toBe(3);
  });

  test("gives busy workers up only where it is said so, and only to an earlier deadline", () => {
    const busy = pair(4, 0);
    busy.other.look(at, { wanted: 4, needs: [{ by: at + 1000, replicas: 4 }] });
    const { sharedCap, status } = busy;
    expect(look(500, status, { sharedCap }).decision.replicas).toBe(4);
    const yields = { sharedCap, yieldsBusy: true };
    const by = toObjectivePolicy({ maxWait: 120 }, { maxReplicaCount: 20, pollingInterval: 5 });
    const given = look(500, status, yields, { by }).decision;
    expect(given).toMatchObject({ current: 4, replicas: 1, rule: "shared-cap" });
    busy.other.look(at, { wanted: 4, needs: [{ by: at + 200_000, replicas: 4 }] });
    expect(look(500, status, yields, { by }).decision.replicas).toBe(4);
    // Its deadlines are nearer than a start and a look twice: it could not have a worker back in time.
    busy.other.look(at, { wanted: 4, needs: [{ by: at + 1000, replicas: 4 }] });
    expect(look(800, status, yields, { by, oldestAgeMs: 110_000 }).decision.replicas).toBe(4);
  });

  test("wants the one worker that a job needs which can wait no longer, before any later deadline", () => {
    const { sharedCap, other } = pair(0, 0);
    other.look(at, { wanted: 5, needs: [{ by: at + 60_000, replicas: 5 }] });
    other.replicas = 4;
    other.look(at, { wanted: 5, needs: [{ by: at + 60_000, replicas: 5 }], locked: 4 });
    other.replicas = 4;
    other.member.hold(at, { replicas: 4, draining: 0 }, 0);
    const sample = { name: "q", value: 1, at, ready: 1, inFlight: 0, delayed: 0 };
    const samples = [{ ...sample, oldestAgeMs: 14_000 }];
    const seen = { at, samples, status: toTargetStatus([]), failure: null };
    const decide = decideByObjective(policy, { sharedCap });
    expect(decide(initialObjectiveState(policy), seen).decision.replicas).toBe(1);
  });
});

describe("a decision under a shared cap, bound otherwise too,", () => {
  test("has the workers of a window that opens before any deadline that is still to come", () => {
    const opening = { ...policy, windows: [{ replicas: 3, opensInMs: () => 0 }] };
    const cap = createSharedCap("gpu", 5);
    const [sharedCap, other] = [cap.join("mail"), handOf(cap, "report")];
    sharedCap.hold(at, toTargetStatus([]), 0);
    other.look(at, { wanted: 4, needs: [{ by: at + 1000, replicas: 4 }] });
    other.look(at, { wanted: 4, locked: 0, needs: [{ by: at + 1000, replicas: 4 }] });
    const decide = decideByObjective(opening, { sharedCap });
    const sample = { name: "q", value: 0, at, ready: 0, inFlight: 0, delayed: 0 };
    const samples = [{ ...sample, oldestAgeMs: 0 }];
    const seen = { at, samples, status: toTargetStatus([]), failure: null };
    const { decision } = decide(initialObjectiveState(opening), seen);
    expect(decision.reasons[0]?.figures).toMatchObject({ wanted: 3, granted: 1, share: 3 });
  });

  test("keeps idle workers where scale-in is paused, and asks for none where scale-out is", () => {
    const { sharedCap, other, status } = pair(1, 3);
    other.look(at, { wanted: 4, needs: [{ by: at, replicas: 4 }] });
    expect(look(0, status, { sharedCap, pausedScaleIn: true }).decision.replicas).toBe(4);
    const paused = look(500, status, { sharedCap, pausedScaleOut: true });
    expect(paused.decision).toMatchObject({ replicas: 4, rule: "paused" });
    expect(paused.decision.reasons[0]?.code).toBe("ScaledObjectPaused");
    expect(paused.state.recentStarts).toEqual([]);
  });

  test("holds what it has where the queue cannot be read, and gives nothing up", () => {
    const { sharedCap, other, status } = pair(0, 3);
    const failure = { of: "trigger", text: "no answer" } as const;
    const seen = { at, samples: [], status, failure };
    const decide = decideByObjective(policy, { sharedCap });
    expect(decide(initialObjectiveState(policy), seen).decision.replicas).toBe(3);
    expect(other.look(at, { wanted: 4, needs: [{ by: at, replicas: 4 }] })).toMatchObject({
      ...{ replicas: 2, share: 2 },
    });
  });
});
