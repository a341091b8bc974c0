import { expect, test } from "vitest";
import { createId } from "./id.ts";

const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("an id is a UUID of version 7", () => {
  for (const now of [0, 1, Date.UTC(2026, 0, 1), Date.UTC(5000, 0, 1), 1.5])
    expect(createId(now)).toMatch(uuid7);
});

test("ids of later milliseconds sort after earlier ones", () => {
  const times = [0, 1, 15, 16, 65_535, 65_536, 2 ** 32, Date.UTC(2026, 0, 1)];
  const ids = times.map(createId);
  expect(ids.toSorted()).toEqual(ids);
});

test("ids of the same millisecond differ", () => {
  const ids = Array.from({ length: 1000 }, () => createId(5));
  expect(new Set(ids).size).toBe(1000);
});
