export { driverConformance } from "./cases.ts";
export type {
  ConformanceCase,
  ConformanceContext,
  Need,
  Requirement,
} from "./conformance-case.ts";
export { type Leftovers, type RecordedUse, recordUse } from "./recorded-use.ts";
export {
  type ConformanceOptions,
  type ConformanceResult,
  type ConformanceSubject,
  runConformance,
  runConformanceCase,
} from "./run-conformance.ts";
