export * from "./explain.ts";
export type * from "./explanation.ts";
export { triggerFacts } from "./trigger-facts.ts";
export * from "./work-through.ts";
