/** The main door of Sluice: publish jobs, define and start workers. */
export * from "./core/index.ts";
export { connect } from "./drivers/index.ts";
export * from "./worker/index.ts";
