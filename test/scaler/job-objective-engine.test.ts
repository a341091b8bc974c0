import { describe, expect, test } from "vitest";
import {
  createJobObjectiveEngine,
  type Decision,
  type JobStatus,
  type JobTarget,
  jobObjectiveOf,
  toJobTargetStatus,
} from "../../src/scaler/index.ts";
import { scaledJob, triggerSpec } from "../../src/scaler/keda/fixtures/scaled.ts";
import { createVirtualClock } from "../../src/testing/index.ts";
import { recordingLogger } from "../support/recording-logger.ts";
import { steeredTrigger } from "./steered-object.ts";

const second = 1000;

/** Jobs that are ready a second after their creation; the trigger counts what waits and what they have taken. */
function steerJobs(maxWaitMs: number, maxReplicaCount = 20) {
  const clock = createVirtualClock(0);
  const trigger = steeredTrigger(1, "kafka");
  const cron = steeredTrigger(0, "cron");
  const logger = recordingLogger();
  const decisions: Decision[] = [];
  const made: { readonly at: number; readonly count: number }[] = [];
  const jobs: JobStatus[] = [];
  const fails = { creating: null as string | null, telling: null as string | null };
  const target: JobTarget = {
    async status() {
      if (fails.telling !== null) throw new Error(fails.telling);
      return toJobTargetStatus(
        jobs.map((job) => {
          const readyAt = job.createdAt + second;
          if (job.endedAt !== null || clock.now() < readyAt) return job;
          return { ...job, state: "running", ready: true, readyAt };
        }),
      );
    },
    async create(count) {
      if (fails.creating !== null) throw new Error(fails.creating);
      made.push({ at: clock.now(), count });
      for (let one = 0; one < count; one += 1) {
        const base = { generation: 1, createdAt: clock.now(), endedAt: null, failures: 0 };
        jobs.push({ id: `job-${jobs.length}`, state: "pending", ready: false, ...base });
      }
    },
    close: async () => undefined,
  };
  const triggers = [triggerSpec({ type: "cron" }), triggerSpec({ type: "kafka" })];
  const object = scaledJob(
    { maxReplicaCount, triggers },
    { objective: { maxWaitMs, mode: "cost" } },
  );
  const policy = jobObjectiveOf(object);
  if (policy === null) throw new Error("no objective");
  const engine = createJobObjectiveEngine({
    ...{ name: "ScaledJob default/job", policy, triggers: [cron, trigger], target, clock, logger },
    onDecision: (decision) => decisions.push(decision),
  });
  return { clock, trigger, cron, logger, made, jobs, fails, engine, decisions };
}

describe("an engine of a ScaledJob's objective", () => {
  test("creates a job a start and a look before the deadline, at a push looks at once, and asks no trigger that counts no messages", async () => {
    const { clock, trigger, cron, made, engine } = steerJobs(30 * second);
    engine.start();
    await clock.advance(2 * second);
    trigger.value = 1;
    trigger.push();
    await clock.advance(60 * second);
    expect(made).toHaveLength(1);
    // 28.5 s after the push, less a start of 1 s and a look of 5 s: the look after that, or sooner.
    expect(made[0]?.at).toBeGreaterThan(2 * second);
    expect(made[0]?.at).toBeLessThanOrEqual(2050 + 25 * second);
    expect(cron.reads).toBe(0);
    await engine.stop();
    expect(clock.armedTimers).toBe(0);
  });

  test("creates nothing while queue or target cannot be read, and says so once each", async () => {
    const { clock, trigger, made, fails, logger, engine } = steerJobs(6 * second);
    trigger.value = 3;
    trigger.failure = "no answer";
    engine.start();
    await clock.advance(10 * second);
    trigger.failure = null;
    fails.telling = "no list of jobs";
    await clock.advance(10 * second);
    expect(made).toEqual([]);
    expect(logger.messages("error")).toEqual([
      "reading trigger 1 (kafka) failed",
      "reading the target failed",
    ]);
    fails.telling = null;
    await clock.advance(10 * second);
    expect(made.reduce((sum, { count }) => sum + count, 0)).toBe(3);
    await engine.stop();
  });

  test("tries again what could not be created, at the cost of no start", async () => {
    const { clock, trigger, made, fails, logger, engine } = steerJobs(6 * second, 1);
    trigger.value = 1;
    fails.creating = "no more processes";
    engine.start();
    await clock.advance(60 * second);
    expect(logger.messages("error")).toEqual(["creating jobs failed"]);
    expect(engine.state.learned.recentStarts).toEqual([]);
    fails.creating = null;
    await clock.advance(second);
    expect(made.map(({ count }) => count)).toEqual([1]);
    await engine.stop();
  });

  test("goes on from what it knew, and records what each trigger gave", async () => {
    const { clock, trigger, engine, decisions } = steerJobs(30 * second);
    trigger.value = 2;
    engine.start();
    await clock.advance(second);
    expect(JSON.parse(JSON.stringify(engine.state))).toEqual(engine.state);
    expect(decisions[0]).toMatchObject({ controller: "objective", current: 0, replicas: 0 });
    expect(decisions[0]?.metrics).toMatchObject([{ metricName: "s1-metric", value: 2 }]);
    await engine.stop();
  });
});
