import type { Policy } from "../engine/policy.ts";

/** The same count from beginning to end: what many people run, and what theory speaks of. */
export function fixedPolicy(replicas: number): Policy {
  return {
    name: `fixed ${replicas}`,
    start: (plant) => plant.scale(replicas),
  };
}
