export * from "./decide-jobs-by-objective.ts";
export * from "./job-objective-engine.ts";
export * from "./job-objective-policy.ts";
export * from "./job-objective-state.ts";
export { observeJobQueue } from "./observe-job-queue.ts";
