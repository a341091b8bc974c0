export * from "./check-objective.ts";
export * from "./decide-by-objective.ts";
export type * from "./objective-bounds.ts";
export * from "./objective-engine.ts";
export * from "./objective-policy.ts";
export * from "./objective-state.ts";
export * from "./remember-objective.ts";
export * from "./share-replicas.ts";
export * from "./shared-cap.ts";
