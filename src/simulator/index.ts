export * from "./bound/lower-bound.ts";
export * from "./compare.ts";
export * from "./distribution.ts";
export type * from "./engine/models.ts";
export type * from "./engine/policy.ts";
export { type Outcome, type SimulationOptions, simulate } from "./engine/simulation.ts";
export * from "./html/page.ts";
export type { CsvLoadOptions } from "./loads/csv-load.ts";
export * from "./loads/load.ts";
export * from "./loads/open-load.ts";
export * from "./loads/recording.ts";
export * from "./loads/workloads.ts";
export * from "./policies/backlog.ts";
export * from "./policies/decide.ts";
export * from "./policies/fixed.ts";
export * from "./policies/job-objective.ts";
export * from "./policies/objective.ts";
export * from "./policies/scaled-job.ts";
export * from "./policies/scaled-object.ts";
export * from "./random.ts";
export * from "./report.ts";
export * from "./simulate-shared.ts";
export * from "./tune/attribution.ts";
export type { TuneSubject } from "./tune/evaluate.ts";
export {
  type TunableObject,
  type TunedField,
  tunedFields,
  withValues,
} from "./tune/object-parameter.ts";
export {
  annotatedFields,
  annotatedPolicyOf,
  annotatedWith,
  objectiveWith,
} from "./tune/objective-tunable.ts";
export type { Parameter, Setting } from "./tune/parameter.ts";
export { scaledJobParameters } from "./tune/scaled-job-tunable.ts";
export { scaledObjectParameters } from "./tune/scaled-object-tunable.ts";
export type { Score } from "./tune/search.ts";
export * from "./tune/tune.ts";
