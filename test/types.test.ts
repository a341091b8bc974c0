/**
 * What the compiler knows about jobs: checked by `tsc -p tsconfig.json`, where a wrong expectation is an error. Nothing
 * here runs; the runner only counts it.
 */
import { describe, expectTypeOf, test } from "vitest";
import { z } from "zod";
import {
  defineJob,
  defineWorker,
  execHandler,
  type Job,
  type JobDefinition,
  type JobHandler,
  type Outcome,
  type PublishOptions,
  type Sluice,
  type StandardSchema,
} from "../src/index.ts";

/** A function that is compiled and never called. */
const compiled = (_code: (sluice: Sluice) => unknown): void => undefined;

const sized = z.object({
  id: z.number(),
  width: z.string().transform((text) => Number(text)),
  crop: z.boolean().default(false),
});

describe("a job with a schema", () => {
  const resize = defineJob("resize", { input: sized, retry: { attempts: 3 } });
  type Given = { id: number; width: string; crop?: boolean | undefined };
  type Made = { id: number; width: number; crop: boolean };

  test("takes what the schema takes and gives the handler what the schema makes of it", () => {
    expectTypeOf(resize).toEqualTypeOf<JobDefinition<Given, Made>>();
    expectTypeOf(resize.encode).parameter(0).toEqualTypeOf<Given>();
    compiled(() =>
      resize.handle((input, job) => {
        expectTypeOf(input).toEqualTypeOf<Made>();
        expectTypeOf(job).toEqualTypeOf<Job>();
      }),
    );
  });

  test("is published with the input of the schema and nothing else", () => {
    compiled(async (sluice) => {
      expectTypeOf(await sluice.publish(resize, { id: 7, width: "320" })).toEqualTypeOf<string>();
      await sluice.publish(resize, { id: 7, width: "320", crop: true }, { delay: "30s" });
      // @ts-expect-error the schema's output is not its input
      await sluice.publish(resize, { id: 7, width: 320 });
      // @ts-expect-error width is missing
      await sluice.publish(resize, { id: 7 });
      // @ts-expect-error there is no height
      await sluice.publish(resize, { id: 7, width: "320", height: 1 });
      // @ts-expect-error an input is needed
      await sluice.publish(resize);
    });
  });

  test("is published many times with inputs of the schema, and options that know them", () => {
    compiled(async (sluice) => {
      const many = sluice.publishMany(resize, [{ id: 7, width: "320" }], (input, index) => {
        expectTypeOf(input).toEqualTypeOf<Given>();
        expectTypeOf(index).toEqualTypeOf<number>();
        return { id: `resize-${input.id}` };
      });
      expectTypeOf(await many).toEqualTypeOf<readonly string[]>();
      // @ts-expect-error the schema's output is not its input
      await sluice.publishMany(resize, [{ id: 7, width: 320 }]);
      // @ts-expect-error a list is needed
      await sluice.publishMany(resize, { id: 7, width: "320" });
    });
  });

  test("may use any library that implements Standard Schema", () => {
    const odd = {} as StandardSchema<string, number>;
    compiled(() =>
      expectTypeOf(defineJob("odd", { input: odd })).toEqualTypeOf<JobDefinition<string, number>>(),
    );
  });
});

describe("a job without a schema", () => {
  test("has the type that is named", () => {
    const named = defineJob<{ id: number }>("named", { timeout: "2m" });
    expectTypeOf(named).toEqualTypeOf<JobDefinition<{ id: number }, { id: number }>>();
    compiled(async (sluice) => {
      named.handle(({ id }) => expectTypeOf(id).toEqualTypeOf<number>());
      await sluice.publish(named, { id: 7 });
      // @ts-expect-error id must be a number
      await sluice.publish(named, { id: "7" });
    });
  });

  test("is unknown when no type is named", () => {
    const unnamed = defineJob("unnamed");
    expectTypeOf(unnamed).toEqualTypeOf<JobDefinition<unknown, unknown>>();
    compiled((sluice) => {
      unnamed.handle((input) => expectTypeOf(input).toBeUnknown());
      return sluice.publish(unnamed, { anything: true });
    });
  });

  test("cannot have something else as its schema", () => {
    compiled(() => {
      // @ts-expect-error a type is no schema
      defineJob("wrong", { input: { id: "number" } });
      // @ts-expect-error there is no such option
      defineJob("wrong", { retries: 3 });
      // @ts-expect-error there is no such format
      defineJob("wrong", { body: "xml" });
    });
  });
});

describe("publishing by the name of a queue", () => {
  test("takes any input", () => {
    compiled(async (sluice) => {
      expectTypeOf(await sluice.publish("any", { a: 1 })).toEqualTypeOf<string>();
      await sluice.publish("any", new Uint8Array());
      await sluice.publish("any", {} as unknown, { priority: 1 });
      await sluice.publishMany("any", [1, "two", null], (input) => {
        expectTypeOf(input).toBeUnknown();
        return {};
      });
      // @ts-expect-error a number names no queue
      await sluice.publish(7, {});
    });
  });

  test("takes only the options that there are", () => {
    expectTypeOf<keyof PublishOptions>().toEqualTypeOf<
      "delay" | "id" | "headers" | "priority" | "transaction"
    >();
    compiled(async (sluice) => {
      // @ts-expect-error the option is called delay
      await sluice.publish("any", 1, { delayMs: 5 });
      // @ts-expect-error values of headers are texts
      await sluice.publish("any", 1, { headers: { tenant: 7 } });
    });
  });
});

describe("handlers", () => {
  const mail = defineJob<string>("mail");

  test("may return an outcome, a value or nothing, at once or later", () => {
    compiled(() => {
      mail.handle((_input, job): Outcome => job.retryIn("20s"));
      mail.handle(async (_input, job) => job.deadLetter("no such user"));
      mail.handle(async () => undefined);
      mail.handle(() => 7);
      // @ts-expect-error a reason is needed
      mail.handle((_input, job) => job.deadLetter());
    });
  });

  test("are what a worker is made of, whatever their inputs", () => {
    expectTypeOf(mail.handle(() => undefined)).toEqualTypeOf<JobHandler>();
    compiled(() => {
      const handlers = [mail.handle(() => undefined), execHandler("other", "cat")];
      defineWorker({ handlers, concurrency: 4, lease: "30s", scale: { maxReplicaCount: 3 } });
      // @ts-expect-error a job is no handler
      defineWorker({ handlers: [mail] });
      // @ts-expect-error KEDA spells it maxReplicaCount
      defineWorker({ handlers, scale: { maxReplicas: 3 } });
    });
  });

  test("may not change what they are given", () => {
    compiled(() =>
      mail.handle((_input, job) => {
        // @ts-expect-error read only
        job.attempt = 1;
        // @ts-expect-error read only
        job.headers.tenant = "eu";
        // @ts-expect-error read only
        job.history.push({ attempt: 1, at: 0, error: "" });
      }),
    );
  });
});
