export * from "./decide-by-objective.ts";
export * from "./objective-policy.ts";
export * from "./objective-state.ts";
