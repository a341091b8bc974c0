/** What is wrong is named by its code, with a cure and without a secret. */
import { expect, test } from "vitest";
import { silentLogger, systemClock } from "../../src/core/index.ts";
import { openDriver } from "../../src/drivers/registry.ts";
import { recordingLogger } from "../support/recording-logger.ts";
import { freePorts } from "../support/servers/free-port.ts";
import { errorOf, message, useServiceBus } from "./bed.ts";

const bed = useServiceBus();
const once = { max: 1, waitMs: 0, leaseMs: 30_000 };

test("takes a connection string in place of a URL", async () => {
  const context = { clock: systemClock, logger: silentLogger, create: true };
  const driver = await openDriver(bed.server.url, context);
  expect(driver.name).toBe("azure-service-bus");
  await driver.close();
});

test("says that a key is wrong when it is first used", async () => {
  const driver = await bed.open(bed.server.urlFor("root", "wr0ng-key"));
  const publishing = await errorOf(driver.publish("any", [message("a")]));
  expect(publishing).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
  expect(publishing.message).toMatch(/InvalidSignature.*Check name, key and expiry/);
  expect(await errorOf(driver.receive("any", once))).toMatchObject({ code: "ACCESS_DENIED" });
});

test("says that a signature is expired", async () => {
  const { url } = bed.server;
  const signature = `SharedAccessSignature sr=sb%3A%2F%2Fx&sig=${encodeURIComponent("abcd")}&se=1&skn=root`;
  const expired = url.replace(
    /SharedAccessKeyName=.*SharedAccessKey=[^;]*/,
    `SharedAccessSignature=${signature}`,
  );
  const driver = await bed.open(expired);
  expect(await errorOf(driver.publish("any", [message("a")]))).toMatchObject({
    code: "ACCESS_DENIED",
  });
});

test("publishes with the right Send alone, and says that working takes Listen", async () => {
  const owner = await bed.open();
  await owner.publish("rights", [message("a")]);
  const sender = await bed.open(bed.server.urlFor("sender"));
  await sender.publish("rights", [message("b")]);
  const error = await errorOf(sender.receive("rights", once));
  expect(error.code).toBe("ACCESS_DENIED");
  expect(error.message).toMatch(/'Listen' claim.*Listen to work/);
});

test("works without the right Manage, with a depth that is unknown and says why", async () => {
  await (await bed.open()).publish("unmanaged", [message("a")]);
  const logger = recordingLogger();
  const driver = await bed.open(bed.server.urlFor("worker"), logger);
  expect(logger.messages("warn").join()).toMatch(/depth is unknown.*right Manage/);
  expect(await driver.depth("unmanaged")).toEqual({
    ready: null,
    delayed: null,
    inFlight: null,
    dead: null,
    oldestAgeMs: null,
    reason: "the credentials do not give the right Manage",
  });
  expect(driver.capabilities.depth.ready).toBe("unknown");
  const [got] = await driver.receive("unmanaged", { ...once, waitMs: 2000 });
  const receipt = got?.receipt ?? "";
  expect(await driver.settle("unmanaged", [{ receipt, outcome: "retry", delayMs: 50 }])).toEqual([
    true,
  ]);
  const [again] = await driver.receive("unmanaged", { ...once, waitMs: 2000 });
  expect(again).toMatchObject({ id: "a", attempt: 2 });
  const settled = [
    { receipt: again?.receipt ?? "", outcome: "dead-letter", reason: "enough" } as const,
  ];
  expect(await driver.settle("unmanaged", settled)).toEqual([true]);
  expect(await driver.deadLetters?.("unmanaged", { limit: 5 })).toMatchObject([
    { id: "a", attempts: 2 },
  ]);
});

test("names a queue that is not there and may not be made, and how to make it", async () => {
  const worker = await bed.open(bed.server.urlFor("worker"));
  const calls = [worker.publish("nowhere", [message("a")]), worker.receive("nowhere", once)];
  for (const call of calls) {
    const error = await errorOf(call);
    expect(error).toMatchObject({ code: "QUEUE_NOT_FOUND", retryable: false });
    expect(error.message).toMatch(/nowhere.*az servicebus queue create/);
  }
  const strict = await bed.open(`${bed.server.url};CreateQueues=false`);
  expect(await errorOf(strict.publish("nowhere", [message("a")]))).toMatchObject({
    code: "QUEUE_NOT_FOUND",
  });
  expect(await errorOf(strict.depth("nowhere"))).toMatchObject({ code: "QUEUE_NOT_FOUND" });
  expect(bed.server.namespace.queues.has("nowhere")).toBe(false);
});

test("refuses a message over the queue's limit, and names the limits", async () => {
  const driver = await bed.open();
  const body = Buffer.alloc(256 * 1024);
  const error = await errorOf(driver.publish("large", [message("a", { body })]));
  expect(error).toMatchObject({ code: "BODY_TOO_LARGE", retryable: false });
  expect(error.message).toMatch(/256 KB in the tiers Basic and Standard and from 1 MB in Premium/);
});

test("sends in several batches what does not fit into one", async () => {
  const driver = await bed.open();
  const body = Buffer.alloc(100_000);
  const all = ["a", "b", "c", "d", "e"].map((id) => message(id, { body }));
  await driver.publish("batches", all);
  expect((await driver.depth("batches")).ready).toBe(5);
});

test("refuses names that Service Bus cannot have, and queues that an entity path excludes", async () => {
  const driver = await bed.open();
  for (const name of ["a:b", "_a", "a/"])
    expect(await errorOf(driver.publish(name, [message("a")]))).toMatchObject({
      code: "QUEUE_NAME_INVALID",
    });
  const single = await bed.open(`${bed.server.url};EntityPath=mail`);
  const error = await errorOf(single.publish("other", [message("a")]));
  expect(error.message).toMatch(/for the queue mail alone/);
  await single.publish("mail", [message("a")]);
});

test("tells that a lock was lost, and changes nothing", async () => {
  const driver = await bed.open();
  await driver.publish("lost", [message("a")]);
  const [got] = await driver.receive("lost", { ...once, waitMs: 2000 });
  const queue = bed.server.namespace.find("lost");
  const [stored] = queue.peek(0, 1);
  queue.complete(stored?.lock?.token ?? "");
  const receipt = got?.receipt ?? "";
  expect(await driver.settle("lost", [{ receipt, outcome: "ack" }])).toEqual([false]);
  expect(await driver.extend?.("lost", [receipt], 1000)).toEqual([false]);
});

test("warns of a queue that others made without duplicate detection", async () => {
  bed.server.namespace.create("plain", { maxDeliveryCount: 2 });
  const logger = recordingLogger();
  const driver = await bed.open(bed.server.url, logger);
  await driver.publish("plain", [message("a")]);
  const warnings = logger.messages("warn").join("\n");
  expect(warnings).toMatch(/no duplicate detection/);
  expect(warnings).toMatch(/MaxDeliveryCount is lower/);
});

test("rejects a namespace that does not answer at all", async () => {
  const [port = 0] = await freePorts(1);
  const url = bed.server.url.replace(/127\.0\.0\.1:\d+/g, `127.0.0.1:${port}`);
  const error = await errorOf(bed.open(url));
  expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
  expect(error.message).toMatch(/ECONNREFUSED.*port 5671/);
});
