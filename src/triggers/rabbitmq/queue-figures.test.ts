import { expect, test } from "vitest";
import { queuesUrl } from "./management.ts";
import { combineQueues, type Mode, measureQueue } from "./queue-figures.ts";

test.each<[Mode, number, number, number, number, number, boolean]>([
  // mode, activation, messages, published, delivered → value, active. The last mode's first five are KEDA's own rows.
  ["ExpectedQueueConsumptionTime", 1, 0, 0, 0, 0, false],
  ["ExpectedQueueConsumptionTime", 1, 0, 0, 2, 0, false],
  ["ExpectedQueueConsumptionTime", 1, 10, 3, 0, 1, true],
  ["ExpectedQueueConsumptionTime", 1, 10, 3, 2, 5.5, true],
  ["ExpectedQueueConsumptionTime", 1, 4, 0, 2, 1, false],
  ["QueueLength", 5, 5, 9, 9, 5, false],
  ["QueueLength", 5, 6, 0, 0, 6, true],
  ["MessageRate", 5, 0, 6, 0, 6, true],
  ["MessageRate", 5, 6, 1, 0, 1, true],
  ["MessageRate", 5, 5, 5, 9, 5, false],
  ["DeliverGetRate", 5, 99, 99, 5, 5, false],
  ["DeliverGetRate", 5, 0, 0, 5.5, 5.5, true],
  ["PublishedToDeliveredRatio", 2, 0, 0, 0, 0, false],
  ["PublishedToDeliveredRatio", 2, 9, 3, 0, 2, true],
  ["PublishedToDeliveredRatio", 2, 9, 4, 2, 2, false],
  ["PublishedToDeliveredRatio", 2, 9, 5, 2, 2.5, true],
])("%s, activation %d: %d messages, %d/s in, %d/s out", (...row) => {
  const [mode, activation, messages, publishRate, deliverGetRate, value, isActive] = row;
  const figures = { messages, publishRate, deliverGetRate };
  expect(measureQueue(mode, activation, figures)).toEqual({ value, isActive });
});

test.each([
  ["sum", { messages: 7, publishRate: 1.5, deliverGetRate: 3 }],
  ["avg", { messages: 3, publishRate: 0.75, deliverGetRate: 1.5 }],
  ["max", { messages: 4, publishRate: 1, deliverGetRate: 3 }],
] as const)("%s of two queues", (operation, whole) => {
  const queues = [
    { messages: 3, publishRate: 1, deliverGetRate: 0 },
    { messages: 4, publishRate: 0.5, deliverGetRate: 3 },
  ];
  expect(combineQueues(operation, queues)).toEqual(whole);
  const none = { messages: 0, publishRate: 0, deliverGetRate: 0 };
  expect(combineQueues(operation, [])).toEqual(none);
});

test.each([
  ["http://h:15672", {}, "http://h:15672/api/queues/%2F/a%20b"],
  ["http://h:15672/", {}, "http://h:15672/api/queues/%2F/a%20b"],
  ["http://h/vh", {}, "http://h/api/queues/vh/a%20b"],
  ["http://h/sub/path/vh", {}, "http://h/sub/path/api/queues/vh/a%20b"],
  ["http://h/vh", { vhostName: "x/y" }, "http://h/api/queues/x%2Fy/a%20b"],
  ["http://u:p@h/%2F", {}, "http://u:p@h/api/queues/%2F/a%20b"],
  [
    "http://u:p@h",
    { credentials: { username: "me", password: "a/b" } },
    "http://me:a%2Fb@h/api/queues/%2F/a%20b",
  ],
  [
    "http://h/vh",
    { useRegex: true },
    "http://h/api/queues/vh?page=1&use_regex=true&pagination=false&name=a+b&page_size=100",
  ],
])("%s with %j asks %s", (host, more, url) => {
  const question = {
    host,
    queueName: "a b",
    vhostName: null,
    credentials: null,
    useRegex: false,
    pageSize: 100,
    operation: "sum",
    excludeUnacknowledged: false,
    ...more,
  } as const;
  expect(queuesUrl(question)).toBe(url);
});
