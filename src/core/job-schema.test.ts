import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineJob } from "./job.ts";
import { describeIssues, type StandardSchema } from "./standard-schema.ts";

const sizes = z.object({ id: z.number(), width: z.number().int().positive() });
const json = (value: unknown) => Buffer.from(JSON.stringify(value));

describe("publishing with a schema", () => {
  test("sends a valid input as it was given, not as the schema transforms it", async () => {
    const job = defineJob("resize", {
      input: z.object({ at: z.string().transform((s) => s.length) }),
    });
    const { body } = await job.encode({ at: "now" });
    expect(body).toEqual(json({ at: "now" }));
  });

  test("refuses an invalid input with each thing that is wrong and where", async () => {
    const job = defineJob("resize", { input: sizes });
    const encoded = job.encode({ id: "7", width: -1 } as never);
    await expect(encoded).rejects.toMatchObject({ code: "INPUT_INVALID", retryable: false });
    await expect(encoded).rejects.toThrow(
      /^input of job resize, sent as json, does not match its schema: id: .*; width: /,
    );
  });

  test("waits for a schema that answers later", async () => {
    const input = z.string().refine(async (text) => text !== "taken", { message: "is taken" });
    const job = defineJob("register", { input });
    await expect(job.encode("taken")).rejects.toThrow("is taken");
    expect((await job.encode("free")).body).toEqual(json("free"));
  });

  test("judges what will travel, so that a worker does not refuse what publish has accepted", async () => {
    const job = defineJob("remind", { input: z.object({ at: z.date() }) });
    await expect(job.encode({ at: new Date(0) })).rejects.toMatchObject({ code: "INPUT_INVALID" });
    const tolerant = defineJob("remind", { input: z.object({ at: z.coerce.date() }) });
    const { body, headers } = await tolerant.encode({ at: new Date(0) });
    const handler = tolerant.handle(() => undefined);
    expect(await handler.decode(body, headers)).toEqual({ at: new Date(0) });
  });

  test("sends what was judged although the caller changes the input meanwhile", async () => {
    const input = z.object({ n: z.number() }).refine(async () => true);
    const value = { n: 1 };
    const encoded = defineJob("count", { input }).encode(value);
    value.n = "changed" as unknown as number;
    expect((await encoded).body).toEqual(json({ n: 1 }));
  });

  test("judges bytes and text as they are", async () => {
    const short = defineJob("note", { body: "text", input: z.string().max(3) });
    await expect(short.encode("long text")).rejects.toMatchObject({ code: "INPUT_INVALID" });
    const bytes = defineJob("blob", { body: "bytes", input: z.instanceof(Uint8Array) });
    expect((await bytes.encode(new Uint8Array([1]))).body).toEqual(new Uint8Array([1]));
  });
});

describe("handling with a schema", () => {
  test("gives the handler what the schema makes of the body", async () => {
    const input = z.object({ id: z.number(), width: z.number().default(320) });
    const handler = defineJob("resize", { input }).handle(() => undefined);
    expect(await handler.decode(json({ id: 7, extra: true }), {})).toEqual({ id: 7, width: 320 });
  });

  test("refuses a body that does not match with the schema's own words", async () => {
    const handler = defineJob("resize", { input: sizes }).handle(() => undefined);
    const decoded = handler.decode(json({ id: 7 }), {});
    await expect(decoded).rejects.toMatchObject({ code: "INPUT_INVALID" });
    await expect(decoded).rejects.toThrow(/^body of a message in queue resize .* width: /);
  });

  test("refuses a body that is no JSON before it asks the schema", async () => {
    const handler = defineJob("resize", { input: z.unknown() }).handle(() => undefined);
    await expect(handler.decode(Buffer.from("{"), {})).rejects.toMatchObject({
      code: "BODY_UNDECODABLE",
    });
  });

  test("lets an error of the schema itself through as it is, since trying again may help", async () => {
    const failing: StandardSchema<string> = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: async () => {
          throw new Error("database away");
        },
      },
    };
    const handler = defineJob("resize", { input: failing }).handle(() => undefined);
    await expect(handler.decode(json("x"), {})).rejects.toThrow("database away");
  });
});

describe("describeIssues", () => {
  test("names the place of each issue, in whichever form the library gives it", () => {
    const issues = [
      { message: "required", path: ["a", { key: "b" }, 0] },
      { message: "bad", path: [] },
      { message: "worse" },
    ];
    expect(describeIssues(issues)).toBe("a.b.0: required; bad; worse");
  });
});
