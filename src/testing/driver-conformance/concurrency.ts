import assert from "node:assert/strict";
import { createId, type Driver } from "../../core/index.ts";
import { seededRandom } from "../seeded-random.ts";
import { type ConformanceCase, casesOf } from "./conformance-case.ts";
import {
  ack,
  ackAll,
  failureOf,
  longLeaseMs,
  release,
  retry,
  settleAll,
  take,
  takeNothing,
} from "./consumer.ts";
import { expectDepth } from "./expectations.ts";
import { numbered, outgoing, publishTexts, textsOf } from "./sample-messages.ts";

/** Several connections to the same store. */
function openSeveral(count: number, open: () => Promise<Driver>): Promise<readonly Driver[]> {
  return Promise.all(numbered(count).map(() => open()));
}

/** Receives until `isDone`, handing over what came. */
async function consumeUntil(
  isDone: () => boolean,
  consumer: { readonly driver: Driver; readonly queue: string; readonly max: number },
  use: (got: Awaited<ReturnType<Driver["receive"]>>) => Promise<void>,
): Promise<void> {
  const { driver, queue, max } = consumer;
  while (!isDone()) {
    await use(await driver.receive(queue, { max, waitMs: 200, leaseMs: longLeaseMs }));
  }
}

/** What holds when many publish and consume at once. */
export const concurrencyCases: readonly ConformanceCase[] = casesOf("concurrency", [
  {
    name: "loses and doubles nothing between ten publishers and ten consumers",
    runsAlone: true,
    timeoutMs: 60_000,
    async run({ queue, open }) {
      const drivers = await openSeveral(4, open);
      const published = new Set<string>();
      const received: string[] = [];
      const publishers = numbered(10).map(async (_name, index) => {
        const driver = drivers[index % drivers.length] as Driver;
        for (let round = 0; round < 20; round += 1) {
          const ids = numbered(10).map(() => createId(Date.now()));
          for (const id of ids) published.add(id);
          await driver.publish(
            queue,
            ids.map((id) => outgoing(id, { id })),
          );
        }
      });
      const consumers = numbered(10).map((_name, index) => {
        const driver = drivers[(index + 1) % drivers.length] as Driver;
        const isDone = (): boolean => received.length >= 2000;
        return consumeUntil(isDone, { driver, queue, max: 7 }, async (got) => {
          received.push(...textsOf(got));
          await settleAll(driver, queue, got.map(ack));
        });
      });
      await Promise.all([...publishers, ...consumers]);
      assert.equal(received.length, 2000, "no message is received twice");
      assert.deepEqual(new Set(received), published);
      await expectDepth(drivers[0] as Driver, queue, {});
    },
  },
  {
    name: "never leases a message to two consumers at once",
    runsAlone: true,
    timeoutMs: 60_000,
    async run({ driver, queue, open }) {
      const drivers = await openSeveral(3, open);
      const random = seededRandom(7);
      const held = new Set<string>();
      let left = 100;
      await publishTexts(driver, queue, numbered(left));
      const endings = [retry, release, ack];
      await Promise.all(
        numbered(9).map((_name, index) => {
          const own = drivers[index % drivers.length] as Driver;
          return consumeUntil(
            () => left === 0,
            { driver: own, queue, max: 3 },
            async (got) => {
              for (const { id } of got) {
                assert.ok(!held.has(id), `${id} is leased while another consumer holds it`);
                held.add(id);
              }
              await new Promise((resolve) => setTimeout(resolve, random() * 4));
              const settlements = got.map((delivery) => {
                const end = endings[Math.floor(random() * endings.length)] ?? ack;
                return end(delivery);
              });
              // Given up before the call: once it is under way, another may rightly have the message.
              for (const { id } of got) held.delete(id);
              await settleAll(own, queue, settlements);
              left -= settlements.filter(({ outcome }) => outcome === "ack").length;
            },
          );
        }),
      );
      await expectDepth(driver, queue, {});
    },
  },
  {
    name: "keeps twenty queues apart that are used at once",
    runsAlone: true,
    timeoutMs: 60_000,
    async run({ driver, freshQueue, open }) {
      const other = await open();
      await Promise.all(
        numbered(20).map(async () => {
          const queue = freshQueue();
          const texts = numbered(30, queue);
          const got = take(other, queue, 30, { waitMs: 30_000 });
          for (let start = 0; start < texts.length; start += 10)
            await publishTexts(driver, queue, texts.slice(start, start + 10));
          assert.deepEqual([...textsOf(await got)].sort(), [...texts].sort());
          await ackAll(other, queue, await got);
          await expectDepth(driver, queue, {});
        }),
      );
    },
  },
  {
    name: "delivers everything in the end when consumers fail again and again",
    runsAlone: true,
    timeoutMs: 60_000,
    async run({ queue, driver, open }) {
      const drivers = await openSeveral(3, open);
      const failures = new Map<string, number>();
      const done = new Set<string>();
      await publishTexts(driver, queue, numbered(50));
      await Promise.all(
        drivers.map((own) =>
          consumeUntil(
            () => done.size === 50,
            { driver: own, queue, max: 5 },
            async (got) => {
              const settlements = got.map((delivery) => {
                const failed = failures.get(delivery.id) ?? 0;
                assert.equal(delivery.attempt, failed + 1, "every failure is counted once");
                if (failed === 4) return ack(delivery);
                failures.set(delivery.id, failed + 1);
                return retry(delivery, 0, failureOf(delivery, "again"));
              });
              for (const [index, { outcome }] of settlements.entries())
                if (outcome === "ack") done.add(got[index]?.id ?? "");
              await settleAll(own, queue, settlements);
            },
          ),
        ),
      );
      await takeNothing(driver, queue, 0);
    },
  },
  {
    name: "loses nothing when consumers come and go",
    runsAlone: true,
    timeoutMs: 60_000,
    async run({ driver, queue, open }) {
      const texts: string[] = [];
      await publishTexts(driver, queue, numbered(500));
      for (let round = 0; round < 5; round += 1) {
        const consumer = await open();
        const got = await take(consumer, queue, 100);
        texts.push(...textsOf(got));
        await ackAll(consumer, queue, got);
        await consumer.close();
      }
      assert.deepEqual(texts.sort(), [...numbered(500)].sort());
      await expectDepth(driver, queue, {});
    },
  },
  {
    name: "keeps every confirmed message when publishers close right after",
    runsAlone: true,
    timeoutMs: 60_000,
    async run({ driver, queue, open }) {
      const confirmed: string[] = [];
      await Promise.all(
        numbered(10, "p").map(async (name) => {
          const publisher = await open();
          for (const text of numbered(20, name)) {
            await publishTexts(publisher, queue, [text]);
            confirmed.push(text);
          }
          await publisher.close();
        }),
      );
      const got = textsOf(await take(driver, queue, confirmed.length));
      assert.deepEqual([...got].sort(), confirmed.sort());
    },
  },
]);
