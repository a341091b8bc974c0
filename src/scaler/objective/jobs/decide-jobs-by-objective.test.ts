import { describe, expect, test } from "vitest";
import { parseSpecs, type ScaledJob } from "../../../specs/index.ts";
import { type JobStatus, toJobTargetStatus } from "../../job-target.ts";
import type { MetricReading } from "../../scaler-trigger.ts";
import { decideJobsByObjective, type JobObjectiveOutcome } from "./decide-jobs-by-objective.ts";
import { jobObjectiveOf } from "./job-objective-policy.ts";
import { initialJobObjectiveState } from "./job-objective-state.ts";
import { observeJobQueue } from "./observe-job-queue.ts";

const second = 1000;
const start = 1_700_000_000_000;

const included = "{type: kafka, metadata: {lagThreshold: '1'}}";
const excluded = "{type: redis, metadata: {listName: q}}";

interface Given {
  readonly objective?: string;
  readonly spec?: string;
  readonly trigger?: string;
}

function jobOf({ objective = "maxWait=30s", spec = "", trigger = included }: Given): ScaledJob {
  const text = `
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: {name: worker, annotations: {sluice.dev/objective: "${objective}"}}
spec:
  jobTargetRef: {template: {spec: {containers: [{name: w, image: w}], restartPolicy: Never}}}
  ${spec}
  triggers: [${trigger}]
`;
  const [job] = parseSpecs(text, "job.yaml").scaledJobs;
  if (job === undefined) throw new Error("no ScaledJob");
  return job;
}

function policyOf(given: Given) {
  const policy = jobObjectiveOf(jobOf(given));
  if (policy === null) throw new Error("no objective");
  return policy;
}

/** Looks at what `look` says, at times in seconds; jobs are ready a second after their creation, and say so. */
function steer(given: Given = {}) {
  const policy = policyOf(given);
  const decide = decideJobsByObjective(policy);
  let state = initialJobObjectiveState(policy);
  const jobs = new Map<string, JobStatus>();
  const at = (seconds: number): number => start + seconds * second;
  let told: Partial<MetricReading> = {};
  return {
    policy,
    jobs,
    tell(more: Partial<MetricReading>) {
      told = more;
    },
    set(id: string, job: Partial<JobStatus>) {
      const base = { id, state: "running", ready: true, generation: 1, failures: 0 } as const;
      const known = jobs.get(id) ?? { ...base, createdAt: start, endedAt: null };
      jobs.set(id, { ...known, ...job });
    },
    look(seconds: number, value: number | null, room: number | null = null): JobObjectiveOutcome {
      for (const [id, job] of jobs)
        if (job.state === "pending" && job.failures === 0 && at(seconds) >= job.createdAt + second)
          jobs.set(id, { ...job, state: "running", ready: true, readyAt: job.createdAt + second });
      const metricName = "s0";
      const seen = observeJobQueue(policy, {
        at: at(seconds),
        triggers: [
          {
            ...{ index: 0, specs: [] },
            readings: value === null ? null : [{ metricName, value, active: value > 0, ...told }],
            failure: value === null ? "no answer" : null,
          },
        ],
        jobs: toJobTargetStatus([...jobs.values()], room),
      });
      const outcome = decide(state, seen);
      state = JSON.parse(JSON.stringify(outcome.state));
      for (let one = 0; one < outcome.create; one += 1) {
        const id = `job-${jobs.size}`;
        const base = { id, generation: 1, createdAt: at(seconds), endedAt: null, failures: 0 };
        jobs.set(id, { ...base, state: "pending", ready: false });
      }
      return outcome;
    },
    end(id: string, seconds: number, state: "succeeded" | "failed" = "succeeded") {
      const job = jobs.get(id);
      if (job !== undefined) jobs.set(id, { ...job, state, ready: false, endedAt: at(seconds) });
    },
  };
}

const codes = ({ decision }: JobObjectiveOutcome): readonly string[] =>
  decision.reasons.map(({ code }) => code);

