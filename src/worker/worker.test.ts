import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { type MemoryBed, memoryBed, seededRandom } from "../../test/support/memory-bed.ts";
import { defineJob, type JobHandler, SluiceError, sleep } from "../core/index.ts";
import { defineWorker, type WorkerOptions } from "./define-worker.ts";
import { type StartOptions, startWorker } from "./worker.ts";

function work(bed: MemoryBed, handlers: readonly JobHandler[], more: Partial<WorkerOptions> = {}) {
  const options: StartOptions = { random: seededRandom(1) };
  return startWorker(defineWorker({ handlers, ...more }), bed.sluice, options);
}

async function dead(bed: MemoryBed, queue: string) {
  return (await bed.sluice.deadLetters(queue)).map(({ id, reason, attempts }) => ({
    id,
    reason,
    attempts,
  }));
}

describe("concurrency", () => {
  test("is never exceeded, over all queues, and every job runs once", async () => {
    const bed = memoryBed();
    const random = seededRandom(7);
    const history: { readonly id: string; readonly event: "begin" | "end" }[] = [];
    const run = async (_input: unknown, job: { readonly id: string }) => {
      history.push({ id: job.id, event: "begin" });
      await sleep(bed.clock, Math.floor(random() * 300));
      history.push({ id: job.id, event: "end" });
    };
    const handlers = ["mail", "orders"].map((queue) => defineJob(queue).handle(run));
    const worker = work(bed, handlers, { concurrency: 4 });
    for (const queue of ["mail", "orders", "mail"]) {
      const inputs = Array.from({ length: 40 }, (_, index) => index);
      await bed.sluice.publishMany(queue, inputs, { delay: Math.floor(random() * 2000) });
      await bed.clock.advance(500);
    }
    await bed.clock.advance(60_000);

    let running = 0;
    const levels = history.map(({ event }) => {
      running += event === "begin" ? 1 : -1;
      return running;
    });
    expect(Math.max(...levels)).toBe(4);
    expect(new Set(history.map(({ id }) => id)).size).toBe(120);
    expect(history).toHaveLength(240);
    expect(worker).toMatchObject({ completed: 120, failed: 0, inFlight: 0 });
    await worker.drain();
  });

  test("gives a quiet queue its turn beside a busy one", async () => {
    const bed = memoryBed();
    const order: string[] = [];
    const handlers = ["busy", "quiet"].map((queue) =>
      defineJob(queue).handle(async () => {
        order.push(queue);
        await sleep(bed.clock, 100);
      }),
    );
    await bed.sluice.publishMany("busy", Array(200).fill(0));
    await bed.sluice.publishMany("quiet", Array(5).fill(0));
    const worker = work(bed, handlers, { concurrency: 1 });
    await bed.clock.advance(2000);
    expect(order.slice(0, 12).filter((queue) => queue === "quiet")).toHaveLength(5);
    void worker.drain(0);
    await bed.clock.advance(5000);
  });

  test("serves all queues also where the driver cannot wake the worker", async () => {
    const bed = memoryBed(({ watch: _, ...driver }) => driver);
    const done: number[] = [];
    const start = bed.clock.now();
    const idle = defineJob("idle").handle(() => undefined);
    const mail = defineJob("mail").handle(() => done.push(bed.clock.now() - start));
    await bed.sluice.publishMany("mail", [1, 2, 3, 4, 5]);
    const worker = work(bed, [idle, mail], { concurrency: 1 });
    await bed.clock.advance(60_000);
    expect(done).toHaveLength(5);
    expect(Math.max(...done)).toBeLessThan(6000);
    void worker.drain();
    await bed.clock.advance(5000);
  });
});

describe("a message that must not run", () => {
  test("because it is no JSON is dead-lettered at once with the reason", async () => {
    const bed = memoryBed();
    const run = vi.fn();
    const worker = work(bed, [defineJob("mail").handle(run)]);
    const encoded = { body: Buffer.from('{"to":'), headers: {} };
    await bed.sluice.publishEncoded("mail", encoded, { id: "poison" });
    await bed.clock.advance(100);
    expect(await dead(bed, "mail")).toEqual([
      {
        id: "poison",
        attempts: 1,
        reason: expect.stringMatching(/^BODY_UNDECODABLE: body must be JSON/),
      },
    ]);
    expect(run).not.toHaveBeenCalled();
    expect(worker.failed).toBe(1);
    await worker.drain();
  });

  test("because it does not match is dead-lettered in the schema's words; others run", async () => {
    const bed = memoryBed();
    const run = vi.fn();
    const input = z.object({ width: z.number("width must be a number") });
    const worker = work(bed, [defineJob("resize", { input }).handle(run)]);
    await bed.sluice.publish("resize", { width: "wide" });
    await bed.sluice.publish("resize", { width: 320 });
    await bed.clock.advance(100);
    const [letter] = await dead(bed, "resize");
    expect(letter?.reason).toMatch(/^INPUT_INVALID: .*width: width must be a number/);
    expect(run.mock.calls.map(([given]) => given)).toEqual([{ width: 320 }]);
    await worker.drain();
  });

  test("because its workers crashed too often is dead-lettered instead of crashing another", async () => {
    const bed = memoryBed();
    const run = vi.fn();
    await bed.sluice.publish("mail", 1, { id: "killer" });
    for (let crash = 1; crash <= 2; crash += 1) {
      await bed.driver.receive("mail", { max: 1, waitMs: 0, leaseMs: 1000 });
      await bed.clock.advance(1000);
    }
    const worker = work(bed, [defineJob("mail", { retry: { attempts: 2 } }).handle(run)]);
    await bed.clock.advance(100);
    expect(await dead(bed, "mail")).toEqual([
      {
        id: "killer",
        attempts: 3,
        reason: expect.stringMatching(/^given up after 2 of 2 attempts: .*crashed/),
      },
    ]);
    expect(run).not.toHaveBeenCalled();
    await worker.drain();
  });
});

