import {
  emulatedCapabilities,
  loadTelemetry,
  Sluice,
  type SluiceOptions,
  stderrLogger,
  systemClock,
} from "../core/index.ts";
import { openDriver } from "./registry.ts";

/** What a connection by URL may be given. */
export interface ConnectOptions extends SluiceOptions {
  /** `false`: a queue file that does not exist is an error, for those who only want to look. Default true. */
  readonly create?: boolean;
}

/**
 * Connects to the queues that a URL names: `sqlite:jobs.db`, `memory:`. What the driver emulates is logged.
 * Rejects with `URL_INVALID`, `SCHEME_UNKNOWN`, `CLIENT_MISSING`, `ACCESS_DENIED` or a `STORE_*` error that says
 * what to do.
 *
 * @example
 * ```ts
 * import { connect } from "sluice";
 *
 * const sluice = await connect("sqlite:jobs.db");
 * await sluice.publish("resize", { id: 7, width: 320 }, { delay: "30s" });
 * await sluice.close();
 * ```
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Sluice> {
  const logger = options.logger ?? stderrLogger;
  const driver = await openDriver(url, {
    clock: options.clock ?? systemClock,
    logger,
    create: options.create ?? true,
  });
  const emulated = emulatedCapabilities(driver.capabilities);
  if (emulated.length > 0) logger.info(`${driver.name} emulates ${emulated.join(", ")}`);
  const telemetry = options.telemetry ?? (await loadTelemetry());
  const address = { module: new URL("./registry.js", import.meta.url).href, url };
  return new Sluice(driver, {
    ...options,
    telemetry,
    ...(driver.capabilities.shared && { address }),
  });
}
