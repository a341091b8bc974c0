import { describe, expect, test, vi } from "vitest";
import { type MemoryBed, memoryBed } from "../../test/support/memory-bed.ts";
import { defineJob, type Job, SluiceError, sleep } from "../core/index.ts";
import { defineWorker, type WorkerOptions } from "./define-worker.ts";
import { type StartOptions, startWorker, type Worker } from "./worker.ts";

/** A worker of one queue, and whether it has closed or with what it failed. */
function work(
  bed: MemoryBed,
  run: (job: Job) => unknown,
  more: Partial<WorkerOptions> & StartOptions = {},
) {
  const handlers = [defineJob("mail").handle((_input, job) => run(job))];
  const worker = startWorker(defineWorker({ handlers, ...more }), bed.sluice, more);
  return { worker, closed: watchClosed(worker) };
}

function watchClosed(worker: Worker) {
  const state = { end: null as unknown };
  worker.closed.then(
    () => {
      state.end = "closed";
    },
    (error: unknown) => {
      state.end = error;
    },
  );
  return state;
}

const never = () => new Promise<never>(() => undefined);

describe("drain", () => {
  test("lets running jobs end and takes nothing more", async () => {
    const bed = memoryBed();
    const run = vi.fn(() => sleep(bed.clock, 10_000));
    const { worker, closed } = work(bed, run, { concurrency: 2 });
    await bed.sluice.publishMany("mail", [1, 2, 3]);
    await bed.clock.advance(100);
    void worker.drain();
    await bed.clock.advance(9800);
    expect(closed.end).toBeNull();
    await bed.clock.advance(100);
    expect(closed.end).toBe("closed");
    expect(run).toHaveBeenCalledTimes(2);
    expect(worker.completed).toBe(2);
    expect(await bed.sluice.depth("mail")).toMatchObject({ ready: 1, inFlight: 0 });
    expect(bed.clock.armedTimers).toBe(0);
  });

  test("gives back what is left after the grace, the attempt not counted", async () => {
    const bed = memoryBed();
    const reasons: unknown[] = [];
    const { worker, closed } = work(bed, (job) => {
      job.signal.addEventListener("abort", () => reasons.push(job.signal.reason));
      return never();
    });
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(100);
    void worker.drain(5000);
    await bed.clock.advance(4999);
    expect(reasons).toEqual([]);
    await bed.clock.advance(1);
    expect(reasons).toMatchObject([{ code: "ABORTED" }]);
    await bed.clock.advance(1000);
    expect(closed.end).toBe("closed");
    expect(worker.failed).toBe(0);
    const request = { max: 1, waitMs: 0, leaseMs: 1000 };
    expect(await bed.driver.receive("mail", request)).toMatchObject([{ attempt: 1, history: [] }]);
  });

  test("a second time with a shorter grace ends it sooner", async () => {
    const bed = memoryBed();
    const { worker, closed } = work(bed, never);
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(100);
    void worker.drain(600_000);
    await bed.clock.advance(1000);
    expect(closed.end).toBeNull();
    void worker.drain(0);
    await bed.clock.advance(1000);
    expect(closed.end).toBe("closed");
    expect(bed.clock.armedTimers).toBe(0);
  });

  test("a second time with a longer grace does not prolong the first", async () => {
    const bed = memoryBed();
    const { worker, closed } = work(bed, never);
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(100);
    void worker.drain(1000);
    void worker.drain(600_000);
    await bed.clock.advance(2000);
    expect(closed.end).toBe("closed");
  });
});

