import { describe, expect, test } from "vitest";
import { describeError, errorTable, isSluiceError, SluiceError } from "./errors.ts";

describe("SluiceError", () => {
  test("takes retryable from the table of codes unless the thrower knows better", () => {
    expect(new SluiceError("STORE_BUSY", "busy").retryable).toBe(true);
    expect(new SluiceError("CLOSED", "closed").retryable).toBe(false);
    expect(new SluiceError("STORE_BUSY", "busy", { retryable: false }).retryable).toBe(false);
    expect(new SluiceError("DRIVER_FAILED", "no", { retryable: true }).retryable).toBe(true);
  });

  test("keeps the foreign error as its cause, and has none when there is none", () => {
    const cause = new Error("socket hang up");
    expect(new SluiceError("DRIVER_FAILED", "failed", { cause }).cause).toBe(cause);
    expect("cause" in new SluiceError("DRIVER_FAILED", "failed")).toBe(false);
  });

  test("is an Error with a stack that names it", () => {
    const error = new SluiceError("CLOSED", "the door is shut");
    expect(error).toBeInstanceOf(Error);
    expect(error.stack).toContain("the door is shut");
    expect(error.name).toBe("SluiceError");
  });
});

describe("errorTable", () => {
  test.each(Object.entries(errorTable))("%s has a sentence and sane statuses", (_code, kind) => {
    expect(kind.summary).toMatch(/^[A-Z].*\.$/);
    expect(kind.exit).toBeGreaterThan(0);
    expect(kind.exit).toBeLessThan(128);
    expect(kind.http).toBeGreaterThanOrEqual(400);
    expect(kind.http).toBeLessThan(600);
  });
});

describe("isSluiceError", () => {
  test("recognises an error of another copy of the package by its shape", () => {
    const foreign = Object.assign(new Error("full"), { name: "SluiceError", code: "STORE_FULL" });
    expect(isSluiceError(foreign)).toBe(true);
  });

  test.each([
    ["a plain error", new Error("no")],
    ["an error with a code of its own", Object.assign(new Error("no"), { code: "ENOENT" })],
    ["our name without a code", Object.assign(new Error("no"), { name: "SluiceError" })],
    [
      "our name with a code that only looks known because every object has it",
      Object.assign(new Error("no"), { name: "SluiceError", code: "toString" }),
    ],
    ["an object that is no error", { name: "SluiceError", code: "CLOSED", message: "no" }],
    ["nothing", undefined],
    ["null", null],
  ])("does not take %s for ours", (_what, value) => {
    expect(isSluiceError(value)).toBe(false);
  });
});

describe("describeError", () => {
  test.each([
    ["our error", new SluiceError("CLOSED", "shut"), "CLOSED: shut"],
    ["a foreign error", new TypeError("x is undefined"), "TypeError: x is undefined"],
    ["a text", "just words", "just words"],
    ["nothing", undefined, "undefined"],
    ["a number", 42, "42"],
    ["an object", { status: 503, reason: "busy" }, "{ status: 503, reason: 'busy' }"],
  ])("shows %s", (_what, thrown, text) => {
    expect(describeError(thrown)).toBe(text);
  });

  test.each([
    ["an object without a prototype", Object.create(null)],
    ["a symbol", Symbol("stop")],
    [
      "an object whose toString throws",
      {
        toString() {
          throw new Error("no");
        },
      },
    ],
  ])("shows %s rather than throw itself", (_what, thrown) => {
    expect(describeError(thrown)).toEqual(expect.any(String));
  });
});
