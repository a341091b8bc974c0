import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { leastCapabilities, stubDriver } from "../../test/support/stub-driver.ts";
import { SluiceError } from "./errors.ts";
import { defineJob } from "./job.ts";
import type { OutgoingMessage } from "./message.ts";
import { Sluice } from "./sluice.ts";

function recorded() {
  const publish = vi.fn(async (_queue: string, messages: readonly OutgoingMessage[]) =>
    messages.map((message) => message.id),
  );
  const capabilities = { ...leastCapabilities, delay: "native" } as const;
  return { publish, sluice: new Sluice(stubDriver({ publish, capabilities })) };
}

describe("publishMany", () => {
  test("sends in groups of the driver's size and resolves with the ids in order", async () => {
    const { sluice, publish } = recorded();
    const inputs = [1, 2, 3, 4, 5, 6, 7];
    const ids = await sluice.publishMany("mail", inputs, (input) => ({ id: `n${input}` }));
    expect(ids).toEqual(inputs.map((input) => `n${input}`));
    expect(publish.mock.calls.map(([, messages]) => messages.length)).toEqual([3, 3, 1]);
  });

  test("sends nothing for no inputs", async () => {
    const { sluice, publish } = recorded();
    expect(await sluice.publishMany("mail", [])).toEqual([]);
    expect(publish).not.toHaveBeenCalled();
  });

  test("gives all inputs the same options, or each its own", async () => {
    const { sluice, publish } = recorded();
    await sluice.publishMany("mail", [1, 2], { delay: "1s" });
    await sluice.publishMany("mail", [1, 2], (_input, index) => ({ delay: index }));
    const delays = publish.mock.calls.map(([, messages]) => messages.map(({ delayMs }) => delayMs));
    expect(delays).toEqual([
      [1000, 1000],
      [0, 1],
    ]);
  });

  test("sends nothing when any input or option is bad", async () => {
    const { sluice, publish } = recorded();
    const job = defineJob("count", { input: z.number() });
    const inputs = [1, 2, 3, 4, "five" as unknown as number];
    await expect(sluice.publishMany(job, inputs)).rejects.toMatchObject({ code: "INPUT_INVALID" });
    await expect(
      sluice.publishMany("mail", inputs, (_input, index) => ({ delay: 3 - index })),
    ).rejects.toMatchObject({ code: "DURATION_INVALID" });
    expect(publish).not.toHaveBeenCalled();
  });

  test("stops at the first group that the broker refuses, with its error", async () => {
    const { sluice, publish } = recorded();
    const full = new SluiceError("STORE_FULL", "no space left");
    publish.mockResolvedValueOnce(["1", "2", "3"]).mockRejectedValueOnce(full);
    await expect(sluice.publishMany("mail", [1, 2, 3, 4, 5, 6, 7])).rejects.toBe(full);
    expect(publish).toHaveBeenCalledTimes(2);
  });
});

describe("what only some brokers can do", () => {
  test.each<[string, (sluice: Sluice) => Promise<unknown>]>([
    ["list queues", (sluice) => sluice.queues()],
    ["list dead letters", (sluice) => sluice.deadLetters("mail")],
    ["redrive dead letters", (sluice) => sluice.redrive("mail")],
    ["purge dead letters", (sluice) => sluice.purgeDeadLetters("mail")],
    ["peek at messages", (sluice) => sluice.peek("mail")],
    ["purge a queue", (sluice) => sluice.purge("mail")],
  ])("is refused by name where the driver cannot %s", async (what, call) => {
    const called = call(new Sluice(stubDriver()));
    await expect(called).rejects.toMatchObject({ code: "OPTION_UNSUPPORTED" });
    await expect(called).rejects.toThrow(`the stub driver cannot ${what}.`);
  });

  test("is passed on to the driver, as a method of it, with the default limits", async () => {
    const driver = stubDriver({
      async deadLetters(_queue, { limit }) {
        expect(this.name).toBe("stub");
        return [{ id: String(limit) } as never];
      },
      peek: async (_queue, { limit }) => [{ id: String(limit) } as never],
      redrive: async (_queue, { ids }) => ids?.length ?? -1,
    });
    const sluice = new Sluice(driver);
    expect(await sluice.deadLetters("mail")).toEqual([{ id: "100" }]);
    expect(await sluice.peek("mail")).toEqual([{ id: "20" }]);
    expect(await sluice.redrive("mail", { ids: ["a", "b"] })).toBe(2);
    expect(await sluice.redrive("mail")).toBe(-1);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    "refuses a limit of %d instead of handing it to a broker",
    async (limit) => {
      const list = vi.fn(async () => []);
      const sluice = new Sluice(stubDriver({ deadLetters: list, peek: list }));
      const refused = { code: "OPTION_INVALID" };
      await expect(sluice.deadLetters("mail", { limit })).rejects.toMatchObject(refused);
      await expect(sluice.peek("mail", { limit })).rejects.toMatchObject(refused);
      expect(list).not.toHaveBeenCalled();
    },
  );

  test.each<[string, (sluice: Sluice) => Promise<unknown>]>([
    ["depth", (sluice) => sluice.depth("a b")],
    ["deadLetters", (sluice) => sluice.deadLetters("a b")],
    ["redrive", (sluice) => sluice.redrive("a b")],
    ["purgeDeadLetters", (sluice) => sluice.purgeDeadLetters("a b")],
    ["peek", (sluice) => sluice.peek("a b")],
    ["purge", (sluice) => sluice.purge("a b")],
    ["publishMany", (sluice) => sluice.publishMany("a b", [1])],
    [
      "publishEncoded",
      (sluice) => sluice.publishEncoded("a b", { body: Buffer.from(""), headers: {} }),
    ],
  ])("%s refuses a bad queue name before the driver sees it", async (_name, call) => {
    const driver = stubDriver({
      deadLetters: async () => [],
      redrive: async () => 0,
      purgeDeadLetters: async () => 0,
      peek: async () => [],
      purge: async () => 0,
    });
    await expect(call(new Sluice(driver))).rejects.toMatchObject({ code: "QUEUE_NAME_INVALID" });
  });
});
