import type { Driver, SupportName } from "../../core/index.ts";

/** The methods that a capability promises. */
export const methodsOf: Readonly<Partial<Record<SupportName, readonly (keyof Driver)[]>>> = {
  leaseExtension: ["extend"],
  wakeUp: ["watch"],
  deadLetters: ["deadLetters", "redrive", "purgeDeadLetters"],
  browse: ["peek"],
  transactions: ["publishWithin"],
};
