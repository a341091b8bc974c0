/** What the tests of the Azure Service Bus driver share. */
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import {
  type Driver,
  type Logger,
  type OutgoingMessage,
  SluiceError,
  silentLogger,
  systemClock,
} from "../../src/core/index.ts";
import { openAzureServiceBus } from "../../src/drivers/azure-service-bus/index.ts";
import { type ServiceBusServer, startPrivateServiceBus } from "../support/servers/service-bus.ts";

/** A private server for a file, and drivers on it that are closed after each test. */
export interface Bed {
  readonly server: ServiceBusServer;
  open(url?: string, logger?: Logger): Promise<Driver>;
}

/** Calls are given little time, because what the tests break does not answer. */
const quick = "Timeout=2s";

/** To be called at the top of a file. */
export function useServiceBus(options: Parameters<typeof startPrivateServiceBus>[0] = {}): Bed {
  let server: ServiceBusServer;
  const opened: Driver[] = [];
  beforeAll(async () => {
    server = await startPrivateServiceBus(options);
  });
  afterEach(async () => {
    server.namespace.busyFor = 0;
    await Promise.all(opened.splice(0).map((driver) => driver.close()));
  });
  afterAll(() => server.close());
  return {
    get server() {
      return server;
    },
    async open(url = server.url, logger = silentLogger) {
      const driver = await openAzureServiceBus(`${url};${quick}`, { clock: systemClock, logger });
      opened.push(driver);
      return driver;
    },
  };
}

/** A message with everything at its default but what is given. */
export function message(id: string, fields: Partial<OutgoingMessage> = {}): OutgoingMessage {
  const body = Buffer.from(id);
  return { id, body, headers: {}, delayMs: 0, priority: 0, deduplicate: false, ...fields };
}

/** What a call rejects with, which must be an error of ours without the key in it. */
export async function errorOf(attempt: Promise<unknown>): Promise<SluiceError> {
  const error = await attempt.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SluiceError);
  const text = [error, (error as SluiceError).cause].map((one) => String((one as Error)?.stack));
  for (const secret of ["cm9vdC1zZWNyZXQ", "c2VuZGVy", "wr0ng"])
    expect(text.join()).not.toContain(secret);
  return error as SluiceError;
}

/** Tries again until it works. */
export async function persist<T>(call: () => Promise<T>, withinMs = 20_000): Promise<T> {
  const giveUpAt = Date.now() + withinMs;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Receives and acknowledges until nothing came for `quietMs`; failing calls are tried again. Returns the ids. */
export async function drain(driver: Driver, queue: string, quietMs = 300): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const got = await persist(() =>
      driver.receive(queue, { max: 200, waitMs: quietMs, leaseMs: 30_000 }),
    );
    if (got.length === 0) return ids;
    const answers = await driver
      .settle(
        queue,
        got.map(({ receipt }) => ({ receipt, outcome: "ack" })),
      )
      .catch(() => []);
    ids.push(...got.filter((_, index) => answers[index] === true).map(({ id }) => id));
  }
}
