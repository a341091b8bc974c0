import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type MemoryBed, memoryBed } from "../../test/support/memory-bed.ts";
import { delivery, stubDriver } from "../../test/support/stub-driver.ts";
import { defineJob, type Job, type JobOptions, Sluice } from "../core/index.ts";
import type { Middleware } from "./define-worker.ts";
import { startAttempt } from "./run-attempt.ts";
import type { AttemptEnd } from "./settlement.ts";

/** Runs one delivery through a handler to its end. */
function attempt(
  run: (input: unknown, job: Job) => unknown,
  about: {
    readonly bed?: Pick<MemoryBed, "clock" | "log" | "sluice">;
    readonly middleware?: readonly Middleware[];
    readonly job?: JobOptions;
    readonly message?: Parameters<typeof delivery>[0];
  } = {},
): Promise<AttemptEnd> {
  const { clock, log, sluice } = about.bed ?? memoryBed();
  const handler = defineJob("mail", about.job).handle(run);
  const context = { sluice, clock, logger: log, middleware: about.middleware ?? [] };
  return startAttempt(delivery(about.message), handler, context).ended;
}

const refuse = () => {
  throw new Error("boom");
};

describe("an attempt", () => {
  test("returns what the handler returns", async () => {
    expect(await attempt(() => 7)).toEqual({ end: "returned", value: 7 });
    expect(await attempt(async () => undefined)).toEqual({ end: "returned", value: undefined });
  });

  test("fails with what the handler throws, at once or later", async () => {
    expect(await attempt(refuse)).toMatchObject({ end: "failed", error: { message: "boom" } });
    expect(await attempt(async () => refuse())).toMatchObject({ end: "failed" });
  });

  test("leaves no timer behind", async () => {
    const bed = memoryBed();
    await attempt(() => 7, { bed, job: { timeout: "1m" } });
    await attempt(refuse, { bed, job: { timeout: "1m" } });
    expect(bed.clock.armedTimers).toBe(0);
  });

  test("shows the handler everything about its job", async () => {
    const bed = memoryBed();
    const history = [{ attempt: 1, at: 5, error: "boom" }];
    const about = { id: "m7", attempt: 2, priority: 4, publishedAt: 1000, history };
    const message = { ...about, headers: { tenant: "eu" }, body: Buffer.from("[1]") };
    let seen: Job | undefined;
    const run = (input: unknown, job: Job) => {
      seen = job;
      job.log.info("working", { input });
    };
    await attempt(run, { bed, message, job: { retry: { attempts: 5 } } });
    expect(seen).toMatchObject({
      ...about,
      queue: "mail",
      maxAttempts: 5,
      headers: { tenant: "eu" },
      body: message.body,
      publishedAt: new Date(1000),
      sluice: bed.sluice,
    });
    expect(seen?.signal.aborted).toBe(false);
    const fields = { queue: "mail", id: "m7", attempt: 2, input: [1] };
    expect(bed.log.entries).toEqual([{ level: "info", message: "working", fields }]);
  });
});

describe("a message that cannot be decoded", () => {
  test("is refused, and the handler does not run", async () => {
    let ran = false;
    const run = () => {
      ran = true;
    };
    const ended = await attempt(run, { message: { body: Buffer.from("{") } });
    expect(ended).toMatchObject({ end: "refused", error: { code: "BODY_UNDECODABLE" } });
    expect(ran).toBe(false);
  });

  test("is refused in the words of its schema", async () => {
    const { clock, log, sluice } = memoryBed();
    const input = z.object({ width: z.number("must be a number") });
    const handler = defineJob("mail", { input }).handle(() => undefined);
    const context = { sluice, clock, logger: log, middleware: [] };
    const ended = await startAttempt(delivery(), handler, context).ended;
    expect(ended).toMatchObject({
      end: "refused",
      error: { code: "INPUT_INVALID", message: expect.stringContaining("must be a number") },
    });
  });

  test("because the schema itself failed may be tried again", async () => {
    const { clock, log, sluice } = memoryBed();
    const handler = defineJob("mail").handle(() => undefined);
    const decode = async () => refuse();
    const context = { sluice, clock, logger: log, middleware: [] };
    const ended = await startAttempt(delivery(), { ...handler, decode }, context).ended;
    expect(ended).toMatchObject({ end: "failed", error: { message: "boom" } });
  });
});

