export * from "./scaled-job-engine.ts";
export * from "./scaled-object-engine.ts";
export type * from "./scaler-engine.ts";
