export { type SqliteOptions, sqliteCapabilities, sqliteDriver } from "./driver.ts";
export { openSqlite } from "./url.ts";
