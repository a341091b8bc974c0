/** What is lost comes back by itself: connections, channels, subscriptions, queues. */
import { expect, test } from "vitest";
import type { Driver } from "../../src/core/index.ts";
import { rabbitmqDriver } from "../../src/drivers/rabbitmq/index.ts";
import { ack, ackAll, takeOne } from "../../src/testing/driver-conformance/consumer.ts";
import { eventually } from "../../src/testing/driver-conformance/expectations.ts";
import { publishTexts, textOf } from "../../src/testing/driver-conformance/sample-messages.ts";
import { useRabbitmq } from "./support.ts";

const bed = useRabbitmq();

/** A consumer that goes on after an error, as a worker does. */
async function takeStubbornly(driver: Driver, queue: string): Promise<string> {
  const endsAt = Date.now() + 15_000;
  while (Date.now() < endsAt) {
    const got = await driver
      .receive(queue, { max: 1, waitMs: 5000, leaseMs: 30_000 })
      .catch((error: unknown) => {
        expect(error).toMatchObject({ retryable: true });
        return [];
      });
    const [delivery] = got;
    if (delivery === undefined) continue;
    await ackAll(driver, queue, [delivery]);
    return textOf(delivery);
  }
  throw new Error("nothing came");
}

interface ListedConnection {
  readonly name: string;
  readonly connected_at: number;
}

/** As an operator does. Others that share the server keep theirs. */
async function killConnections(openedSince: number): Promise<void> {
  let found: readonly ListedConnection[] = [];
  // The management API learns of connections with its statistics.
  await eventually(async () => {
    const listed = (await bed().manage("GET", "connections")) as readonly ListedConnection[];
    found = listed.filter(({ connected_at: at }) => at >= openedSince);
    expect(found.length).toBeGreaterThan(1);
  }, 15_000);
  for (const { name } of found)
    await bed().manage("DELETE", `connections/${encodeURIComponent(name)}`);
}

test("goes on by itself after an operator closed its connections, and counts what was leased", async () => {
  const openedSince = Date.now();
  const driver = await bed().open();
  await publishTexts(driver, "killed", ["held"]);
  const held = await takeOne(driver, "killed");
  await killConnections(openedSince);
  const again = await takeOne({ ...driver, receive: stubborn(driver) }, "killed", {
    waitMs: 15_000,
  });
  expect(again).toMatchObject({ id: held.id, attempt: 2 });
  expect(await driver.settle("killed", [ack(held)])).toEqual([false]);
  expect(await driver.extend?.("killed", [held.receipt], 1000)).toEqual([false]);
  await eventually(() => publishTexts(driver, "killed", ["after"]).then(() => undefined));
  expect(await takeStubbornly(driver, "killed")).toBe("after");
}, 60_000);

function stubborn(driver: Driver): Driver["receive"] {
  return (queue, request) => driver.receive(queue, request).catch(() => []);
}

test("wakes up by itself when its queue is deleted under it", async () => {
  const driver = await bed().open();
  await publishTexts(driver, "deleted", ["first"]);
  expect(await takeStubbornly(driver, "deleted")).toBe("first");
  const waiting = takeStubbornly(driver, "deleted");
  await new Promise((resolve) => setTimeout(resolve, 200));
  const channel = await bed().channel();
  await channel.deleteQueue("deleted");
  // RabbitMQ 3.10 ends no subscription of a quorum queue that is declared again at once; see the driver's page.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const other = await bed().open();
  await eventually(() => publishTexts(other, "deleted", ["second"]).then(() => undefined));
  expect(await waiting).toBe("second");
}, 60_000);

test("counts every crash as an attempt", async () => {
  const driver = await bed().open();
  await publishTexts(driver, "crashing", ["a"]);
  for (const attempt of [1, 2, 3]) {
    // A channel that ends without a settlement is what a crash looks like to the broker.
    const channel = await bed().channel();
    await eventually(async () => {
      const message = await channel.get("crashing");
      expect(message === false ? null : message.content.toString()).toBe("a");
    });
    await channel.close();
    const delivery = await eventualAttempt(driver, attempt + 1);
    expect(delivery).toBe(attempt + 1);
  }
});

/** Looks at the attempt without settling: releases keep it. */
async function eventualAttempt(driver: Driver, least: number): Promise<number> {
  const delivery = await takeOne(driver, "crashing");
  await driver.settle("crashing", [{ receipt: delivery.receipt, outcome: "release" }]);
  expect(delivery.attempt).toBeGreaterThanOrEqual(least);
  return delivery.attempt;
}

test("tells publishers that the broker is short of memory, lets workers settle, and goes on by itself", async () => {
  const { server } = bed();
  const { hostname, port, username, password } = new URL(server.url);
  const address = { hostname, port: Number(port), username, password };
  const driver = await rabbitmqDriver({ ...address, blockedMs: 500 });
  await publishTexts(driver, "short", ["before"]);
  await server.control?.("set_vm_memory_high_watermark", "0");
  try {
    const refused = { code: "STORE_FULL", retryable: true };
    await expect(publishTexts(driver, "short", ["blocked"])).rejects.toMatchObject(refused);
    await ackAll(driver, "short", [await takeOne(driver, "short")]);
    expect((await driver.depth("short")).ready).toBe(0);
  } finally {
    await server.control?.("set_vm_memory_high_watermark", "0.4");
  }
  await eventually(() => publishTexts(driver, "short", ["after"]).then(() => undefined));
  await driver.close();
}, 60_000);

test("warns of a queue from which RabbitMQ 4 drops what was delivered 20 times", async ({
  skip,
}) => {
  const version = await bed().version();
  if (Number.parseInt(version, 10) < 4) skip(`RabbitMQ ${version} drops nothing`);
  const channel = await bed().channel();
  await channel.assertQueue("older", { durable: true, arguments: { "x-queue-type": "quorum" } });
  const driver = await bed().open();
  await publishTexts(driver, "older", ["a"]);
  const warned = bed().log.entries.filter(({ message }) => message.includes("x-delivery-limit"));
  expect(warned).toMatchObject([{ level: "warn", fields: { queue: "older" } }]);
});
