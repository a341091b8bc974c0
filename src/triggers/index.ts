export * from "./queue-depth.ts";