describe("a message that took longer to arrive than its lease lasts", () => {
  test("is given back without having run, and comes again as the same attempt", async () => {
    let calls = 0;
    const outcomes: string[] = [];
    const bed: MemoryBed = memoryBed((driver) => ({
      ...driver,
      settle(queue, settlements) {
        outcomes.push(...settlements.map(({ outcome }) => outcome));
        return driver.settle(queue, settlements);
      },
      async receive(queue, request) {
        calls += 1;
        if (calls > 1) return driver.receive(queue, request);
        await sleep(bed.clock, 1000);
        const deliveries = await driver.receive(queue, request);
        await sleep(bed.clock, 29_500);
        return deliveries;
      },
    }));
    const attempts: [number, number][] = [];
    const start = bed.clock.now();
    const mail = defineJob("mail").handle((_input, job) => {
      attempts.push([job.attempt, bed.clock.now() - start]);
    });
    await bed.sluice.publish("mail", 1);
    const worker = work(bed, [mail], { lease: "30s" });
    await bed.clock.advance(60_000);
    expect(attempts).toEqual([[1, 30_500]]);
    expect(outcomes).toEqual(["release", "ack"]);
    expect(worker).toMatchObject({ completed: 1, failed: 0 });
    await worker.drain();
  });
});

describe("a job that fails", () => {
  test("is tried again with backoff and dead-lettered with its history", async () => {
    const bed = memoryBed();
    const mail = defineJob("mail", { retry: { attempts: 3, initial: "1s", jitter: "none" } });
    const seen: [number, number][] = [];
    const start = bed.clock.now();
    const handler = mail.handle((_input, job) => {
      seen.push([job.attempt, bed.clock.now() - start]);
      throw new Error(`boom ${job.attempt}`);
    });
    await bed.sluice.publish(mail, 1);
    const worker = work(bed, [handler]);
    await bed.clock.advance(60_000);
    expect(seen).toEqual([
      [1, 0],
      [2, 1000],
      [3, 3000],
    ]);
    const [letter] = await bed.sluice.deadLetters("mail");
    expect(letter?.reason).toBe("failed 3 of 3 attempts; the last: Error: boom 3");
    expect(letter?.history.map(({ attempt, error }) => [attempt, error])).toEqual([
      [1, "Error: boom 1"],
      [2, "Error: boom 2"],
      [3, "Error: boom 3"],
    ]);
    expect(worker).toMatchObject({ completed: 0, failed: 3 });
    await worker.drain();
  });

  test("with something that is no error keeps neither its slot nor the worker", async () => {
    const bed = memoryBed();
    const mail = defineJob("mail", { retry: { attempts: 1 } });
    const handler = mail.handle(() => Promise.reject(Object.create(null)));
    await bed.sluice.publishMany(mail, [1, 2, 3]);
    const worker = work(bed, [handler], { concurrency: 1 });
    await bed.clock.advance(1000);
    expect(await dead(bed, "mail")).toHaveLength(3);
    expect(worker.inFlight).toBe(0);
    await worker.drain();
  });
});

describe("activity", () => {
  test("is announced at the begin and the end of a job, until the listener is taken back", async () => {
    const bed = memoryBed();
    const worker = work(bed, [defineJob("mail").handle(() => undefined)]);
    const seen: number[] = [];
    const cancel = worker.onActivity(() => seen.push(worker.inFlight));
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(10);
    expect(seen).toEqual([1, 0]);
    cancel();
    await bed.sluice.publish("mail", 1);
    await bed.clock.advance(10);
    expect(seen).toEqual([1, 0]);
    await worker.drain();
  });

  test("listeners that throw disturb neither jobs nor slots", async () => {
    const bed = memoryBed();
    const run = vi.fn();
    const worker = work(bed, [defineJob("mail").handle(run)], { concurrency: 2 });
    worker.onActivity(() => {
      throw new SluiceError("OPTION_INVALID", "a bug of the listener");
    });
    await bed.sluice.publishMany("mail", [1, 2, 3, 4, 5]);
    await bed.clock.advance(1000);
    expect(run).toHaveBeenCalledTimes(5);
    expect(worker).toMatchObject({ completed: 5, inFlight: 0 });
    await worker.drain();
  });
});
