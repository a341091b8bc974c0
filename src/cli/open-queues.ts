import { type Logger, type Sluice, SluiceError } from "../core/index.ts";
import { type ConnectOptions, connect } from "../drivers/index.ts";

/**
 * Connects for a command. Rejects with `OPTION_UNSUPPORTED` queues that end with their process: what one command does to
 * them, no other would see.
 */
export async function openQueues(
  url: string,
  logger: Logger,
  options: Pick<ConnectOptions, "create"> = {},
): Promise<Sluice> {
  const sluice = await connect(url, { logger, ...options });
  if (sluice.driver.capabilities.shared) return sluice;
  await sluice.close();
  throw new SluiceError(
    "OPTION_UNSUPPORTED",
    `${sluice.driver.name} queues end with the process that opened them, so commands and workers cannot share them. Use a file, such as --url sqlite:jobs.db`,
  );
}
