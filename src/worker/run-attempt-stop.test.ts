import { describe, expect, test, vi } from "vitest";
import { memoryBed } from "../../test/support/memory-bed.ts";
import { delivery } from "../../test/support/stub-driver.ts";
import { defineJob, type Job, type JobOptions } from "../core/index.ts";
import { startAttempt } from "./run-attempt.ts";
import type { AttemptEnd } from "./settlement.ts";

/** Starts an attempt and tells how it ended, or null while it has not. */
function start(run: (job: Job) => unknown, options: JobOptions = {}) {
  const { clock, log, sluice } = memoryBed();
  const handler = defineJob("mail", options).handle((_input, job) => run(job));
  const context = { sluice, clock, logger: log, middleware: [] };
  const attempt = startAttempt(delivery(), handler, context);
  const state = { ended: null as AttemptEnd | null };
  void attempt.ended.then((ended) => {
    state.ended = ended;
  });
  return { attempt, clock, log, state };
}

const never = () => new Promise<never>(() => undefined);
/** Ends with `how` once it is asked to. */
const onAbort = <T>(job: Job, how: () => T) =>
  new Promise<T>((resolve, reject) => {
    job.signal.addEventListener("abort", () => {
      try {
        resolve(how());
      } catch (error) {
        reject(error);
      }
    });
  });

describe("a time-out", () => {
  test("aborts the signal with its error and fails the attempt", async () => {
    const { clock, state } = start((job) => onAbort(job, () => job.signal.throwIfAborted()), {
      timeout: "2s",
    });
    await clock.advance(1999);
    expect(state.ended).toBeNull();
    await clock.advance(1);
    expect(state.ended).toMatchObject({ end: "failed", error: { code: "HANDLER_TIMEOUT" } });
    expect(clock.armedTimers).toBe(0);
  });

  test("is the failure also when the handler ends with an error of its own", async () => {
    const throwOther = () => {
      throw new Error("socket closed");
    };
    const { clock, state } = start((job) => onAbort(job, throwOther), { timeout: 1 });
    await clock.advance(1);
    expect(state.ended).toMatchObject({ end: "failed", error: { code: "HANDLER_TIMEOUT" } });
  });

  test("abandons a handler that ignores its signal after five seconds, and says so", async () => {
    const { clock, state, log } = start(never, { timeout: "2s" });
    await clock.advance(6999);
    expect(state.ended).toBeNull();
    await clock.advance(1);
    expect(state.ended).toMatchObject({ end: "failed", error: { code: "HANDLER_TIMEOUT" } });
    expect(log.messages("warn")).toEqual([
      "a stopped handler goes on; not waiting for it any longer",
    ]);
  });

  test("also ends an attempt whose decoding never ends", async () => {
    const { clock, log, sluice } = memoryBed();
    const plain = defineJob("mail", { timeout: "2s" }).handle(() => undefined);
    const context = { sluice, clock, logger: log, middleware: [] };
    const attempt = startAttempt(delivery(), { ...plain, decode: never }, context);
    await clock.advance(7000);
    expect(await attempt.ended).toMatchObject({ error: { code: "HANDLER_TIMEOUT" } });
  });

  test("does not undo a success that comes after it", async () => {
    const { clock, state } = start((job) => onAbort(job, () => "made it"), { timeout: "2s" });
    await clock.advance(2000);
    expect(state.ended).toEqual({ end: "returned", value: "made it" });
  });

  test("does not undo what the handler asks for after it", async () => {
    const { clock, state } = start((job) => onAbort(job, () => job.deadLetter("too large")), {
      timeout: "2s",
    });
    await clock.advance(2000);
    expect(state.ended).toMatchObject({ value: { outcome: "dead-letter", reason: "too large" } });
  });
});

describe("leaving", () => {
  test("gives the job back when the handler ends with an error", async () => {
    const { attempt, clock, state } = start((job) =>
      onAbort(job, () => job.signal.throwIfAborted()),
    );
    await clock.advance(0);
    attempt.stop("leaving");
    await clock.advance(0);
    expect(state.ended).toEqual({ end: "left" });
  });

  test("before the handler has begun keeps it from beginning", async () => {
    const run = vi.fn();
    const { attempt, clock, state } = start(run);
    attempt.stop("leaving");
    await clock.advance(0);
    expect(state.ended).toEqual({ end: "left" });
    expect(run).not.toHaveBeenCalled();
  });

  test("gives the job back after one second when the handler goes on", async () => {
    const { attempt, clock, state } = start(never);
    await clock.advance(0);
    attempt.stop("leaving");
    await clock.advance(999);
    expect(state.ended).toBeNull();
    await clock.advance(1);
    expect(state.ended).toEqual({ end: "left" });
  });

  test("tells the handler why", async () => {
    const reason = vi.fn();
    const { attempt, clock } = start((job) => onAbort(job, () => reason(job.signal.reason)));
    await clock.advance(0);
    attempt.stop("leaving");
    await clock.advance(0);
    expect(reason).toHaveBeenCalledWith(expect.objectContaining({ code: "ABORTED" }));
  });

  test("keeps a job's time-out from counting as a failure afterwards", async () => {
    const { attempt, clock, state } = start(never, { timeout: 500 });
    await clock.advance(0);
    attempt.stop("leaving");
    await clock.advance(1000);
    expect(state.ended).toEqual({ end: "left" });
    expect(clock.armedTimers).toBe(0);
  });
});

describe("a lost lease", () => {
  test("aborts the signal with its error and fails the attempt", async () => {
    const { attempt, clock, state } = start((job) =>
      onAbort(job, () => job.signal.throwIfAborted()),
    );
    await clock.advance(0);
    attempt.stop("lease lost");
    attempt.stop("leaving");
    await clock.advance(0);
    expect(state.ended).toMatchObject({ end: "failed", error: { code: "LEASE_LOST" } });
  });

  test("after the end of the attempt changes nothing, arms nothing and says nothing", async () => {
    let signal: AbortSignal | undefined;
    const { attempt, clock, state, log } = start((job) => {
      signal = job.signal;
    });
    await clock.advance(0);
    attempt.stop("lease lost");
    expect(clock.armedTimers).toBe(0);
    await clock.advance(60_000);
    expect(state.ended).toEqual({ end: "returned", value: undefined });
    expect(signal?.aborted).toBe(false);
    expect(log.entries).toEqual([]);
  });
});
