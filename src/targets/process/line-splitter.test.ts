import { expect, test } from "vitest";
import { createLineSplitter } from "./line-splitter.ts";

function split(...chunks: readonly string[]): readonly string[] {
  const lines: string[] = [];
  const splitter = createLineSplitter((line) => lines.push(line));
  for (const chunk of chunks) splitter.write(chunk);
  splitter.end();
  return lines;
}

test("joins pieces into lines and takes line ends off", () => {
  expect(split("one\ntw", "o\r\n", "\n", "three")).toEqual(["one", "two", "", "three"]);
});

test("hands over an endless line in pieces instead of keeping it", () => {
  const lines = split("x".repeat(100_000), "x".repeat(100_000));
  expect(lines.join("")).toHaveLength(200_000);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(64 * 1024);
});
