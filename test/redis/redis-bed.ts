/** What the tests of the Redis driver share: a client beside the driver, and ways to wait. */
import { setTimeout as wait } from "node:timers/promises";
import { Redis } from "ioredis";
import {
  type Driver,
  type OutgoingMessage,
  silentLogger,
  systemClock,
} from "../../src/core/index.ts";
import { openRedis } from "../../src/drivers/redis/index.ts";

/** A driver on the server. */
export function openAt(url: string): Promise<Driver> {
  return openRedis(url, { clock: systemClock, logger: silentLogger });
}

/** A client that asks the server directly. */
export function clientAt(url: string): Redis {
  return new Redis(url, { protocol: 2 });
}

/** A message with everything at its default but what is given. */
export function message(id: string, fields: Partial<OutgoingMessage> = {}): OutgoingMessage {
  const body = Buffer.from(id);
  return { id, body, headers: {}, delayMs: 0, priority: 0, deduplicate: false, ...fields };
}

/** `count` messages. */
export function messages(count: number, fields: Partial<OutgoingMessage> = {}): OutgoingMessage[] {
  return Array.from({ length: count }, (_, index) => message(`m${index}`, fields));
}

/** Receives and acknowledges until nothing came for `quietMs`; failing calls are tried again. Returns the ids. */
export async function drain(driver: Driver, queue: string, quietMs = 300): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const got = await driver.receive(queue, { max: 500, waitMs: quietMs, leaseMs: 5000 });
    if (got.length === 0) return ids;
    ids.push(...got.map(({ id }) => id));
    await driver.settle(
      queue,
      got.map(({ receipt }) => ({ receipt, outcome: "ack" })),
    );
  }
}

/** Tries again until it works. */
export async function persist<T>(call: () => Promise<T>, withinMs = 20_000): Promise<T> {
  const giveUpAt = Date.now() + withinMs;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
      await wait(50);
    }
  }
}

/** All keys of the server. */
export async function allKeys(client: Redis): Promise<string[]> {
  return (await client.keys("*")).sort();
}
