/** What is wrong is named, with a cure and without a secret. */
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { type Driver, SluiceError, systemClock } from "../../src/core/index.ts";
import { openRabbitmq, rabbitmqDriver } from "../../src/drivers/rabbitmq/index.ts";
import { ackAll, takeOne } from "../../src/testing/driver-conformance/consumer.ts";
import { outgoing, publishTexts } from "../../src/testing/driver-conformance/sample-messages.ts";
import { recordingLogger } from "../support/recording-logger.ts";
import { pretending } from "../support/rewriting-proxy.ts";
import { useRabbitmq } from "./support.ts";

const bed = useRabbitmq();
const context = { clock: systemClock, logger: recordingLogger() };

async function errorOf(attempt: Promise<unknown>): Promise<SluiceError> {
  const error = await attempt.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SluiceError);
  return error as SluiceError;
}

function changed(change: (url: URL) => void): string {
  const url = new URL(bed().server.url);
  change(url);
  return url.href;
}

const password = (url: URL): void => {
  url.password = "wr0ng-secret";
};
const vhost = (url: URL): void => {
  url.pathname = "/nowhere";
};
const tls = (url: URL): void => {
  url.href = url.href.replace("amqp", "amqps");
};
const port = (url: URL): void => {
  url.port = "1";
};

test.each([
  ["a wrong password", password, "refuses this user", "ACCESS_DENIED"],
  ["a missing vhost", vhost, "virtual host", "STORE_MISCONFIGURED"],
  ["TLS on a plain port", tls, "TLS", "STORE_MISCONFIGURED"],
  ["a port where nobody listens", port, "ECONNREFUSED", "STORE_UNAVAILABLE"],
])("tells of %s", async (_what, change, text, code) => {
  const error = await errorOf(openRabbitmq(changed(change), context));
  expect(error).toMatchObject({ code, retryable: code === "STORE_UNAVAILABLE" });
  expect(error.message).toContain(text);
  expect(error.message).not.toContain("secret");
});

test("refuses a server that is too old, without its password", async () => {
  const version = await bed().version();
  const old = await pretending(bed().server.url, version, "3.9.99".slice(0, version.length));
  const error = await errorOf(openRabbitmq(old, context));
  expect(error).toMatchObject({ code: "STORE_MISCONFIGURED", retryable: false });
  expect(error.message).toMatch(/is version 3\.9\..*3\.10 or newer is needed\. Upgrade it/);
  expect(error.message).not.toContain("secret");
});

test("tells of a server that closes the connection during the handshake, as a TLS port does", async () => {
  const free = await new Promise<number>((resolve) => {
    const server = createServer((socket) => socket.once("data", () => socket.end())).listen(
      0,
      () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
        server.unref();
      },
    );
  });
  const error = await errorOf(openRabbitmq(`amqp://a:b@127.0.0.1:${free}/`, context));
  expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
  expect(error.message).toContain("amqps:");
});

test.each([
  "amqp://",
  "amqp:///vhost",
  "amqp://host/a/b",
  "amqp://u:hidden@host/%zz",
  "amqp://u:hidden@host/a%00b",
  "amqp://u%00:hidden@host/",
  `amqp://u:hidden@host/${"v".repeat(256)}`,
  "amqp://u:hidden@host/?queueType=stream",
  "amqp://u:hidden@host/?management=nowhere",
  "amqp://u:hidden@host/?prefetch=7",
])("refuses the URL %s", async (url) => {
  const error = await errorOf(openRabbitmq(url, context));
  expect(error.code).toBe("URL_INVALID");
  expect(error.message).not.toContain("hidden");
});

test("names the argument of a queue that exists otherwise, and declares nothing", async () => {
  const driver = await bed().open();
  const channel = await bed().channel();
  await channel.assertQueue("classic", { durable: true });
  const error = await errorOf(publishTexts(driver, "classic", ["a"]));
  expect(error).toMatchObject({ code: "STORE_MISCONFIGURED", retryable: false });
  expect(error.message).toContain("x-queue-type");
  await expect(channel.checkQueue("classic.dead")).rejects.toThrow("404");
  await publishTexts(driver, "another", ["a"]); // the connection goes on
  const classic = await bed().open("?queueType=classic");
  await publishTexts(classic, "classic", ["a"]);
  expect((await takeOne(classic, "classic")).attempt).toBe(1);
});

test("tells a user without rights what is missing, and works where queues are there already", async () => {
  const owner = await bed().open();
  await publishTexts(owner, "permitted", ["a"]);
  await bed().manage("PUT", "users/guestworker", { password: "pw", tags: "" });
  const rights = { configure: "^$", write: "^amq.default$", read: "^permitted" };
  await bed().manage("PUT", "permissions/%2F/guestworker", rights);
  const limited: Driver = await rabbitmqDriver({
    hostname: "127.0.0.1",
    port: Number(new URL(bed().server.url).port),
    username: "guestworker",
    password: "pw",
  });
  try {
    const delivery = await takeOne(limited, "permitted");
    await ackAll(limited, "permitted", [delivery]);
    const error = await errorOf(publishTexts(limited, "forbidden", ["a"]));
    expect(error).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
    expect(error.message).toContain("forbidden");
  } finally {
    await limited.close();
  }
});

test("refuses names that belong to the driver", async () => {
  const driver = await bed().open();
  for (const name of ["mail.dead", "sluice.delay.07"]) {
    const error = await errorOf(publishTexts(driver, name, ["a"]));
    expect(error.code).toBe("QUEUE_NAME_INVALID");
  }
});

test("rejects a body over the server's limit as such, and others of the same time as retryable", async () => {
  const driver = await bed().open();
  await publishTexts(driver, "large", ["first"]);
  const results = await Promise.allSettled([
    driver.publish("large", [outgoing(new Uint8Array(140 * 2 ** 20))]),
    publishTexts(driver, "large", ["beside"]),
  ]);
  const [large, beside] = results;
  expect(large).toMatchObject({
    status: "rejected",
    reason: { code: "BODY_TOO_LARGE", retryable: false },
  });
  if (beside?.status === "rejected") expect(beside.reason).toMatchObject({ retryable: true });
  await publishTexts(driver, "large", ["after"]);
}, 60_000);
