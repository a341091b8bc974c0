import { describe, expect, test } from "vitest";
import { defineJob, type JobHandler } from "../core/index.ts";
import { defineWorker, isWorkerDefinition, type WorkerOptions } from "./define-worker.ts";

const handler = defineJob("mail").handle(() => undefined);

describe("defineWorker", () => {
  test("fills in the defaults", () => {
    expect(defineWorker({ handlers: [handler] })).toEqual({
      kind: "sluice.worker",
      handlers: [handler],
      concurrency: 10,
      leaseMs: 30_000,
      graceMs: 30_000,
      middleware: [],
      scale: {},
    });
  });

  test("reads durations and takes what is given", () => {
    const middleware = [async (_job: unknown, next: () => Promise<unknown>) => next()];
    const scale = { maxReplicaCount: 3 };
    const options = { handlers: [handler], concurrency: 1, lease: "100ms", grace: 0 };
    expect(defineWorker({ ...options, middleware, scale })).toMatchObject({
      concurrency: 1,
      leaseMs: 100,
      graceMs: 0,
      middleware,
      scale,
    });
  });

  test.each<[string, Partial<WorkerOptions>, string, RegExp]>([
    ["no slots", { concurrency: 0 }, "OPTION_INVALID", /^concurrency/],
    ["half a slot", { concurrency: 1.5 }, "OPTION_INVALID", /^concurrency/],
    ["endless slots", { concurrency: Number.POSITIVE_INFINITY }, "OPTION_INVALID", /^concurrency/],
    ["a text for slots", { concurrency: "4" as unknown as number }, "OPTION_INVALID", /^concurr/],
    ["a lease shorter than a pause", { lease: 99 }, "OPTION_INVALID", /^lease .* got 99/],
    ["a lease that is none", { lease: "long" }, "DURATION_INVALID", /^lease/],
    ["a grace that is none", { grace: -1 }, "DURATION_INVALID", /^grace/],
    ["no handlers", { handlers: [] }, "OPTION_INVALID", /^handlers must hold at least one/],
    ["two handlers of a queue", { handlers: [handler, handler] }, "OPTION_INVALID", /mail has two/],
    [
      "a job in place of its handler",
      { handlers: [handler, defineJob("x") as unknown as JobHandler] },
      "OPTION_INVALID",
      /^handlers\[1\] must be a handler; got object\. Make one with defineJob/,
    ],
    [
      "a handler that was not exported",
      { handlers: [undefined as unknown as JobHandler] },
      "OPTION_INVALID",
      /^handlers\[0\] must be a handler; got undefined/,
    ],
    [
      "a handler with a bad queue name",
      { handlers: [{ ...handler, queue: "a b" }] },
      "QUEUE_NAME_INVALID",
      /"a b"/,
    ],
  ])("refuses %s", (_what, options, code, message) => {
    expect(() => defineWorker({ handlers: [handler], ...options })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});

describe("isWorkerDefinition", () => {
  test("recognises a definition, also one of another copy of the package", () => {
    const definition = defineWorker({ handlers: [handler] });
    expect(isWorkerDefinition(definition)).toBe(true);
    expect(isWorkerDefinition(structuredClone({ ...definition, handlers: [] }))).toBe(true);
  });

  test.each([undefined, null, "worker", {}, { kind: "worker" }, () => undefined])(
    "does not take %j for one",
    (value) => {
      expect(isWorkerDefinition(value)).toBe(false);
    },
  );
});