describe("jobs of one message", () => {
  test("none for an empty queue, and none for a message that can wait", () => {
    const { look } = steer();
    expect(look(0, 0)).toMatchObject({ create: 0, decision: { rule: "hold" } });
    const waits = look(5, 1);
    expect(waits).toMatchObject({ create: 0, decision: { rule: "hold", controller: "objective" } });
    expect(codes(waits)).toEqual(["ObjectiveKept"]);
  });

  test("one for a message whose deadline is a start and a look away, and no second one for it", () => {
    const { look, end } = steer();
    look(0, 1);
    const created = [5, 10, 15, 20].map((seconds) => look(seconds, 1).create);
    // 28.5 s are aimed at; of the looks every 5 s, the one at 20 is the last that leaves a start of 1 s and a look.
    expect(created).toEqual([0, 0, 0, 0]);
    const [now, next, later] = [look(23, 1), look(26, 1), look(40, 1)];
    expect([now.create, next.create, later.create]).toEqual([1, 0, 0]);
    expect(codes(now)).toEqual(["KEDAJobsCreated", "DeadlineAtRisk"]);
    end("job-0", 41);
    expect(look(45, 0).create).toBe(0);
  });

  test("not again for a message that a job works on, whether the trigger still counts it or not", () => {
    for (const [trigger, during] of [
      [included, 1],
      [excluded, 0],
    ] as const) {
      const { look, set } = steer({ trigger });
      set("busy", { readyAt: start - 300 * second, createdAt: start - 301 * second });
      for (const seconds of [0, 30, 60, 90]) expect(look(seconds, during).create).toBe(0);
    }
  });

  test("a job that waits beside one that runs gets its own in time", () => {
    for (const [trigger, during] of [
      [included, 2],
      [excluded, 1],
    ] as const) {
      const { look, set } = steer({ trigger });
      set("busy", { readyAt: start - 300 * second, createdAt: start - 301 * second });
      const created = [0, 5, 10, 15, 20, 25].map((seconds) => look(seconds, during).create);
      expect(created.reduce((sum, count) => sum + count, 0)).toBe(1);
    }
  });

  test("uses the same place again where there is time for it", () => {
    const { look, end } = steer();
    // A place has a message every 7 s (a start, a second of work, a look), so four by their deadline.
    expect(look(0, 40).create).toBe(10);
    expect(look(1, 40).create).toBe(0);
    for (let one = 0; one < 10; one += 1) end(`job-${one}`, 2);
    // Four by each of them again, in the 22 s that are left.
    expect(look(5, 30).create).toBe(7);
  });

  test("at most maxReplicaCount at a time, and no more than there is room for", () => {
    const { look } = steer({ spec: "maxReplicaCount: 3" });
    const full = look(0, 500);
    expect(full).toMatchObject({ create: 3, decision: { rule: "maximum", maxReplicaCount: 3 } });
    expect(codes(full)).toContain("TooManyReplicas");
    const narrow = steer().look(0, 500, 2);
    expect(narrow).toMatchObject({ create: 2, decision: { rule: "capacity" } });
    expect(codes(narrow)).toContain("NoCapacity");
  });
});

describe("jobs of one message, besides deadlines,", () => {
  test("minReplicaCount is made up to, no more often than KEDA would", () => {
    const { look, end } = steer({ spec: "minReplicaCount: 2\n  pollingInterval: 30" });
    expect(look(0, 0)).toMatchObject({ create: 2, decision: { rule: "minimum" } });
    end("job-0", 2);
    expect(look(5, 0).create).toBe(0);
    expect(look(30, 0).create).toBe(1);
  });

  test("nothing while a reading fails", () => {
    const { look } = steer();
    look(0, 5);
    const held = look(40, null);
    expect(held).toMatchObject({ create: 0, decision: { rule: "hold" } });
    expect(codes(held)).toEqual(["KEDAScalerFailed"]);
  });

  test("no more than there are partitions", () => {
    const { look, tell } = steer();
    tell({ activeGroups: 4 });
    const full = look(0, 500);
    expect(full).toMatchObject({ create: 4, decision: { rule: "deadline" } });
    expect(codes(full)).toContain("GroupsExhausted");
  });

  test("in latency mode, one at once from nothing", () => {
    expect(steer({ objective: "maxWait=30s,mode=latency" }).look(0, 1).create).toBe(1);
  });
});

