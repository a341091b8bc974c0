export * from "./explain.ts";
export { triggerFacts } from "./trigger-facts.ts";
