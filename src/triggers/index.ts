export type * from "./metadata-key.ts";
export * from "./queue-depth.ts";
export * from "./registry.ts";
export type { TriggerType } from "./trigger-type.ts";