describe("jobs that fail", () => {
  test("are not made anew at once, and ever more seldom", () => {
    const { look, end, jobs } = steer({ objective: "maxWait=2s" });
    const createdAt: number[] = [];
    for (let seconds = 0; seconds <= 120; seconds += 0.5) {
      if (look(seconds, 1).create > 0) createdAt.push(seconds);
      for (const job of jobs.values())
        if (job.endedAt === null && job.ready) end(job.id, seconds, "failed");
    }
    const gaps = createdAt.slice(1).map((at, index) => at - (createdAt[index] ?? 0));
    expect(gaps.map((gap) => Math.round(gap / 10) * 10)).toEqual([10, 20, 40]);
  });

  test("do not hold up messages that come meanwhile", () => {
    const { look, end } = steer({ objective: "maxWait=2s" });
    look(0, 1);
    for (const seconds of [0.5, 1, 1.5]) look(seconds, 1);
    end("job-0", 1.8, "failed");
    look(4, 1);
    const failing = look(5.5, 1);
    expect(failing).toMatchObject({ create: 0, decision: { rule: "backoff" } });
    expect(codes(failing)).toContain("JobsFailing");
    expect([6, 6.5, 7].map((seconds) => look(seconds, 2).create)).toContain(1);
  });

  test("and that their target tries again keep their message", () => {
    const { look, set } = steer();
    set("job-0", { state: "pending", ready: false, failures: 2 });
    for (const seconds of [0, 20, 40, 60]) expect(look(seconds, 1).create).toBe(0);
  });

  test("use up the starts of a minute, which jobs that end well give back", () => {
    const { look, end, jobs } = steer({ objective: "maxWait=2s", spec: "maxReplicaCount: 1" });
    let created = 0;
    for (let seconds = 0; seconds < 60; seconds += 0.5) {
      created += look(seconds, 50).create;
      for (const job of jobs.values()) if (job.endedAt === null && job.ready) end(job.id, seconds);
    }
    // 4 x 1 + 10 is the budget.
    expect(created).toBeGreaterThan(20);
  });
});

describe("jobs of many messages", () => {
  const objective = "maxWait=30s,messagesPerJob=many";

  test("share a job, as far as its deadlines leave it time", () => {
    expect(steer({ objective }).look(0, 200).create).toBe(7);
    expect(steer().look(0, 200).create).toBeGreaterThan(20);
  });

  test("are taken by those that run, and by those that start", () => {
    const { look } = steer({ objective });
    look(0, 200);
    expect(look(5, 150).create).toBe(0);
  });

  test("learn from what the jobs say of themselves", () => {
    const { look, set } = steer({ objective });
    look(0, 0);
    const work = { inFlight: 0, completed: 100, failed: 0, busyMs: 500 };
    set("told", { readyAt: start + second, work });
    look(10, 0);
    // 5 ms for each message: a single job that starts after a second begins thousands of them.
    expect(look(15, 1000).create).toBe(0);
  });
});

describe("what a trigger counts", () => {
  const query =
    "{type: postgresql, metadata: {targetQueryValue: '1', query: q, connectionFromEnv: DB}}";
  test.each([
    [included, "", ["included"]],
    [excluded, "", ["excluded"]],
    [query, "", ["included"]],
    [query, "scalingStrategy: {strategy: accurate}", ["excluded"]],
    [
      `{type: cron, metadata: {timezone: UTC, start: 0 8 * * *, end: 0 9 * * *, desiredReplicas: '2'}}, ${included}`,
      "",
      [null, "included"],
    ],
  ])("%s with %j", (trigger, spec, counts) => {
    expect(policyOf({ trigger, spec }).counts).toEqual(counts);
  });

  test("has to be messages", () => {
    const cron =
      "{type: cron, metadata: {timezone: UTC, start: 0 8 * * *, end: 0 9 * * *, desiredReplicas: '2'}}";
    expect(() => policyOf({ trigger: cron })).toThrow(/needs a trigger that counts messages/);
  });
});
