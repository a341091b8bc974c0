import assert from "node:assert/strict";
import { type Driver, type Headers, isSluiceError } from "../../core/index.ts";
import { type ConformanceCase, type ConformanceContext, casesOf } from "./conformance-case.ts";
import { ackAll, take, takeNothing, takeOne } from "./consumer.ts";
import { expectDepth } from "./expectations.ts";
import { numbered, outgoing, publishTexts, textsOf } from "./sample-messages.ts";

/** Publishes a queue's own name to it. A driver may refuse a name that its broker cannot have, and says so. */
async function isTaken(driver: Driver, queue: string): Promise<boolean> {
  try {
    await publishTexts(driver, queue, [queue]);
    return true;
  } catch (error) {
    if (isSluiceError(error) && error.code === "QUEUE_NAME_INVALID") return false;
    throw error;
  }
}

const everyByte = Uint8Array.from({ length: 256 }, (_, value) => value);

const bodies: Readonly<Record<string, Uint8Array>> = {
  "an empty body": new Uint8Array(),
  "a body of one byte": Uint8Array.of(0),
  "a body of every byte value": everyByte,
  "a body of bytes that are not UTF-8": Uint8Array.of(0xc3, 0x28, 0xff, 0xfe, 0x00, 0x80),
  "a body of text from many scripts": new TextEncoder().encode(
    "Grüße, 世界! مرحبا 🚀 \u0000 e\u0301",
  ),
  "a body of JSON as it was written": new TextEncoder().encode('{ "b":1,\n"a" : 1.0 }'),
  "a body of a mebibyte": patterned(2 ** 20),
};

const headerSets: Readonly<Record<string, Headers>> = {
  "no headers": {},
  "headers of text from many scripts": { "x-name": "Grüße, 世界 🚀", "x-quote": `"'\\;--` },
  "an empty header": { "x-empty": "" },
  "headers with every allowed character": {
    "!#$%&'*+.^_`|~-09az": "x",
    constructor: "y",
    ["__proto__"]: "z",
  },
  "a hundred headers": Object.fromEntries(numbered(100, "x-").map((name) => [name, `of ${name}`])),
};

const intact: readonly Omit<ConformanceCase, "area">[] = [
  ...Object.entries(bodies).map(([what, body]) => ({
    name: `delivers ${what} unchanged`,
    run: ({ driver, queue }: ConformanceContext) => {
      const limit = driver.capabilities.limits.maxBodyBytes;
      return checkIntact(driver, queue, body.subarray(0, limit), {});
    },
  })),
  ...Object.entries(headerSets).map(([what, headers]) => ({
    name: `delivers ${what} unchanged`,
    run: ({ driver, queue }: ConformanceContext) => checkIntact(driver, queue, everyByte, headers),
  })),
];

/** Nothing is gained by bodies and headers beyond these sizes where a driver knows no limit. */
const largestBodyTried = 64 * 2 ** 20;
const largestHeadersTried = 256 * 2 ** 10;

async function checkIntact(
  driver: Driver,
  queue: string,
  body: Uint8Array,
  headers: Headers,
): Promise<void> {
  const message = outgoing(body, { headers });
  assert.deepEqual(await driver.publish(queue, [message]), [message.id]);
  const delivery = await takeOne(driver, queue);
  assert.equal(delivery.id, message.id);
  assert.ok(Buffer.from(delivery.body).equals(body), "the body's bytes are those published");
  assert.deepEqual(delivery.headers, headers);
  await ackAll(driver, queue, [delivery]);
}

function patterned(length: number): Uint8Array {
  const body = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) body[index] = (index * 31 + (index >> 8)) & 0xff;
  return body;
}

/** What publish promises. */
export const publishCases: readonly ConformanceCase[] = casesOf("publish", [
  ...intact,
  {
    name: "delivers the largest body that it declares",
    runsAlone: true,
    run({ driver, queue }) {
      const size = Math.min(driver.capabilities.limits.maxBodyBytes, largestBodyTried);
      return checkIntact(driver, queue, patterned(size), {});
    },
  },
  {
    name: "delivers the largest headers that it declares",
    run({ driver, queue }) {
      const size = Math.min(driver.capabilities.limits.maxHeaderBytes, largestHeadersTried);
      const name = "x-large";
      return checkIntact(driver, queue, everyByte, { [name]: "h".repeat(size - name.length) });
    },
  },
  {
    name: "resolves with the ids in the order of the messages",
    async run({ driver, queue }) {
      const messages = numbered(20).map((text) => outgoing(text));
      const ids = await driver.publish(queue, messages);
      assert.deepEqual(
        [...ids],
        messages.map((message) => message.id),
      );
    },
  },
  {
    name: "delivers a message under the id it was published with",
    async run({ driver, queue }) {
      const ids = ["plain", "with space", `quote'"\\;--`, "ключ-🔑", "x".repeat(128)];
      await driver.publish(
        queue,
        ids.map((id) => outgoing(id, { id, deduplicate: true })),
      );
      const taken = await take(driver, queue, ids.length);
      assert.deepEqual(taken.map((delivery) => delivery.id).sort(), [...ids].sort());
      for (const delivery of taken) assert.equal(textsOf([delivery])[0], delivery.id);
    },
  },
  {
    name: "takes an empty list and stores nothing",
    async run({ driver, queue }) {
      assert.deepEqual([...(await driver.publish(queue, []))], []);
      await takeNothing(driver, queue);
    },
  },
  {
    name: "stores as many messages in one call as it declares",
    runsAlone: true,
    async run({ driver, queue }) {
      const count = Math.min(driver.capabilities.limits.maxPublishBatch, 2000);
      await publishTexts(driver, queue, numbered(count));
      await expectDepth(driver, queue, { ready: count });
      const taken = await take(driver, queue, count);
      assert.equal(new Set(textsOf(taken)).size, count, "every one of them is delivered once");
    },
  },
  {
    name: "stores what the buffer held at the call, whatever is written into it later",
    async run({ driver, queue }) {
      const body = new TextEncoder().encode("as published");
      await driver.publish(queue, [outgoing(body)]);
      body.fill(0);
      assert.deepEqual(textsOf([await takeOne(driver, queue)]), ["as published"]);
    },
  },
  {
    name: "keeps messages for a consumer that comes later on another connection",
    async run({ driver, queue, open }) {
      await publishTexts(driver, queue, ["early"]);
      assert.deepEqual(textsOf(await take(await open(), queue, 1)), ["early"]);
    },
  },
  {
    name: "keeps queues with similar names apart",
    async run({ driver, queue }) {
      const ends = [".x", "_x", "-x", ":x", "/x", "x"];
      if (driver.capabilities.limits.queueNames !== "case-insensitive") ends.push(".X");
      const longest = queue.padEnd(128, "z");
      const taken: string[] = [];
      for (const name of [...ends.map((end) => `${queue}${end}`), longest])
        if (await isTaken(driver, name)) taken.push(name);
      for (const name of taken) {
        assert.deepEqual(textsOf(await take(driver, name, 1)), [name]);
        await takeNothing(driver, name, 0);
      }
    },
  },
]);
