import { describe, expect, test } from "vitest";
import { defineJob } from "./job.ts";

describe("defineJob", () => {
  test("decides retry policy and time-out once, for the job and its handler", () => {
    const job = defineJob("resize", { retry: { attempts: 3 }, timeout: "2m" });
    const handler = job.handle(() => undefined);
    expect(job).toMatchObject({ queue: "resize", retry: { attempts: 3 }, timeoutMs: 120_000 });
    expect(handler).toMatchObject({ queue: "resize", retry: job.retry, timeoutMs: 120_000 });
  });

  test("has no time-out unless one is given", () => {
    expect(defineJob("resize").timeoutMs).toBeNull();
  });

  test.each([
    ["a bad queue name", () => defineJob("a b"), "QUEUE_NAME_INVALID"],
    ["no attempts", () => defineJob("a", { retry: { attempts: 0 } }), "OPTION_INVALID"],
    ["a bad time-out", () => defineJob("a", { timeout: "soon" }), "DURATION_INVALID"],
    ["a time-out that no job can keep", () => defineJob("a", { timeout: 0 }), "OPTION_INVALID"],
    [
      "a body format that does not exist",
      () => defineJob("a", { body: "xml" as unknown as "json" }),
      "OPTION_INVALID",
    ],
  ])("refuses %s", (_what, define, code) => {
    expect(define).toThrow(expect.objectContaining({ code }));
  });

  test("hands the handler's result on, also of one that is not async", async () => {
    const job = defineJob<number>("double").handle((input) => input * 2);
    expect(await job.run(4, {} as never)).toBe(8);
  });

  test("turns a handler that throws at once into a rejection", async () => {
    const job = defineJob("fails").handle(() => {
      throw new Error("no");
    });
    await expect(job.run(1, {} as never)).rejects.toThrow("no");
  });
});
