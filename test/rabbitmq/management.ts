/** What the management API adds, and what becomes of depth without it. */
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, expect, onTestFinished } from "vitest";
import { type Driver, SluiceError } from "../../src/core/index.ts";
import { ack, settleAll, take, takeOne } from "../../src/testing/driver-conformance/consumer.ts";
import { eventually, pause } from "../../src/testing/driver-conformance/expectations.ts";
import { publishTexts } from "../../src/testing/driver-conformance/sample-messages.ts";
import { test } from "../support/cli.ts";
import { freePorts } from "../support/servers/free-port.ts";
import { useRabbitmq } from "./support.ts";

const bed = useRabbitmq();

function managed(adminUrl = bed().server.adminUrl ?? ""): string {
  return `?management=${encodeURIComponent(adminUrl)}`;
}

/** Nearly ten messages a second come and go until `work` is over. */
async function whileFlowing(driver: Driver, queue: string, work: Promise<void>): Promise<void> {
  let isOver = false;
  const flow = async (): Promise<void> => {
    while (!isOver) {
      await publishTexts(driver, queue, ["a", "b"]);
      await settleAll(driver, queue, (await take(driver, queue, 2)).map(ack));
      await pause(200);
    }
  };
  const flowing = flow();
  await work.finally(() => {
    isOver = true;
  });
  await flowing;
}

// Most of the time they wait for statistics, which the broker gathers every few seconds.
describe.concurrent("with the management API", { timeout: 60_000 }, () => {
  test("tells of messages in flight, the oldest age and its queues", async () => {
    const driver = await bed().open(managed());
    await publishTexts(driver, "managed", ["a", "b"]);
    await takeOne(driver, "managed");
    await eventually(async () => {
      const depth = await driver.depth("managed");
      expect(depth).toMatchObject({ ready: 1, inFlight: 1, delayed: null, dead: 0 });
      expect(depth.oldestAgeMs).toBeGreaterThan(0);
      expect(depth.oldestAgeMs).toBeLessThanOrEqual(20_000);
    }, 20_000);
    expect(await driver.queues?.()).toContain("managed");
    expect(await driver.queues?.()).not.toContain("managed.dead");
  });

  test("tells nothing, which is not zero, of a queue that has no statistics yet", async () => {
    const driver = await bed().open(managed());
    const rates = { publish: null, deliver: null, settle: null };
    expect(await driver.depth("untouched")).toMatchObject({ ready: 0, oldestAgeMs: null, rates });
  });

  test("tells how many messages per second are published, delivered and settled", async () => {
    const driver = await bed().open(managed());
    const seen = eventually(async () => {
      const { rates } = await driver.depth("flowing");
      // Nearly ten, in an average of five seconds, of which the first may lack some.
      for (const perSecond of [rates?.publish, rates?.deliver, rates?.settle]) {
        expect(perSecond).toBeGreaterThan(1);
        expect(perSecond).toBeLessThan(20);
      }
    }, 30_000);
    await whileFlowing(driver, "flowing", seen);
  });

  test("shows rates in sluice status, as a table and as JSON", async ({ cli }) => {
    const driver = await bed().open();
    await driver.depth("shown");
    const status = (...args: readonly string[]) =>
      cli.run(["status", "shown", ...args], {
        env: { SLUICE_URL: `${bed().server.url}${managed()}` },
      });
    const seen = eventually(async () => {
      const table = (await status()).stdout.replace("in flight", "in-flight").trim();
      const [head, row] = table.split("\n").map((line) => line.split(/ +/));
      const names = ["queue", "ready", "in-flight", "delayed", "dead", "oldest"];
      expect(head).toEqual([...names, "publish/s", "settle/s"]);
      const perSecond = expect.stringMatching(/^[1-9]\d*\.\d$/);
      expect(row?.slice(6)).toEqual([perSecond, perSecond]);
      const { queues } = JSON.parse((await status("--json")).stdout);
      const figures = { publish: expect.any(Number), settle: expect.any(Number) };
      expect(queues).toMatchObject([{ queue: "shown", rates: figures }]);
    }, 30_000);
    await whileFlowing(driver, "shown", seen);
  });
});

describe("without the management API", () => {
  test("has no rates, and no column for them", async ({ cli }) => {
    const driver = await bed().open();
    await publishTexts(driver, "plainly", ["a"]);
    expect(await driver.depth("plainly")).not.toHaveProperty("rates");
    expect(driver.capabilities.depth.rates ?? "unknown").toBe("unknown");
    const { stdout } = await cli.run(["status", "plainly"], {
      env: { SLUICE_URL: bed().server.url },
    });
    expect(stdout).not.toContain("publish/s");
  });

  test.for([
    ["where nobody listens", "STORE_UNAVAILABLE", "does not answer"],
    ["that refuses the user", "ACCESS_DENIED", "tag monitoring"],
    ["that is another web server", "STORE_UNAVAILABLE", "200 without JSON"],
  ] as const)("rejects depth with an address %s, instead of counting less", async (row) => {
    const [address, code, text] = row;
    const { adminUrl = "" } = bed().server;
    const [port = 0] = await freePorts(1);
    const urls = {
      "where nobody listens": `http://ada:hunter2@127.0.0.1:${port}`,
      "that refuses the user": adminUrl.replace("secret", "hunter2"),
      "that is another web server": await webServer(),
    };
    const driver = await bed().open(managed(urls[address]));
    for (const ask of [() => driver.depth("plainly"), () => driver.queues?.()]) {
      const error = await Promise.resolve(ask()).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(SluiceError);
      expect(error).toMatchObject({ code, message: expect.stringContaining(text) });
      expect(String(error)).not.toContain("hunter2");
    }
    await publishTexts(driver, "plainly", ["b"]); // everything else goes on
  });
});

/** One that knows nothing of RabbitMQ. */
async function webServer(): Promise<string> {
  const server = createServer((_request, response) => response.end("<p>Welcome</p>"));
  server.listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close();
  });
  await once(server, "listening");
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}
