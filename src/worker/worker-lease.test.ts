import { describe, expect, test, vi } from "vitest";
import { type MemoryBed, memoryBed } from "../../test/support/memory-bed.ts";
import { type Driver, defineJob, type Job, SluiceError, sleep } from "../core/index.ts";
import { defineWorker } from "./define-worker.ts";
import { startWorker, type Worker } from "./worker.ts";

/** A worker with a lease of three seconds, so that it is renewed every second. */
function work(bed: MemoryBed, run: (job: Job) => unknown): Worker {
  const handlers = [defineJob("mail").handle((_input, job) => run(job))];
  return startWorker(defineWorker({ handlers, lease: "3s", grace: 0 }), bed.sluice);
}

async function leave(bed: MemoryBed, ...workers: Worker[]): Promise<void> {
  for (const worker of workers) void worker.drain().catch(() => undefined);
  await bed.clock.advance(20_000);
}

/** Memory queues whose leases are not prolonged although somebody asks. */
const forgetful = (answer: NonNullable<Driver["extend"]>) =>
  memoryBed((driver) => ({ ...driver, extend: answer, settle: vi.fn(driver.settle) }));

describe("a job that takes longer than its lease", () => {
  test("runs once and is acknowledged", async () => {
    const bed = memoryBed();
    const run = vi.fn(() => sleep(bed.clock, 60_000));
    const workers = [work(bed, run), work(bed, run)];
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(61_000);
    expect(run).toHaveBeenCalledTimes(1);
    expect(workers.map(({ completed }) => completed).toSorted()).toEqual([0, 1]);
    expect(await bed.sluice.depth("mail")).toMatchObject({ ready: 0, inFlight: 0, dead: 0 });
    await leave(bed, ...workers);
  });

  test("counts as progress for as long as its lease is renewed", async () => {
    const bed = memoryBed();
    const worker = work(bed, () => sleep(bed.clock, 600_000));
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(300_000);
    expect(bed.clock.now() - worker.lastProgressAt).toBeLessThanOrEqual(1500);
    await leave(bed, worker);
  });
});

describe("a job whose lease is lost", () => {
  test("is told, may not settle, and runs again elsewhere", async () => {
    const bed = forgetful(async (_queue, receipts) => receipts.map(() => false));
    const signals: AbortSignal[] = [];
    const worker = work(bed, (job) => {
      signals.push(job.signal);
      return job.attempt === 1 ? sleep(bed.clock, 5000) : undefined;
    });
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(1000);
    expect(signals[0]?.aborted).toBe(true);
    expect(signals[0]?.reason).toMatchObject({ code: "LEASE_LOST" });
    await bed.clock.advance(20_000);
    expect(signals).toHaveLength(2);
    expect(bed.driver.settle).toHaveBeenCalledTimes(1);
    expect(worker).toMatchObject({ completed: 1, failed: 1 });
    expect(bed.log.messages("warn")).toContain("lease lost; the job runs again");
    await leave(bed, worker);
  });

  test("is told at the end of the lease when renewing fails, and another worker begins", async () => {
    const events: [string, number][] = [];
    const bed = forgetful(async () => {
      throw new SluiceError("STORE_UNAVAILABLE", "broker away");
    });
    const start = bed.clock.now();
    const run = (job: Job) => {
      const note = (event: string) => events.push([event, bed.clock.now() - start]);
      note(`attempt ${job.attempt} begins`);
      job.signal.addEventListener("abort", () => note(`attempt ${job.attempt} is told`));
      return job.attempt === 1 ? sleep(bed.clock, 10_000) : undefined;
    };
    const workers = [work(bed, run), work(bed, run)];
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(20_000);
    expect(events.toSorted()).toEqual([
      ["attempt 1 begins", 0],
      ["attempt 1 is told", 3000],
      ["attempt 2 begins", 3000],
    ]);
    expect(workers.reduce((sum, { completed }) => sum + completed, 0)).toBe(1);
    await leave(bed, ...workers);
  });

  test("may succeed all the same, which the driver then does not take", async () => {
    const bed = forgetful(async (_queue, receipts) => receipts.map(() => false));
    const worker = work(bed, async (job) => {
      if (job.attempt === 1) await sleep(bed.clock, 5000);
    });
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(5500);
    expect(worker.completed).toBe(1);
    expect(await bed.sluice.depth("mail")).toMatchObject({ ready: 0, inFlight: 0 });
    await leave(bed, worker);
  });
});

describe("a settlement", () => {
  test("that meets a renewal of the same lease is no lost lease", async () => {
    const bed: MemoryBed = memoryBed((driver) => ({
      ...driver,
      async settle(...call) {
        const settled = await driver.settle(...call);
        await sleep(bed.clock, 1200); // the renewal comes before the answer
        return settled;
      },
    }));
    const worker = work(bed, () => sleep(bed.clock, 500));
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(30_000);
    expect(worker).toMatchObject({ completed: 1, failed: 0 });
    expect(bed.log.messages("warn")).toEqual([]);
    await leave(bed, worker);
  });

  test("that the broker refuses for good leaves the job to its lease, and the worker goes on", async () => {
    let refusals = 0;
    const bed = memoryBed((driver) => ({
      ...driver,
      async settle(...call) {
        refusals += 1;
        if (refusals === 1) throw new SluiceError("STORE_FULL", "full", { retryable: false });
        return driver.settle(...call);
      },
    }));
    const run = vi.fn();
    const worker = work(bed, run);
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(10_000);
    expect(run).toHaveBeenCalledTimes(2);
    expect(worker).toMatchObject({ completed: 1, failed: 1 });
    expect(bed.log.messages("error")).toHaveLength(1);
    await leave(bed, worker);
  });

  test("does not hold the slot while the broker takes its time", async () => {
    const bed: MemoryBed = memoryBed((driver) => ({
      ...driver,
      async settle(...call) {
        await sleep(bed.clock, 1000);
        return driver.settle(...call);
      },
    }));
    const run = vi.fn();
    const handlers = [defineJob("mail").handle(run)];
    const worker = startWorker(defineWorker({ handlers, concurrency: 1 }), bed.sluice);
    await bed.sluice.publishMany("mail", [1, 2, 3]);
    await bed.clock.advance(500);
    expect(run).toHaveBeenCalledTimes(3);
    expect(worker.inFlight).toBe(3);
    await leave(bed, worker);
    expect(worker.completed).toBe(3);
  });
});
