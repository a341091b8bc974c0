export * from "./backlog-policy.ts";
export * from "./decision.ts";
export * from "./engine.ts";
export * from "./period.ts";
export * from "./scale-options.ts";
export * from "./target.ts";
export * from "./trigger.ts";
export * from "./triggers/queue-depth.ts";
