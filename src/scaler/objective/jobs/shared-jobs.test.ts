import { describe, expect, test } from "vitest";
import { parseSpecs } from "../../../specs/index.ts";
import { handOf } from "../../fixtures/shared-cap-hand.ts";
import { type JobStatus, toJobTargetStatus } from "../../job-target.ts";
import { createSharedCap } from "../shared-cap.ts";
import { decideJobsByObjective } from "./decide-jobs-by-objective.ts";
import { jobObjectiveOf } from "./job-objective-policy.ts";
import { initialJobObjectiveState } from "./job-objective-state.ts";
import { observeJobQueue } from "./observe-job-queue.ts";

const at = 1_700_000_000_000;

/** A ScaledJob in a cap of five, with that many jobs that run and messages that wait; null: the trigger fails. */
function member(running: number, minReplicaCount = 0) {
  const text = `
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: {name: resize, annotations: {sluice.dev/objective: 30s, sluice.dev/shared-cap: gpu=5}}
spec:
  minReplicaCount: ${minReplicaCount}
  jobTargetRef: {template: {spec: {containers: [{name: w, image: w}], restartPolicy: Never}}}
  triggers: [{type: redis, metadata: {listName: q}}]
`;
  const [job] = parseSpecs(text, "job.yaml").scaledJobs;
  const policy = job === undefined ? null : jobObjectiveOf(job);
  if (policy === null) throw new Error("no objective");
  const cap = createSharedCap("gpu", 5);
  const [sharedCap, other] = [cap.join("resize"), handOf(cap, "mail")];
  sharedCap.hold(at, { replicas: running, draining: 0 }, 0);
  const jobs = Array.from({ length: running }, (_, index): JobStatus => {
    const base = { id: `job-${index}`, state: "running", ready: true, generation: 1 } as const;
    return { ...base, createdAt: at - 60_000, readyAt: at - 59_000, endedAt: null, failures: 0 };
  });
  const look = (value: number | null) => {
    const readings = value === null ? null : [{ metricName: "s0", value, active: value > 0 }];
    const failure = value === null ? "no answer" : null;
    const triggers = [{ ...{ index: 0, specs: [] }, readings, failure }];
    const seen = observeJobQueue(policy, { at, triggers, jobs: toJobTargetStatus(jobs) });
    return decideJobsByObjective(policy, sharedCap)(initialJobObjectiveState(policy), seen);
  };
  return { look, other };
}

describe("jobs under a shared cap", () => {
  test("are created as far as there is room, and the rest is said", () => {
    const { look, other } = member(1);
    other.look(at, { wanted: 2, needs: [{ by: at, replicas: 2 }] });
    const { create, decision, state } = look(500);
    expect(create).toBe(2);
    expect(decision).toMatchObject({ current: 1, replicas: 3, rule: "shared-cap" });
    expect(decision.reasons[0]?.code).toBe("SharedCap");
    expect(decision.reasons[0]?.text).toMatch(/^\d+ wanted, 3 granted: gpu allows 5, mail has 2$/);
    expect(decision.candidates.map(({ rule }) => rule)).toContain("shared-cap");
    expect(state.learned.recentStarts).toEqual([{ at, count: 2 }]);
  });

  test("keep their room while they run, whatever another needs, and while their queue cannot be read", () => {
    const needy = { wanted: 5, needs: [{ by: at, replicas: 5 }] };
    for (const value of [0, null]) {
      const { look, other } = member(3);
      expect(look(value)).toMatchObject({ create: 0, decision: { rule: "hold", replicas: 3 } });
      expect(other.look(at, needy)).toMatchObject({ replicas: 2, share: 2 });
    }
  });

  test("come for a minimum, whose room idle workers of others give up", () => {
    const { look, other } = member(0, 2);
    other.look(at, { wanted: 5 });
    other.look(at, { wanted: 5, locked: 0 });
    expect(look(0)).toMatchObject({ create: 0, decision: { rule: "shared-cap" } });
    expect(other.woken).toContain(0);
    expect(other.look(at, { wanted: 5, locked: 0 }).replicas).toBe(3);
  });
});
