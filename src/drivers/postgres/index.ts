export {
  type PostgresDriver,
  type PostgresOptions,
  postgresCapabilities,
  postgresDriver,
} from "./driver.ts";
export { openPostgres } from "./open.ts";
