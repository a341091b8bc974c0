import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatMs, toMs } from "./duration.ts";

describe("toMs reads", () => {
  test.each([
    [0, 0],
    [1500, 1500],
    [0.4, 0],
    [1.6, 2],
    ["0s", 0],
    ["250ms", 250],
    ["30s", 30_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["1d", 86_400_000],
    ["1.5s", 1500],
    ["1h30m", 5_400_000],
    ["1m1ms", 60_001],
    ["30m1h", 5_400_000],
    ["00030s", 30_000],
  ])("%j as %d milliseconds", (duration, ms) => {
    expect(toMs(duration)).toBe(ms);
  });

  test("what whole units add up to, in any order", () => {
    const unit = fc.constantFrom(["ms", 1], ["s", 1000], ["m", 60_000], ["h", 3_600_000] as const);
    const parts = fc.array(fc.tuple(fc.nat(10_000), unit), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(parts, (chosen) => {
        const text = chosen.map(([amount, [name]]) => `${amount}${name}`).join("");
        const sum = chosen.reduce((ms, [amount, [, size]]) => ms + amount * Number(size), 0);
        expect(toMs(text)).toBe(sum);
      }),
    );
  });
});

describe("toMs refuses", () => {
  test.each([
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    "",
    " ",
    "30",
    "30 s",
    " 30s",
    "30s ",
    "30s\n",
    "-30s",
    "+30s",
    "1e3s",
    ".5s",
    "5.s",
    "30S",
    "30sec",
    "1w",
    "s",
    "1h-30m",
    `${"9".repeat(400)}d`,
  ])("%j", (duration) => {
    expect(() => toMs(duration)).toThrow(expect.objectContaining({ code: "DURATION_INVALID" }));
  });

  test.each([null, undefined, {}, [], true, 5n, Symbol("s"), Object.create(null), ["30s"]])(
    "a value of another type: case %#",
    (duration) => {
      expect(() => toMs(duration as string)).toThrow(
        expect.objectContaining({ code: "DURATION_INVALID" }),
      );
    },
  );

  test("and names the option, shows what came and says what to write", () => {
    expect(() => toMs(Number.NaN, "lease")).toThrow(/^lease must be .*got NaN\. Write 250ms, 30s/);
    expect(() => toMs("soon", "delay")).toThrow(/^delay must be .*got "soon"\./);
  });

  test("without putting a text of any length into the message", () => {
    expect(() => toMs("x".repeat(100_000))).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{0,300}$/) }),
    );
  });
});

describe("formatMs", () => {
  test.each([
    [0, "0ms"],
    [849.6, "850ms"],
    [999, "999ms"],
    [999.9, "1.0s"],
    [12_340, "12.3s"],
    [59_940, "59.9s"],
    [59_999, "1m 0s"],
    [60_000, "1m 0s"],
    [250_000, "4m 10s"],
    [3_599_999, "59m 59s"],
    [7_500_000, "2h 5m"],
    [273_600_000, "3d 4h"],
  ])("shows %d ms as %s", (ms, text) => {
    expect(formatMs(ms)).toBe(text);
  });
});
