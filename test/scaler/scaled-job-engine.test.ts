import { describe, expect, test } from "vitest";
import {
  createScaledJobEngine,
  type JobStatus,
  type JobTarget,
  toJobTargetStatus,
  toScaledJobPolicy,
} from "../../src/scaler/index.ts";
import { scaledJob } from "../../src/scaler/keda/fixtures/scaled.ts";
import { createVirtualClock } from "../../src/testing/index.ts";
import { recordingLogger } from "../support/recording-logger.ts";
import { steeredTrigger } from "./steered-object.ts";

const second = 1000;

/** Jobs that are ready some time after their creation. */
function steerJobs(given: Parameters<typeof scaledJob>[1] = {}, startMs = 0) {
  const clock = createVirtualClock(0);
  const trigger = steeredTrigger();
  const logger = recordingLogger();
  const made: { readonly at: number; readonly count: number }[] = [];
  const jobs: JobStatus[] = [];
  const room = { left: null as number | null, failure: null as string | null };
  const target: JobTarget = {
    async status() {
      const isReady = (job: JobStatus): boolean => clock.now() >= job.createdAt + startMs;
      return toJobTargetStatus(
        jobs.map((job) => ({ ...job, ready: isReady(job) })),
        room.left,
      );
    },
    async create(count) {
      if (room.failure !== null) throw new Error(room.failure);
      made.push({ at: clock.now(), count });
      for (let one = 0; one < count; one += 1) {
        const base = { generation: 1, createdAt: clock.now(), endedAt: null, failures: 0 };
        jobs.push({ id: `job-${jobs.length}`, state: "running", ready: false, ...base });
      }
    },
    close: async () => undefined,
  };
  const policy = toScaledJobPolicy(scaledJob({ maxReplicaCount: 4 }, given));
  const engine = createScaledJobEngine({
    ...{ name: "ScaledJob default/job", policy, triggers: [trigger], target, clock, logger },
  });
  return { clock, trigger, logger, made, jobs, room, engine };
}

describe("an engine of a ScaledJob", () => {
  test("creates jobs at every poll", async () => {
    const { clock, trigger, made, engine } = steerJobs();
    trigger.value = 6;
    engine.start();
    await clock.advance(29 * second);
    trigger.value = 20;
    await clock.advance(2 * second);
    expect(made).toEqual([
      { at: 0, count: 2 },
      { at: 30 * second, count: 2 },
    ]);
    await engine.stop();
    expect(clock.armedTimers).toBe(0);
  });

  test("tells of jobs that cannot be created and tries again", async () => {
    const { clock, trigger, made, room, logger, engine } = steerJobs();
    trigger.value = 6;
    room.failure = "no more processes";
    engine.start();
    await clock.advance(second);
    expect(logger.messages("error")).toEqual(["creating jobs failed"]);
    room.failure = null;
    await clock.advance(30 * second);
    expect(made).toEqual([{ at: 30 * second, count: 2 }]);
    await engine.stop();
  });

  test("reads nothing while it is paused", async () => {
    const { clock, trigger, made, engine } = steerJobs({ paused: true });
    trigger.value = 6;
    engine.start();
    await clock.advance(60 * second);
    expect([trigger.reads, made]).toEqual([0, []]);
    await engine.stop();
  });
});

describe("sequential", () => {
  const sequential = { threshold: 0, maxAgeMs: null };

  test("creates the next job when the last is ready, without waiting out the interval", async () => {
    const { clock, trigger, made, engine } = steerJobs({ sequential }, 2 * second);
    trigger.value = 200;
    engine.start();
    await clock.advance(29 * second);
    expect(made).toEqual([
      { at: 0, count: 1 },
      { at: 2 * second, count: 1 },
      { at: 4 * second, count: 1 },
      { at: 6 * second, count: 1 },
    ]);
    await engine.stop();
  });

  test("does not read the queue while it waits for a job", async () => {
    const { clock, trigger, engine } = steerJobs({ sequential }, 20 * second);
    trigger.value = 200;
    engine.start();
    await clock.advance(19 * second);
    expect(trigger.reads).toBe(1);
    await engine.stop();
  });

  test("creates one at once at a push, as long as there is room", async () => {
    const { clock, trigger, made, room, engine } = steerJobs({ sequential });
    engine.start();
    await clock.advance(5 * second);
    trigger.value = 1;
    room.left = 0;
    trigger.push();
    await clock.advance(second);
    expect(made).toEqual([]);
    room.left = 1;
    trigger.push();
    await clock.advance(50);
    expect(made).toEqual([{ at: 6 * second + 50, count: 1 }]);
    await engine.stop();
  });
});
