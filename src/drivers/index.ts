export { type ConnectOptions, connect } from "./connect.ts";
export { knownSchemes, type OpenContext, openDriver } from "./registry.ts";
