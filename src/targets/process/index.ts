export * from "./pod-command.ts";
export * from "./process-jobs.ts";
export * from "./process-target.ts";
export * from "./protocol.ts";
export * from "./supervised.ts";
export type { ProcessTargetStats } from "./usage-meter.ts";
export type { OutputStream } from "./worker-process.ts";
