import { describe, expect, test } from "vitest";
import { SluiceError } from "./errors.ts";
import { createLogger, formatEntry, type LogEntry, type LogLevel } from "./logger.ts";

describe("createLogger", () => {
  test.each<[LogLevel, readonly string[]]>([
    ["debug", ["debug", "info", "warn", "error"]],
    ["warn", ["warn", "error"]],
    ["error", ["error"]],
    ["silent", []],
  ])("at %s writes %j", (level, written) => {
    const entries: LogEntry[] = [];
    const log = createLogger(level, (entry) => entries.push(entry));
    log.debug("a");
    log.info("a");
    log.warn("a", { queue: "q" });
    log.error("a");
    expect(entries.map((entry) => entry.level)).toEqual(written);
  });
});

describe("formatEntry", () => {
  const format = (fields: LogEntry["fields"]) =>
    formatEntry({ level: "warn", message: "it happened", fields }, 0);

  test.each([
    ["a word as it is", { queue: "mail" }, "queue=mail"],
    ["a text with a space in quotes", { reason: "too late" }, 'reason="too late"'],
    ["a line break escaped, so that no entry can fake another", { id: "a\nb" }, 'id="a\\nb"'],
    ["a number", { attempt: 3 }, "attempt=3"],
    ["an object as JSON", { a: { b: 1 } }, 'a={"b":1}'],
    ["nothing", { a: undefined }, "a=undefined"],
    ["an error by its message", { error: new Error("no") }, 'error="no"'],
    ["our error with its code", { error: new SluiceError("CLOSED", "x") }, 'error="CLOSED: x"'],
  ])("shows %s", (_what, fields, text) => {
    expect(format(fields)).toBe(`1970-01-01T00:00:00.000Z warn it happened ${text}`);
  });

  test("shows what JSON cannot hold rather than throw", () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(format({ circular, big: 5n })).toMatch(/ circular=.+ big=.*5/);
  });
});
