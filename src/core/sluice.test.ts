import { describe, expect, test, vi } from "vitest";
import { leastCapabilities, stubDriver } from "../../test/support/stub-driver.ts";
import type { Driver } from "./driver.ts";
import { defineJob } from "./job.ts";
import type { OutgoingMessage } from "./message.ts";
import { type PublishOptions, Sluice } from "./sluice.ts";

/** A connection to a broker with every option, and the calls that reach it. */
function recorded(capabilities: Partial<Driver["capabilities"]> = {}) {
  const publish = vi.fn(async (_queue: string, messages: readonly OutgoingMessage[]) =>
    messages.map((message) => message.id),
  );
  const all = { ...leastCapabilities, delay: "native", priority: "native" } as const;
  const limits = { ...all.limits, maxPriority: 9 };
  const driver = stubDriver({ publish, capabilities: { ...all, limits, ...capabilities } });
  const sent = () => publish.mock.calls.flatMap(([, messages]) => messages);
  return { sluice: new Sluice(driver), publish, sent };
}

describe("publish", () => {
  test("hands the driver a message with everything decided and resolves with its id", async () => {
    const { sluice, publish, sent } = recorded();
    const id = await sluice.publish("mail", { to: "ada" });
    expect(publish.mock.calls[0]?.[0]).toBe("mail");
    expect(sent()).toEqual([
      {
        id,
        body: Buffer.from('{"to":"ada"}'),
        headers: {},
        delayMs: 0,
        priority: 0,
        deduplicate: false,
      },
    ]);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("hands on delay, id, headers and priority", async () => {
    const { sluice, sent } = recorded();
    const options = { delay: "30s", id: "order-7", headers: { Tenant: "eu" }, priority: 9 };
    expect(await sluice.publish("mail", 1, options)).toBe("order-7");
    expect(sent()[0]).toMatchObject({
      id: "order-7",
      headers: { tenant: "eu" },
      delayMs: 30_000,
      priority: 9,
      deduplicate: true,
    });
  });

  test("lets the caller's headers win over the content type of the format", async () => {
    const { sluice, sent } = recorded();
    const job = defineJob<string>("note", { body: "text" });
    await sluice.publish(job, "a,b", { headers: { "Content-Type": "text/csv" } });
    expect(sent()[0]?.headers).toEqual({ "content-type": "text/csv" });
  });

  test("groups publishes of one moment by queue", async () => {
    const { sluice, publish } = recorded();
    await Promise.all([sluice.publish("a", 1), sluice.publish("b", 2), sluice.publish("a", 3)]);
    const calls = publish.mock.calls.map(([queue, messages]) => [queue, messages.length]);
    expect(calls).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
  });

  test("takes a body and headers of exactly the limit", async () => {
    const { sluice, sent } = recorded();
    await sluice.publish("a", new Uint8Array(100));
    await sluice.publish("a", 1, { headers: { n: "x".repeat(59) } });
    expect(sent()).toHaveLength(2);
  });
});

describe("publish refuses, and sends nothing, for", () => {
  const long = "x".repeat(200_000);
  test.each<[string, unknown, PublishOptions, string]>([
    ["a body over the limit", "x".repeat(99), {}, "BODY_TOO_LARGE"],
    ["a value that is no JSON", undefined, {}, "INPUT_INVALID"],
    ["headers over the limit", 1, { headers: { n: "x".repeat(60) } }, "HEADERS_INVALID"],
    ["a bad header", 1, { headers: { "sluice-x": "1" } }, "HEADERS_INVALID"],
    ["a negative delay", 1, { delay: -1 }, "DURATION_INVALID"],
    ["a delay that is none", 1, { delay: "later" }, "DURATION_INVALID"],
    ["a delay over the limit", 1, { delay: "61s" }, "OPTION_INVALID"],
    ["a priority over the limit", 1, { priority: 10 }, "OPTION_INVALID"],
    ["a negative priority", 1, { priority: -1 }, "OPTION_INVALID"],
    ["half a priority", 1, { priority: 0.5 }, "OPTION_INVALID"],
    ["a priority that is no number", 1, { priority: Number.NaN }, "OPTION_INVALID"],
    ["a priority that is a text", 1, { priority: "high" as unknown as number }, "OPTION_INVALID"],
    ["an empty id", 1, { id: "" }, "OPTION_INVALID"],
    ["an id of 129 characters", 1, { id: "x".repeat(129) }, "OPTION_INVALID"],
    ["an id of any length, in a short error", 1, { id: long }, "OPTION_INVALID"],
    ["an id with a line break", 1, { id: "a\nb" }, "OPTION_INVALID"],
    ["an id with half of a surrogate pair", 1, { id: "a\ud83d" }, "OPTION_INVALID"],
    ["an id that is a number", 1, { id: 7 as unknown as string }, "OPTION_INVALID"],
    ["an id that is a bigint", 1, { id: 7n as unknown as string }, "OPTION_INVALID"],
  ])("%s", async (_what, input, options, code) => {
    const { sluice, publish } = recorded();
    const error = await sluice.publish("mail", input, options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, message: expect.stringMatching(/^.{1,400}$/s) });
    expect(publish).not.toHaveBeenCalled();
  });

  test("a bad queue name", async () => {
    const { sluice, publish } = recorded();
    await expect(sluice.publish("a b", 1)).rejects.toMatchObject({ code: "QUEUE_NAME_INVALID" });
    expect(publish).not.toHaveBeenCalled();
  });
});

describe("an option that the broker lacks", () => {
  const none = { delay: "none", priority: "none" } as const;

  test.each<[string, PublishOptions]>([
    ["delay", { delay: 1 }],
    ["priority", { priority: 1 }],
  ])("is refused by name instead of ignored: %s", async (_name, options) => {
    const { sluice, publish } = recorded(none);
    const published = sluice.publish("mail", 1, options);
    await expect(published).rejects.toMatchObject({ code: "OPTION_UNSUPPORTED" });
    await expect(published).rejects.toThrow(/^the stub driver cannot .*, or use another queue URL/);
    expect(publish).not.toHaveBeenCalled();
  });

  test("may be given its default", async () => {
    const { sluice, sent } = recorded(none);
    await sluice.publish("mail", 1, { delay: "0s", priority: 0 });
    expect(sent()).toHaveLength(1);
  });
});

describe("publishing inside a transaction", () => {
  const query = async () => ({ rows: [] });
  const transaction = { query };

  function transactional() {
    const within: [unknown, string, number][] = [];
    const driver = stubDriver({
      async publishWithin(client, queue, messages) {
        within.push([client, queue, messages.length]);
        return messages.map(({ id }) => id);
      },
      publish: () => Promise.reject(new Error("not inside the transaction")),
    });
    return { sluice: new Sluice(driver), within };
  }

  test("goes to the driver with the caller's connection, each call by itself", async () => {
    const { sluice, within } = transactional();
    const id = await sluice.publish("mail", 1, { transaction, id: "chosen" });
    expect(id).toBe("chosen");
    await sluice.publishMany("mail", [1, 2, 3, 4], (_input, index) => ({
      transaction,
      id: `m${index}`,
    }));
    await sluice.publishEncoded("mail", { body: Buffer.from("1"), headers: {} }, { transaction });
    expect(within).toEqual([
      [transaction, "mail", 1],
      [transaction, "mail", 3],
      [transaction, "mail", 1],
      [transaction, "mail", 1],
    ]);
  });

  test("keeps the order of what is published at the same time, in one round trip", async () => {
    const { sluice, within } = transactional();
    const other = { query };
    await Promise.all([
      sluice.publish("mail", 1, { transaction }),
      sluice.publish("mail", 2, { transaction: other }),
      sluice.publish("mail", 3, { transaction }),
    ]);
    expect(within).toEqual([
      [transaction, "mail", 2],
      [other, "mail", 1],
    ]);
  });

  test("is refused where the driver cannot", async () => {
    const { sluice, publish } = recorded();
    const published = sluice.publish("mail", 1, { transaction });
    await expect(published).rejects.toMatchObject({ code: "OPTION_UNSUPPORTED" });
    await expect(sluice.publishMany("mail", [1], { transaction })).rejects.toThrow(/transaction/);
    expect(publish).not.toHaveBeenCalled();
  });

  test.each<[string, unknown]>([
    ["a pool", { query, totalCount: 1 }],
    ["no connection", {}],
    ["null", null],
    ["a text", "BEGIN"],
  ])("is refused with %s", async (_what, wrong) => {
    const { sluice, within } = transactional();
    const published = sluice.publish("mail", 1, { transaction: wrong as never });
    await expect(published).rejects.toMatchObject({ code: "OPTION_INVALID" });
    expect(within).toEqual([]);
  });

  test("is refused with another one for each input of publishMany", async () => {
    const { sluice, within } = transactional();
    const published = sluice.publishMany("mail", [1, 2], () => ({ transaction: { query } }));
    await expect(published).rejects.toMatchObject({ code: "OPTION_INVALID" });
    expect(within).toEqual([]);
  });
});

describe("publishEncoded", () => {
  test("passes a body and its headers on as they are", async () => {
    const { sluice, sent } = recorded();
    const encoded = { body: new Uint8Array([1, 2]), headers: { "content-type": "x/y" } };
    await sluice.publishEncoded("mail", encoded, { id: "same" });
    expect(sent()[0]).toMatchObject({ ...encoded, id: "same" });
  });

  test("checks headers that come with the body like those of the options", async () => {
    const { sluice, publish } = recorded();
    const encoded = { body: new Uint8Array(), headers: { "bad name\n": "x" } };
    await expect(sluice.publishEncoded("mail", encoded)).rejects.toMatchObject({
      code: "HEADERS_INVALID",
    });
    expect(publish).not.toHaveBeenCalled();
  });
});
