import { Ajv } from "ajv";
import { beforeAll, expect, test } from "vitest";
import { withTriggerMetadata } from "../../src/cli/trigger-schema.ts";
import { mixedSchema, specSchema } from "../../src/specs/index.ts";
import { loadTriggerTypes, triggerTypeNames } from "../../src/triggers/index.ts";

const ajv = new Ajv({ allErrors: true, strict: true, strictTypes: false, strictRequired: false });
let one: ReturnType<typeof ajv.compile>;
let mixed: ReturnType<typeof ajv.compile>;
beforeAll(async () => {
  one = ajv.compile(await withTriggerMetadata(specSchema("ScaledObject")));
  mixed = ajv.compile(await withTriggerMetadata(mixedSchema()));
});

const object = (type: string, metadata: object) => ({
  apiVersion: "keda.sh/v1alpha1",
  kind: "ScaledObject",
  metadata: { name: "mailer" },
  spec: { scaleTargetRef: { name: "mailer" }, triggers: [{ type, metadata }] },
});

test.each([
  ["postgresql", { query: "SELECT 1", targetQueryValue: "5" }, true],
  ["postgresql", { targetQueryValue: "5" }, false],
  ["postgresql", { query: "SELECT 1", targetQueryValue: "05" }, false],
  ["postgresql", { query: "SELECT 1", targetQueryValue: 5 }, false],
  ["postgresql", { query: "SELECT 1", targetQueryValue: "", connectionFromEnv: "URL" }, true],
  ["rabbitmq", { queueName: "q", mode: "QueueLength", value: "5" }, true],
  ["rabbitmq", { queueName: "q", mode: "Length", value: "5" }, false],
  ["rabbitmq", { queueName: "q", useRegex: "yes" }, false],
  ["redis", { listName: "a", addresses: "h:1", unknown: "x" }, true],
  ["prometheus", { serverAddress: "http://h", query: "q", threshold: "1", timeout: "5s" }, true],
  ["prometheus", { serverAddress: "http://h", query: "q", threshold: "1", timeout: "5d" }, false],
  ["cpu", { value: "60", type: "Utilization" }, false],
  ["a-type-of-the-future", { anything: "goes" }, true],
])("%s with %j: %s", (type, metadata, isValid) => {
  expect(one(object(type, metadata))).toBe(isValid);
  expect(mixed(object(type, metadata))).toBe(isValid);
});

test("every type declares itself under the name by which it is found", async () => {
  const types = await loadTriggerTypes();
  expect(types.map(({ type }) => type).sort()).toEqual(triggerTypeNames);
});