describe("drain in special moments", () => {
  test("of an idle worker ends it at once, and again afterwards leaves no timer behind", async () => {
    const bed = memoryBed();
    const { worker, closed } = work(bed, never);
    await bed.clock.advance(100);
    await worker.drain();
    expect(closed.end).toBe("closed");
    await worker.drain();
    expect(bed.clock.armedTimers).toBe(0);
  });

  test("gives back what a receive under way yet brings", async () => {
    const bed = memoryBed((driver) => ({
      ...driver,
      async receive(queue, request) {
        const deliveries = await driver.receive(queue, request);
        await sleep(bed.clock, 1000);
        return deliveries;
      },
    }));
    await bed.sluice.publish("mail", 1);
    const run = vi.fn();
    const { worker } = work(bed, run);
    await bed.clock.advance(500);
    void worker.drain();
    await bed.clock.advance(600);
    await worker.closed;
    expect(run).not.toHaveBeenCalled();
    expect(await bed.sluice.depth("mail")).toMatchObject({ ready: 1, inFlight: 0 });
  });

  test("ends also when the broker no longer answers anything", async () => {
    let isGone = false;
    const bed = memoryBed((driver) => ({
      ...driver,
      receive: (...call) => (isGone ? never() : driver.receive(...call)),
      settle: (...call) => (isGone ? never() : driver.settle(...call)),
      extend: (...call) => (isGone ? never() : (driver.extend?.(...call) ?? never())),
    }));
    const { worker, closed } = work(bed, never, { lease: "10s" });
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(100);
    isGone = true;
    void worker.drain(1000);
    await bed.clock.advance(13_000);
    expect(closed.end).toBe("closed");
    expect(bed.clock.armedTimers).toBe(0);
  });
});

describe("an error that trying again cannot cure", () => {
  const corrupt = () => {
    throw new SluiceError("STORE_CORRUPT", "damaged");
  };

  test("closes the worker with it, once running jobs have ended", async () => {
    let isCorrupt = false;
    const bed = memoryBed((driver) => ({
      ...driver,
      receive: async (...call) => (isCorrupt ? corrupt() : driver.receive(...call)),
    }));
    const { worker, closed } = work(bed, () => sleep(bed.clock, 5000));
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(100);
    isCorrupt = true;
    await bed.sluice.publish("mail", 2);
    await bed.clock.advance(100);
    expect(closed.end).toBeNull();
    await bed.clock.advance(5000);
    expect(closed.end).toMatchObject({ code: "STORE_CORRUPT" });
    expect(worker.completed).toBe(1);
    await expect(worker.drain()).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });

  test("waits for running jobs no longer than the grace", async () => {
    let isCorrupt = false;
    const bed = memoryBed((driver) => ({
      ...driver,
      receive: async (...call) => (isCorrupt ? corrupt() : driver.receive(...call)),
    }));
    const { closed } = work(bed, never, { grace: "3s" });
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(100);
    isCorrupt = true;
    await bed.sluice.publish("mail", 2);
    await bed.clock.advance(5000);
    expect(closed.end).toMatchObject({ code: "STORE_CORRUPT" });
    expect(bed.clock.armedTimers).toBe(0);
  });
});

describe("exitWhenIdleMs", () => {
  test("ends the worker once nothing has come for so long", async () => {
    const bed = memoryBed();
    const { worker, closed } = work(bed, () => undefined, { exitWhenIdleMs: 10_000 });
    await bed.clock.advance(9000);
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(9999);
    expect(closed.end).toBeNull();
    await bed.clock.advance(100);
    expect(closed.end).toBe("closed");
    expect(worker.completed).toBe(1);
    expect(bed.clock.armedTimers).toBe(0);
  });

  test("counts from the end of a job, however long it ran", async () => {
    const bed = memoryBed();
    const { closed } = work(bed, () => sleep(bed.clock, 25_000), { exitWhenIdleMs: 10_000 });
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(34_000);
    expect(closed.end).toBeNull();
    await bed.clock.advance(11_000);
    expect(closed.end).toBe("closed");
  });

  test("of 0 works off what is there and ends", async () => {
    const bed = memoryBed();
    const run = vi.fn();
    await bed.sluice.publishMany("mail", [1, 2, 3]);
    const { closed } = work(bed, run, { exitWhenIdleMs: 0, concurrency: 1 });
    await bed.clock.advance(1000);
    expect(run).toHaveBeenCalledTimes(3);
    expect(closed.end).toBe("closed");
  });

  test("does not take a broker that fails for an empty one", async () => {
    let isAway = true;
    const bed = memoryBed((driver) => ({
      ...driver,
      async receive(...call) {
        if (isAway) throw new SluiceError("STORE_UNAVAILABLE", "broker away");
        return driver.receive(...call);
      },
    }));
    const run = vi.fn();
    await bed.sluice.publish("mail", 1);
    const { closed } = work(bed, run, { exitWhenIdleMs: 10_000 });
    await bed.clock.advance(60_000);
    expect(closed.end).toBeNull();
    isAway = false;
    await bed.clock.advance(20_000);
    expect(run).toHaveBeenCalledTimes(1);
    expect(closed.end).toBe("closed");
  });
});
