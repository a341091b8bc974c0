import type { Clock, Logger } from "../../core/index.ts";
import { type PostgresDriver, postgresDriver } from "./driver.ts";

/**
 * Opens the queues that a URL names: `postgres://user:password@host:5432/database`, with `?schema=sluice`,
 * `?dedup=10m`, `?pool=4` and the parameters of the client, such as `sslmode`. Throws `URL_INVALID`.
 */
export async function openPostgres(
  url: string,
  context: { readonly clock: Clock; readonly logger: Logger; readonly create?: boolean },
): Promise<PostgresDriver> {
  return postgresDriver({ url, ...context });
}
