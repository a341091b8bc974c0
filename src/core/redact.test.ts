import { expect, test } from "vitest";
import { redactUrl } from "./redact.ts";

test.each([
  ["redis://ada:hunter2@host/0", "redis://ada:***@host/0"],
  ["redis://:hunter2@host/0", "redis://:***@host/0"],
  ["redis://ada@host/0", "redis://ada@host/0"],
  ["amqp://ada:hun/ter2?x@host", "amqp://ada:***@host"],
  [
    "postgres://host/db?password=hunter2&schema=jobs",
    "postgres://host/db?password=***&schema=jobs",
  ],
  [
    "amqp://ada:hunter2@host/vhost?management=http://bob:hunter2@other:15672&heartbeat=3",
    "amqp://ada:***@host/vhost?management=http://bob:***@other:15672&heartbeat=3",
  ],
  [
    "amqp://host/?management=http://bob:hunter2@other:15672",
    "amqp://host/?management=http://bob:***@other:15672",
  ],
  [
    "amqp://ada:hunter2@host/?management=http%3A%2F%2Fbob%3Ahunter2%40other%3A15672&heartbeat=3",
    "amqp://ada:***@host/?management=http%3A%2F%2Fbob%3A***%40other%3A15672&heartbeat=3",
  ],
  ["amqp://ada:hun?x=http://ter2@host", "amqp://ada:***@host"],
  ["no url, ada:hunter2", "no url, ada:hunter2"],
])("shows %s without its secrets", (url, shown) => {
  expect(redactUrl(url)).toBe(shown);
});
