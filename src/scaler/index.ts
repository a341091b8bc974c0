export * from "./backlog-policy.ts";
export type * from "./connections.ts";
export * from "./decision.ts";
export * from "./engine.ts";
export * from "./period.ts";
export * from "./scale-options.ts";
export type * from "./scaler-trigger.ts";
export * from "./target.ts";
export * from "./trigger.ts";
