export * from "./explain.ts";
export { triggerFacts } from "./trigger-facts.ts";
export * from "./work-through.ts";
