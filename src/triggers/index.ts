export { replicaWindow } from "./cron/window.ts";
export type * from "./metadata-key.ts";
export * from "./metadata-schema.ts";
export * from "./queue-depth.ts";
export * from "./registry.ts";
export type { ConnectQueue } from "./sluice/sluice.ts";
export type { TriggerType } from "./trigger-type.ts";
