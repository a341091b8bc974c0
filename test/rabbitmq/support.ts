/** What the tests of the RabbitMQ driver share: a server that they may reconfigure, and raw amqplib beside the driver. */
import amqp from "amqplib";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { type Driver, systemClock } from "../../src/core/index.ts";
import { openRabbitmq } from "../../src/drivers/rabbitmq/index.ts";
import { askManagement } from "../support/rabbitmq-management.ts";
import { type RecordingLogger, recordingLogger } from "../support/recording-logger.ts";
import { sharedServer, type TestServer, whyNoOwnServer } from "../support/servers.ts";

/** Everything a test needs. */
export interface Bed {
  readonly server: TestServer;
  readonly log: RecordingLogger;
  /** Opens the driver, closed after the file; `rest` follows the URL's slash. */
  open(rest?: string): Promise<Driver>;
  /** A raw channel, closed after the file. */
  channel(): Promise<amqp.ConfirmChannel>;
  /** Of the server. */
  version(): Promise<string>;
  /** Asks the management API. */
  manage(method: string, path: string, body?: unknown): Promise<unknown>;
}

/** The server that files share. Tests are skipped where there is none, or where it is not ours to reconfigure. */
export function useRabbitmq(): () => Bed {
  const log = recordingLogger();
  const closing: (() => Promise<unknown>)[] = [];
  const missing = whyNoOwnServer("rabbitmq");
  let server: TestServer;

  beforeAll(async () => {
    if (missing === null) server = await sharedServer("rabbitmq");
  }, 180_000);
  beforeEach(({ skip }) => {
    if (missing !== null) skip(missing);
  });
  afterAll(async () => {
    await Promise.allSettled(closing.map((close) => close()));
  });

  return () => ({
    server,
    log,
    async open(rest = "") {
      const driver = await openRabbitmq(`${server.url}${rest}`, {
        clock: systemClock,
        logger: log,
      });
      closing.push(() => driver.close());
      return driver;
    },
    async channel() {
      const connection = await amqp.connect(server.url);
      connection.on("error", () => undefined);
      closing.push(() => connection.close());
      const channel = await connection.createConfirmChannel();
      channel.on("error", () => undefined);
      return channel;
    },
    async version() {
      const overview = await askManagement(server.adminUrl ?? "", { path: "overview" });
      return String(Object(overview).rabbitmq_version);
    },
    manage: (method, path, body) => askManagement(server.adminUrl ?? "", { method, path, body }),
  });
}
