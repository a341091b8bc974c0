export * from "./lease-table.ts";
