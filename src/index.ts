/** The main door of Sluice: publish jobs, define and start workers. */
export * from "./core/index.ts";
export { type ConnectOptions, connect } from "./drivers/index.ts";
export * from "./worker/index.ts";
