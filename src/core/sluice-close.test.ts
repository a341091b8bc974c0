import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { stubDriver } from "../../test/support/stub-driver.ts";
import type { Driver } from "./driver.ts";
import { defineJob } from "./job.ts";
import { Sluice } from "./sluice.ts";

/** A broker that confirms only when told to, and what reached it in which order. */
function slowBroker() {
  const events: string[] = [];
  const confirmations: (() => void)[] = [];
  const publish: Driver["publish"] = async (_queue, messages) => {
    events.push(`publish ${messages.length}`);
    await new Promise<void>((confirm) => {
      confirmations.push(confirm);
    });
    events.push("confirmed");
    return messages.map((message) => message.id);
  };
  const close = vi.fn(async () => {
    events.push("closed");
  });
  return { events, confirmations, close, sluice: new Sluice(stubDriver({ publish, close })) };
}

const turns = async () => {
  for (let count = 0; count < 5; count += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe("close", () => {
  test("waits for a send under way and for those that wait behind it", async () => {
    const { sluice, events, confirmations } = slowBroker();
    const sent = [sluice.publish("mail", 1)];
    await turns();
    sent.push(sluice.publish("mail", 2));
    const closed = sluice.close();
    await turns();
    expect(events).toEqual(["publish 1"]);
    confirmations[0]?.();
    await turns();
    confirmations[1]?.();
    await closed;
    expect(events).toEqual(["publish 1", "confirmed", "publish 1", "confirmed", "closed"]);
    expect(await Promise.all(sent)).toHaveLength(2);
  });

  test("waits for a publish whose input is still being validated", async () => {
    const { sluice, events, confirmations } = slowBroker();
    const slow = z.number().refine(async () => {
      await turns();
      return true;
    });
    const sent = sluice.publish(defineJob("mail", { input: slow }), 1);
    const closed = sluice.close();
    await turns();
    await turns();
    confirmations[0]?.();
    await closed;
    expect(await sent).toEqual(expect.any(String));
    expect(events).toEqual(["publish 1", "confirmed", "closed"]);
  });

  test("waits for all groups of a publishMany", async () => {
    const { sluice, events, confirmations } = slowBroker();
    const sent = sluice.publishMany("mail", [1, 2, 3, 4]);
    const closed = sluice.close();
    await turns();
    confirmations[0]?.();
    await turns();
    confirmations[1]?.();
    await closed;
    expect(await sent).toHaveLength(4);
    expect(events).toEqual(["publish 3", "confirmed", "publish 1", "confirmed", "closed"]);
  });

  test("is not held up by a send that failed", async () => {
    const close = vi.fn(async () => undefined);
    const publish = async () => {
      throw new Error("away");
    };
    const sluice = new Sluice(stubDriver({ publish, close }));
    const sent = sluice.publish("mail", 1).catch((error: unknown) => error);
    await sluice.close();
    expect(await sent).toMatchObject({ message: "away" });
    expect(close).toHaveBeenCalledTimes(1);
  });

  test("closes the driver once, however often it is called", async () => {
    const { sluice, close } = slowBroker();
    await Promise.all([sluice.close(), sluice.close()]);
    await sluice.close();
    expect(close).toHaveBeenCalledTimes(1);
  });

  test("takes nothing more from the moment it is called", async () => {
    const { sluice, events } = slowBroker();
    const closed = sluice.close();
    const refused = { code: "CLOSED" };
    await expect(sluice.publish("mail", 1)).rejects.toMatchObject(refused);
    await expect(sluice.publishMany("mail", [1])).rejects.toMatchObject(refused);
    await closed;
    expect(events).toEqual(["closed"]);
  });
});
