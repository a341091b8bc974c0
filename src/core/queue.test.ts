import { describe, expect, test } from "vitest";
import { checkQueueName, maxQueueNameLength } from "./queue.ts";

describe("checkQueueName", () => {
  test.each([
    "a",
    "9",
    "_private",
    "resize",
    "mail.welcome",
    "Orders-2026",
    "tenants/7/orders",
    "urn:orders:eu",
    "x".repeat(maxQueueNameLength),
  ])("takes %s as it is, also the second time", (name) => {
    expect(checkQueueName(name)).toBe(name);
    expect(checkQueueName(name)).toBe(name);
  });

  test.each([
    "",
    " ",
    "a b",
    " a",
    "a ",
    "a\n",
    "a\nb",
    "a\0",
    'a"b',
    "a'b",
    "a`b",
    "'; drop table jobs; --",
    "{}",
    "{a}",
    "a*",
    "a>",
    "a\\b",
    "a?b",
    "a#b",
    "a%20b",
    "-a",
    ".a",
    "/a",
    ":a",
    "größe",
    "キュー",
    "a\u200b",
    "🌊",
    "x".repeat(maxQueueNameLength + 1),
    "x".repeat(300),
  ])("refuses %j", (name) => {
    expect(() => checkQueueName(name)).toThrow(
      expect.objectContaining({ code: "QUEUE_NAME_INVALID" }),
    );
  });

  test.each([null, undefined, 7, {}, ["a"], Symbol("a"), new String("a")])(
    "refuses a value that is no text: case %#",
    (name) => {
      expect(() => checkQueueName(name as string)).toThrow(
        expect.objectContaining({ code: "QUEUE_NAME_INVALID" }),
      );
    },
  );

  test("says what is allowed and what came, on one short line", () => {
    const name = `no\n${"x".repeat(5000)}`;
    expect(() => checkQueueName(name)).toThrow(/^queue name must be 1 to 128 letters.{1,300}$/);
    expect(() => checkQueueName("a b")).toThrow('got "a b"');
  });
});
