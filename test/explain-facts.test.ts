/** What `sluice explain` knows of triggers is what the triggers declare themselves. */
import { describe, expect, test } from "vitest";
import { triggerFacts } from "../src/scaler/index.ts";
import { loadTriggerTypes } from "../src/triggers/index.ts";

const types = await loadTriggerTypes();

test("every type that is measured is explained, and no other claims to be", () => {
  const explained = Object.keys(triggerFacts).filter(
    (name) => triggerFacts[name]?.isMeasured !== false,
  );
  expect(explained.sort()).toEqual(types.map(({ type }) => type).sort());
});

describe.each(types.map((type) => [type.type, type] as const))("%s", (name, { keys }) => {
  const facts = triggerFacts[name];
  const metadata = [{}, { lagCount: "5", consumerGroup: "g" }, { queueLength: "5" }];
  const named = [...metadata.map((one) => facts?.target(one)?.key), facts?.activation?.key];

  test("has the keys of target and activation that are told of", () => {
    const known = Object.keys(keys);
    expect(named.filter((key) => key !== undefined && !known.includes(key))).toEqual([]);
  });
});
