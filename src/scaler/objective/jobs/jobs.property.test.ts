/** The decision against a queue and jobs that are played in full: each message is taken once, each job takes one. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ScaledJob } from "../../../specs/index.ts";
import { type JobStatus, toJobTargetStatus } from "../../job-target.ts";
import { scaledJob } from "../../keda/fixtures/scaled.ts";
import { decideJobsByObjective } from "./decide-jobs-by-objective.ts";
import { jobObjectiveOf } from "./job-objective-policy.ts";
import { initialJobObjectiveState } from "./job-objective-state.ts";
import { observeJobQueue } from "./observe-job-queue.ts";

const start = 1_700_000_000_000;

interface Play {
  readonly arrivals: readonly number[];
  readonly serviceMs: number;
  readonly startupMs: number;
  readonly max: number;
  readonly maxWaitMs: number;
  readonly counts: "included" | "excluded";
  /** How long a job is done with its message before it has ended. */
  readonly leavingMs: number;
  /** Whether ended jobs are still listed. */
  readonly keepsHistory: boolean;
  /** The share of looks at the queue that fail. */
  readonly failing: number;
}

const plays: fc.Arbitrary<Play> = fc.record({
  arrivals: fc
    .array(fc.integer({ min: 0, max: 120_000 }), { maxLength: 60 })
    .map((times) => times.toSorted((a, b) => a - b)),
  serviceMs: fc.integer({ min: 10, max: 60_000 }),
  startupMs: fc.integer({ min: 0, max: 1000 }),
  max: fc.integer({ min: 1, max: 80 }),
  maxWaitMs: fc.integer({ min: 12_000, max: 60_000 }),
  counts: fc.constantFrom("included", "excluded" as const),
  leavingMs: fc.constantFrom(0, 200, 3000),
  keepsHistory: fc.boolean(),
  failing: fc.constantFrom(0, 0, 0.3),
});

interface Job {
  readonly id: string;
  readonly createdAt: number;
  readonly readyAt: number;
  ackedAt: number;
  endsAt: number;
  found: boolean;
}

/** A queue and jobs: each job that is ready takes the oldest message, works, and ends; at once where there is none. */
class World {
  readonly jobs: Job[] = [];
  readonly waits: number[] = [];
  readonly waiting: number[] = [];
  readonly #given: Play;
  readonly #left: number[];

  constructor(given: Play) {
    this.#given = given;
    this.#left = [...given.arrivals];
  }

  advance(now: number): void {
    while (this.#left[0] !== undefined && this.#left[0] <= now)
      this.waiting.push(this.#left.shift() ?? 0);
    for (const job of this.jobs)
      if (job.readyAt <= now && job.endsAt === Number.POSITIVE_INFINITY) this.#take(job, now);
  }

  #take(job: Job, now: number): void {
    const message = this.waiting.shift();
    job.found = message !== undefined;
    job.ackedAt = message === undefined ? now : now + this.#given.serviceMs;
    job.endsAt = job.ackedAt + this.#given.leavingMs;
    if (message !== undefined) this.waits.push(now - message);
  }

  create(count: number, now: number): void {
    for (let one = 0; one < count; one += 1) {
      const readyAt = now + this.#given.startupMs;
      const never = Number.POSITIVE_INFINITY;
      const base = { ackedAt: never, endsAt: never, found: false };
      this.jobs.push({ id: `job-${this.jobs.length}`, createdAt: now, readyAt, ...base });
    }
  }

  unfinished(now: number): readonly Job[] {
    return this.jobs.filter((job) => job.endsAt > now);
  }

  isOver(now: number): boolean {
    return this.#left.length + this.waiting.length + this.unfinished(now).length === 0;
  }

  /** What is seen; null: the queue cannot be read. */
  look(now: number, fails: boolean): Parameters<typeof observeJobQueue>[1] {
    const { counts, keepsHistory } = this.#given;
    const unfinished = this.unfinished(now);
    const inHand = unfinished.filter((job) => job.readyAt <= now && job.ackedAt > now).length;
    const value = this.waiting.length + (counts === "included" ? inHand : 0);
    const readings = fails ? null : [{ metricName: "s0", value, active: value > 0 }];
    const listed = keepsHistory ? this.jobs : unfinished;
    return {
      at: start + now,
      triggers: [{ index: 0, specs: [], readings, failure: fails ? "no answer" : null }],
      jobs: toJobTargetStatus(listed.map((job) => statusOf(job, now))),
    };
  }
}

/** One run, in steps of 100 ms, until everything is done. */
function play(given: Play) {
  const policy = jobObjectiveOf(objectOf(given));
  if (policy === null) throw new Error("no objective");
  const decide = decideJobsByObjective(policy);
  const world = new World(given);
  let state = initialJobObjectiveState(policy);
  let [most, forNothing, looks, lookAt] = [0, 0, 0, 0];
  for (let now = 0; now < 3_600_000 && !world.isOver(now); now += 100) {
    world.advance(now);
    if (now < lookAt) continue;
    looks += 1;
    lookAt = now + policy.pollingIntervalMs;
    const fails = (looks * 0.618) % 1 < given.failing;
    const { create, state: next } = decide(state, observeJobQueue(policy, world.look(now, fails)));
    state = JSON.parse(JSON.stringify(next));
    if (create > 0 && (fails || world.waiting.length === 0)) forNothing += 1;
    world.create(create, now);
    most = Math.max(most, world.unfinished(now).length);
  }
  const idle = world.jobs.filter(({ found }) => !found).length;
  return { policy, waits: world.waits, created: world.jobs.length, idle, most, forNothing };
}

function objectOf({ max, maxWaitMs, counts }: Play): Pick<ScaledJob, "spec" | "controls"> {
  const objective = { maxWaitMs, mode: "cost" } as const;
  const type = counts === "included" ? "kafka" : "redis";
  const { spec, controls } = scaledJob({ maxReplicaCount: max }, { objective });
  const trigger = { ...spec.triggers[0], type, metadata: {} } as (typeof spec.triggers)[number];
  return { controls, spec: { ...spec, triggers: [trigger] } };
}

function statusOf({ id, createdAt, readyAt, endsAt }: Job, now: number): JobStatus {
  const isOver = endsAt <= now;
  const isReady = readyAt <= now;
  return {
    ...{ id, generation: 1, failures: 0, createdAt: start + createdAt },
    ...(isReady && { readyAt: start + readyAt }),
    state: isOver ? "succeeded" : isReady ? "running" : "pending",
    ready: isReady && !isOver,
    endedAt: isOver ? start + endsAt : null,
  };
}

describe("a ScaledJob's objective, whatever comes,", () => {
  test("takes every message, with one job each, and never more at a time than it may", () => {
    fc.assert(
      fc.property(plays, (given) => {
        const { waits, created, idle, most, forNothing } = play(given);
        expect(waits).toHaveLength(given.arrivals.length);
        expect(created).toBe(given.arrivals.length);
        expect(idle).toBe(0);
        expect(forNothing).toBe(0);
        expect(most).toBeLessThanOrEqual(given.max);
      }),
      { numRuns: 40 },
    );
  });

  test("keeps the wait, where the maximum never stands in the way, no reading fails, and jobs end with their message", () => {
    fc.assert(
      fc.property(plays, (given) => {
        const { waits, policy } = play({ ...given, max: 200, failing: 0, leavingMs: 0 });
        for (const wait of waits) expect(wait).toBeLessThanOrEqual(policy.maxWaitMs);
      }),
      { numRuns: 40 },
    );
  });
});
