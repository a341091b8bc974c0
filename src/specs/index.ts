export type * from "./object-meta.ts";
export type * from "./scaled-job.ts";
export type * from "./scaled-object.ts";
export type * from "./scaling-controls.ts";
export type * from "./trigger-authentication.ts";
export type * from "./trigger-spec.ts";
export type * from "./workload.ts";
