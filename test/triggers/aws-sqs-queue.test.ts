import {
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { elasticmqServer, startElasticmq } from "../support/servers/elasticmq.ts";
import { whyNoJavaServer } from "../support/servers/java.ts";
import type { TestServer } from "../support/servers/test-server.ts";
import { createTriggerBed } from "./trigger-bed.ts";

const missing = await whyNoJavaServer(elasticmqServer);
const it = test.skipIf(missing !== null);
const bed = createTriggerBed();
const parameters = { awsAccessKeyID: "key", awsSecretAccessKey: "secret" };

let server: TestServer;
let queueURL = "";
beforeAll(async () => {
  if (missing !== null) return console.log(`skipped: ${missing}`);
  server = await startElasticmq();
  const credentials = { accessKeyId: "key", secretAccessKey: "secret" };
  const client = new SQSClient({ region: "elsewhere", endpoint: server.url, credentials });
  const { QueueUrl = "" } = await client.send(new CreateQueueCommand({ QueueName: "mail" }));
  for (const MessageBody of ["1", "2", "3", "4"])
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  const delayed = { QueueUrl, MessageBody: "5", DelaySeconds: 600 };
  await client.send(new SendMessageCommand(delayed));
  await client.send(new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 600 }));
  client.destroy();
  queueURL = QueueUrl;
}, 120_000);
afterAll(async () => {
  await bed.close();
  await server?.close();
});

const read = (more: Record<string, string> = {}) =>
  bed.read(
    "aws-sqs-queue",
    { queueURL, awsRegion: "elsewhere", awsEndpoint: server.url, ...more },
    { parameters },
  );

it("counts what is visible and what is in flight", async () => {
  expect(await read()).toEqual({ metricName: "s0-aws-sqs-mail", value: 4, active: true });
});

it.each([
  [{ scaleOnInFlight: "false" }, 3],
  [{ scaleOnDelayed: "true" }, 5],
  [{ scaleOnDelayed: "true", scaleOnInFlight: "false" }, 4],
])("with %j counts %d", async (more, value) => {
  expect(await read(more)).toMatchObject({ value });
});

it("is not active at the activation value", async () => {
  expect(await read({ activationQueueLength: "4" })).toMatchObject({ active: false });
});

it.each([["http://h/000000000000/nothing", "QueueDoesNotExist"]])(
  "a queue that does not exist is an error",
  async (url, problem) => {
    await expect(read({ queueURL: url })).rejects.toMatchObject({
      code: "TRIGGER_FAILED",
      message: expect.stringContaining(problem),
    });
  },
);

test("a server that is not there is an error", async () => {
  const metadata = { queueURL: "q", awsRegion: "r", awsEndpoint: "http://127.0.0.1:1" };
  await expect(bed.read("aws-sqs-queue", metadata, { parameters })).rejects.toThrow("ECONNREFUSED");
});

const url = "https://sqs.eu-west-1.amazonaws.com/account_id/DeleteArtifactQ";

test.each([
  [url, "s0-aws-sqs-DeleteArtifactQ"],
  ["my-queue", "s0-aws-sqs-my-queue"],
])("the metric of %s is %s", async (queue, name) => {
  const metadata = { queueURL: queue, awsRegion: "eu-west-1" };
  const trigger = await bed.create("aws-sqs-queue", metadata, { parameters });
  expect(await trigger.metricSpecs()).toMatchObject([{ metricName: name, target: 5 }]);
});

const good = { queueURL: url, awsRegion: "eu-west-1" };

test.each([
  [{ ...good, queueURL: "" }, parameters, "queueURL is required"],
  [{ ...good, queueURL: "https://h/a/b/c" }, parameters, "ACCOUNT/NAME"],
  [{ ...good, awsRegion: "" }, parameters, "awsRegion is required"],
  [{ ...good, queueLength: "a" }, parameters, "queueLength must be a whole number"],
  [good, {}, "awsAccessKeyID is required"],
  [good, { awsAccessKeyID: "k" }, "awsSecretAccessKey is required"],
  [good, { ...parameters, awsRoleArn: "arn" }, "a role to assume is not supported here"],
])("refuses %j with %j", async (metadata, given, problem) => {
  await expect(bed.create("aws-sqs-queue", metadata, { parameters: given })).rejects.toThrow(
    problem,
  );
});

test("takes keys from the environment, and none as the operator", async () => {
  const env = { K: "k", S: "s" };
  const named = { awsAccessKeyIDFromEnv: "K", awsSecretAccessKeyFromEnv: "S" };
  await bed.create("aws-sqs-queue", { ...good, ...named }, { env });
  await bed.create("aws-sqs-queue", { ...good, identityOwner: "operator" });
});
