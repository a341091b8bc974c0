import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { whyNoJavaServer } from "../support/servers/java.ts";
import { kafkaServer, startKafka } from "../support/servers/kafka.ts";
import type { TestServer } from "../support/servers/test-server.ts";
import { createTriggerBed } from "./trigger-bed.ts";

const missing = await whyNoJavaServer(kafkaServer);
const it = test.skipIf(missing !== null);
const bed = createTriggerBed();

let server: TestServer;
beforeAll(async () => {
  if (missing !== null) return console.log(`skipped: ${missing}`);
  server = await startKafka();
  const admin = new Kafka({ brokers: [server.url], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const topics = [
    { topic: "mail", numPartitions: 3 },
    { topic: "other", numPartitions: 1 },
  ];
  await admin.createTopics({ topics, waitForLeaders: true });
  await produce();
  for (const [groupId, topic, offsets] of [
    ["pushers", "mail", ["2", "4"]],
    ["pushers", "other", ["0"]],
  ] as const) {
    const partitions = offsets.map((offset, partition) => ({ partition, offset }));
    await admin.setOffsets({ groupId, topic, partitions });
  }
  await admin.disconnect();
}, 180_000);
afterAll(async () => {
  await bed.close();
  await server?.close();
});

/** Five messages to each partition of mail, two to other. */
async function produce(): Promise<void> {
  const producer = new Kafka({ brokers: [server.url], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  const values = ["1", "2", "3", "4", "5"];
  const messages = [0, 1, 2].flatMap((partition) => values.map((value) => ({ partition, value })));
  await producer.send({ topic: "mail", messages });
  await producer.send({ topic: "other", messages: [{ value: "1" }, { value: "2" }] });
  await producer.disconnect();
}

const read = (more: Record<string, string> = {}) =>
  bed.read("kafka", {
    bootstrapServers: server.url,
    consumerGroup: "pushers",
    topic: "mail",
    ...more,
  });

it("counts how far a group is behind; a partition without a commit counts 1", async () => {
  expect(await read()).toEqual({
    ...{ metricName: "s0-kafka-mail", value: 3 + 1 + 1, active: true },
    ...{ messages: 5, activeGroups: 3 },
  });
});

it.each([
  [{ offsetResetPolicy: "earliest" }, 3 + 1 + 5],
  [{ scaleToZeroOnInvalidOffset: "true" }, 3 + 1],
  [{ partitionLimitation: "0" }, 3],
  [{ partitionLimitation: "1-2" }, 2],
  [{ lagThreshold: "1" }, 3],
  [{ lagThreshold: "1", allowIdleConsumers: "true" }, 5],
  [{ lagThreshold: "2", ensureEvenDistributionOfPartitions: "true" }, 6],
  [{ topic: "" }, 3 + 1 + 2 + 1],
  [{ consumerGroup: "nobody", topic: "" }, 0],
])("with %j: %d", async (more, value) => {
  expect(await read(more)).toMatchObject({ value });
});

it("tells how many consumers can be active, and the lag that its value does not tell", async () => {
  expect(await read({ lagThreshold: "1" })).toMatchObject({ messages: 5, activeGroups: 3 });
  expect(await read({ topic: "" })).toMatchObject({ activeGroups: 4 });
  expect(await read({ partitionLimitation: "1-2" })).toMatchObject({ activeGroups: 2 });
  expect(await read({ allowIdleConsumers: "true" })).not.toHaveProperty("activeGroups");
});

it("is not active at the activation value, and names the group without a topic", async () => {
  expect(await read({ activationLagThreshold: "5" })).toMatchObject({ active: false });
  expect(await read({ topic: "" })).toMatchObject({ metricName: "s0-kafka-pushers-topics" });
});

it("lag that does not move counts for activity alone", async () => {
  const trigger = await bed.create("kafka", {
    bootstrapServers: server.url,
    consumerGroup: "pushers",
    topic: "mail",
    partitionLimitation: "0",
    excludePersistentLag: "true",
  });
  expect(await trigger.read()).toMatchObject([{ value: 3, active: true }]);
  expect(await trigger.read()).toMatchObject([{ value: 0, active: true }]);
});

it.each([
  [{ topic: "nothing" }, "does not host this topic-partition"],
  [{ partitionLimitation: "7" }, "none of the partitions"],
  [{ bootstrapServers: "127.0.0.1:1" }, "ECONNREFUSED"],
])("with %j it fails", async (more, problem) => {
  await expect(read(more)).rejects.toMatchObject({
    code: "TRIGGER_FAILED",
    message: expect.stringContaining(problem),
  });
});

const good = { bootstrapServers: "h:1,i:2", consumerGroup: "g", topic: "t" };
const limited = { limitToPartitionsWithLag: "true" };
const even = { ensureEvenDistributionOfPartitions: "true" };

test.each([
  [{ ...good, bootstrapServers: "" }, {}, "bootstrapServers is required"],
  [{ ...good, consumerGroup: "" }, {}, "consumerGroup is required"],
  [{ ...good, lagThreshold: "-1" }, {}, "lagThreshold must be more than 0"],
  [{ ...good, lagThreshold: "aa" }, {}, "lagThreshold must be a whole number"],
  [{ ...good, activationLagThreshold: "-1" }, {}, "0 or more"],
  [{ ...good, offsetResetPolicy: "foo" }, {}, "offsetResetPolicy must be one of"],
  [{ ...good, partitionLimitation: "1-a" }, {}, "partitionLimitation must be"],
  [{ ...good, ...limited, allowIdleConsumers: "true" }, {}, "exclude each other"],
  [{ ...good, ...limited, ...even }, {}, "exclude each other"],
  [{ ...good, ...limited, topic: "" }, {}, "takes a topic"],
  [{ ...good, ...even, topic: "" }, {}, "takes a topic"],
  [{ ...good, fullMetadata: "false", topic: "" }, {}, "takes a topic"],
  [{ ...good, sasl: "plaintext" }, { username: "u" }, "needs password"],
  [{ ...good, sasl: "gssapi" }, {}, "not supported here"],
  [{ ...good, tls: "enable" }, { cert: "c" }, "go together"],
])("refuses %j with %j", async (metadata, parameters, problem) => {
  await expect(bed.create("kafka", metadata, { parameters })).rejects.toThrow(problem);
});
