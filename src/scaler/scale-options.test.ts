import { expect, test } from "vitest";
import type { ScaleOptions } from "../core/index.ts";
import { toBacklogPolicy } from "./scale-options.ts";

test("fills in defaults for one machine", () => {
  expect(toBacklogPolicy()).toEqual({
    minReplicaCount: 0,
    maxReplicaCount: 10,
    messageCount: 5,
    activationMessageCount: 0,
    cooldownMs: 10_000,
    stabilizationMs: 3000,
    pollingIntervalMs: 1000,
  });
});

const refused: readonly [string, ScaleOptions, string][] = [
  ["a minimum above the maximum", { minReplicaCount: 3, maxReplicaCount: 2 }, "minReplicaCount"],
  ["a minimum above the default maximum", { minReplicaCount: 11 }, "minReplicaCount"],
  ["a negative minimum", { minReplicaCount: -1 }, "minReplicaCount"],
  ["a maximum of zero", { maxReplicaCount: 0 }, "maxReplicaCount"],
  ["a broken number of replicas", { maxReplicaCount: 1.5 }, "maxReplicaCount"],
  ["no messages per replica", { messageCount: 0 }, "messageCount"],
  [
    "an activation that is not a number",
    { activationMessageCount: Number.NaN },
    "activationMessageCount",
  ],
  ["polling without a pause", { pollingInterval: 0 }, "pollingInterval"],
];

test.each(refused)("refuses %s", (_what, options, named) => {
  expect(() => toBacklogPolicy(options)).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringContaining(named) }),
  );
});
