import { describe, expect, test } from "vitest";
import {
  appendFailure,
  checkHeaders,
  type Failure,
  failureTextLimit,
  historyLimit,
} from "./message.ts";

describe("checkHeaders", () => {
  test("makes names lower case and leaves values as they are", () => {
    expect(checkHeaders({ "X-Trace": "Ab C", tenant: "" }, 1000)).toEqual({
      "x-trace": "Ab C",
      tenant: "",
    });
  });

  test.each([
    ["an empty name", { "": "x" }],
    ["a name with a space", { "a b": "x" }],
    ["a name with a line break", { "a\n": "x" }],
    ["a name with a colon", { "a:b": "x" }],
    ["a name beyond ASCII", { größe: "x" }],
    ["a name of 101 characters", { ["n".repeat(101)]: "x" }],
    ["a name of ours", { "sluice-attempt": "x" }],
    ["a name of ours in capitals", { "Sluice-Attempt": "x" }],
    ["a value with a line break", { a: "x\r\ny: z" }],
    ["a value with NUL", { a: "x\0" }],
    ["a value with half of a surrogate pair", { a: "x\ud83d" }],
    ["a number for a value", { a: 1 as unknown as string }],
    ["a bigint for a value", { a: 1n as unknown as string }],
    ["no value", { a: undefined as unknown as string }],
  ])("refuses %s", (_what, headers) => {
    expect(() => checkHeaders(headers, 1000)).toThrow(
      expect.objectContaining({ code: "HEADERS_INVALID" }),
    );
  });

  test("takes any well-formed unicode in values", () => {
    const headers = { city: "Köln 🌊" };
    expect(checkHeaders(headers, 1000)).toEqual(headers);
  });

  test("keeps a header that has the name of something every object has", () => {
    const headers = checkHeaders(JSON.parse('{"__proto__": "x", "constructor": "y"}'), 1000);
    expect(Object.entries(headers)).toEqual([
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
  });

  test("never shows a value, which may be a secret, in its error", () => {
    expect(() => checkHeaders({ authorization: "Bearer s3cr3t\n" }, 1000)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("s3cr3t") }),
    );
  });

  test("counts names and values in bytes, not characters, and takes exactly the limit", () => {
    expect(checkHeaders({ ab: "ü" }, 4)).toEqual({ ab: "ü" });
    expect(() => checkHeaders({ ab: "ü" }, 3)).toThrow(/may have 3 bytes; got 4/);
  });
});

describe("appendFailure", () => {
  const failure = (attempt: number, error = "boom"): Failure => ({ attempt, at: attempt, error });

  test("adds to the end and leaves the given history alone", () => {
    const history = Object.freeze([failure(1)]);
    expect(appendFailure(history, failure(2))).toEqual([failure(1), failure(2)]);
    expect(appendFailure(history, undefined)).toBe(history);
  });

  test("drops the oldest beyond the limit", () => {
    let history: readonly Failure[] = [];
    for (let attempt = 1; attempt <= historyLimit + 5; attempt += 1)
      history = appendFailure(history, failure(attempt));
    expect(history).toHaveLength(historyLimit);
    expect(history[0]?.attempt).toBe(6);
    expect(history.at(-1)?.attempt).toBe(historyLimit + 5);
  });

  test("cuts long texts", () => {
    const [kept] = appendFailure([], failure(1, "x".repeat(failureTextLimit + 1)));
    expect(kept?.error).toBe("x".repeat(failureTextLimit));
  });

  test("leaves a text that every store can take: no NUL, no half of a surrogate pair", () => {
    const cutInTheMiddle = `${"x".repeat(failureTextLimit - 1)}🌊`;
    const [cut, nul] = appendFailure(
      appendFailure([], failure(1, cutInTheMiddle)),
      failure(2, "a\0b\nc"),
    );
    expect(cut?.error).not.toMatch(/\p{Surrogate}/u);
    expect(cut?.error.length).toBeLessThanOrEqual(failureTextLimit);
    expect(nul?.error).toBe("a\ufffdb\nc");
  });
});
