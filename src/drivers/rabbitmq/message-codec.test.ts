import { expect, test } from "vitest";
import type { AmqpMessage } from "./client.ts";
import { redeliveries } from "./message-codec.ts";

function message(redelivered: boolean, headers: Record<string, unknown>): AmqpMessage {
  const fields = { deliveryTag: 1, redelivered };
  return { content: Buffer.from(""), fields, properties: { headers } } as AmqpMessage;
}

test.each([
  ["a first delivery", false, {}, 0],
  ["a quorum queue's count", true, { "x-delivery-count": 3 }, 3],
  ["one of a classic queue, which only says that there was one", true, {}, 1],
  ["RabbitMQ 4.3's count", true, { "x-delivery-count": 3, "x-acquired-count": 5 }, 3],
  ["what RabbitMQ 4.3 got back by a nack", true, { "x-acquired-count": 2 }, 0],
] as const)("counts earlier deliveries: %s", (_what, redelivered, headers, count) => {
  expect(redeliveries(message(redelivered, headers))).toBe(count);
});
