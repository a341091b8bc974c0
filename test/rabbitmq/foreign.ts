/** Messages of programs that know nothing of Sluice, and ours in their hands. */
import assert from "node:assert/strict";
import { expect, test } from "vitest";
import { ack, retry, settleAll, takeOne } from "../../src/testing/driver-conformance/consumer.ts";
import { outgoing, textOf } from "../../src/testing/driver-conformance/sample-messages.ts";
import { useRabbitmq } from "./support.ts";

const bed = useRabbitmq();

test("receives plain JSON without headers or id, and tells what the broker knows", async () => {
  const driver = await bed().open();
  await driver.depth("plain"); // comes into being by being named
  const channel = await bed().channel();
  channel.sendToQueue("plain", Buffer.from('{"a":1}'));
  const delivery = await takeOne(driver, "plain");
  expect(textOf(delivery)).toBe('{"a":1}');
  expect(delivery).toMatchObject({ attempt: 1, headers: {}, publishedAt: null, readyAt: null });
  expect(delivery.id).not.toBe("");
});

test("receives headers of every AMQP type as text", async () => {
  const driver = await bed().open();
  await driver.depth("typed");
  const channel = await bed().channel();
  const headers = {
    "X-Number": 7,
    "x-big": 2 ** 40,
    "x-flag": true,
    "x-table": { inner: [1, "two"] },
    "x-null": null,
    "x-bytes": Buffer.from("raw"),
  };
  const timestamp = 1_700_000_000;
  channel.sendToQueue("typed", Buffer.from("x"), {
    headers,
    timestamp,
    messageId: "theirs",
    contentType: "text/plain",
  });
  const delivery = await takeOne(driver, "typed");
  expect(delivery.headers).toEqual({
    "x-number": "7",
    "x-big": String(2 ** 40),
    "x-flag": "true",
    "x-table": '{"inner":[1,"two"]}',
    "x-null": "",
    "x-bytes": "raw",
    "content-type": "text/plain",
  });
  expect(delivery).toMatchObject({ id: "theirs", publishedAt: timestamp * 1000 });
});

test("keeps a foreign message's id, body and attempts through a retry", async () => {
  const driver = await bed().open();
  await driver.depth("again");
  const channel = await bed().channel();
  channel.sendToQueue("again", Buffer.from("[1]"), { headers: { "x-a": 1 } });
  const first = await takeOne(driver, "again");
  await settleAll(driver, "again", [retry(first, 30)]);
  const second = await takeOne(driver, "again");
  expect(second).toMatchObject({
    id: first.id,
    attempt: 2,
    headers: { "x-a": "1" },
    publishedAt: null,
  });
  expect(textOf(second)).toBe("[1]");
});

test("publishes what a foreign consumer can read: body untouched, standard properties, plain headers", async () => {
  const driver = await bed().open();
  const before = Math.floor(Date.now() / 1000);
  await driver.publish("outward", [
    outgoing('{ "a" : 1 }', { id: "our-id", headers: { "x-tenant": "ü" } }),
  ]);
  const message = await (await bed().channel()).get("outward", { noAck: true });
  assert.ok(message !== false);
  expect(message.content.toString()).toBe('{ "a" : 1 }');
  expect(message.properties).toMatchObject({
    messageId: "our-id",
    contentType: "application/json",
    deliveryMode: 2,
  });
  expect(message.properties.headers).toMatchObject({ "x-tenant": "ü" });
  expect(message.properties.timestamp).toBeGreaterThanOrEqual(before);
});

test("takes headers under names that the broker writes itself for the caller's own", async () => {
  const driver = await bed().open();
  const headers = { "x-death": "mine", "x-delivery-count": "text", "x-delay": "soon" };
  await driver.publish("named", [outgoing("a", { headers })]);
  const first = await takeOne(driver, "named");
  expect(first).toMatchObject({ headers, attempt: 1 });
  await settleAll(driver, "named", [retry(first, 20)]);
  const second = await takeOne(driver, "named");
  expect(second).toMatchObject({ headers, attempt: 2 });
  await settleAll(driver, "named", [ack(second)]);
});
