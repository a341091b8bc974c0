import { expect, test } from "vitest";
import { nearestTo, suggestion } from "./suggest.ts";

const known = ["minReplicaCount", "maxReplicaCount", "name", "type"];

test.each([
  ["minReplicaCont", "minReplicaCount"],
  ["minreplicacount", "minReplicaCount"],
  ["maxReplicas", null],
  ["nam", "name"],
  ["typ", "type"],
  ["zzz", null],
  ["", null],
  ["x".repeat(5000), null],
])("%s is nearest to %s", (word, nearest) => {
  expect(nearestTo(word, known)).toBe(nearest);
});

test("a suggestion is a sentence of its own, or nothing", () => {
  expect(suggestion("nmae", known)).toBe(" Did you mean name?");
  expect(suggestion("quite different", known)).toBe("");
});