describe("what a handler asks for", () => {
  const retry = { outcome: "retry", delayMs: 20_000, reason: "rate limit" };
  const dead = { outcome: "dead-letter", reason: "no such user" };

  test.each<[string, (input: unknown, job: Job) => unknown, object]>([
    ["a retry it returns", (_input, job) => job.retryIn("20s", "rate limit"), retry],
    ["a retry it only calls for", (_input, job) => void job.retryIn("20s", "rate limit"), retry],
    ["a dead-letter it returns", (_input, job) => job.deadLetter("no such user"), dead],
    ["a dead-letter it only calls for", (_input, job) => void job.deadLetter("no such user"), dead],
    [
      "a dead-letter although it throws afterwards",
      (_input, job) => {
        job.deadLetter("no such user");
        throw new Error("boom");
      },
      dead,
    ],
    [
      "the last of several",
      (_input, job) => {
        job.retryIn("20s");
        return job.deadLetter("no such user");
      },
      dead,
    ],
    [
      "a retry with the error it throws as the reason, when it gave none",
      (_input, job) => {
        job.retryIn("20s");
        throw new Error("boom");
      },
      { outcome: "retry", delayMs: 20_000, reason: "Error: boom" },
    ],
    [
      "a retry with the reason it gave although it throws",
      (_input, job) => {
        job.retryIn("20s", "rate limit");
        throw new Error("boom");
      },
      retry,
    ],
  ])("counts: %s", async (_what, run, value) => {
    expect(await attempt(run)).toEqual({ end: "returned", value });
  });

  test("is a failure when the delay is none", async () => {
    const ended = await attempt((_input, job) => job.retryIn("soon"));
    expect(ended).toMatchObject({ end: "failed", error: { code: "DURATION_INVALID" } });
  });

  test("is a failure when the driver cannot delay for so long", async () => {
    const bed = { ...memoryBed(), sluice: new Sluice(stubDriver()) };
    const ended = await attempt((_input, job) => job.retryIn("2m"), { bed });
    expect(ended).toMatchObject({ end: "failed", error: { code: "OPTION_INVALID" } });
    expect(ended).toMatchObject({
      error: { message: "delay must be at most 60000 ms with stub; got 120000." },
    });
  });
});

describe("middleware", () => {
  test("runs around the handler, the first outermost, and sees the job", async () => {
    const steps: string[] = [];
    const layer =
      (name: string): Middleware =>
      async (job, next) => {
        steps.push(`${name} before ${job.id}`);
        const value = await next();
        steps.push(`${name} after ${value}`);
        return `${name}(${value})`;
      };
    const run = () => {
      steps.push("handler");
      return "x";
    };
    const ended = await attempt(run, { middleware: [layer("outer"), layer("inner")] });
    expect(steps).toEqual([
      "outer before m1",
      "inner before m1",
      "handler",
      "inner after x",
      "outer after inner(x)",
    ]);
    expect(ended).toEqual({ end: "returned", value: "outer(inner(x))" });
  });

  test("may keep the handler from running", async () => {
    const skip: Middleware = async (job) => job.deadLetter("switched off");
    const ended = await attempt(refuse, { middleware: [skip] });
    expect(ended).toMatchObject({ value: { outcome: "dead-letter", reason: "switched off" } });
  });

  test("may turn a failure into something else", async () => {
    const forgive: Middleware = (_job, next) => next().catch(() => "forgiven");
    const ended = await attempt(refuse, { middleware: [forgive] });
    expect(ended).toEqual({ end: "returned", value: "forgiven" });
  });

  test("that throws fails the attempt, also when it does so at once", async () => {
    const ended = await attempt(() => 7, { middleware: [refuse] });
    expect(ended).toMatchObject({ end: "failed", error: { message: "boom" } });
  });
});
