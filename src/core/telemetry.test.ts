import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { memoryDriver } from "../../test/support/memory-bed.ts";
import type { Delivery } from "./message.ts";
import { Sluice } from "./sluice.ts";
import { loadTelemetry, noTelemetry, type Telemetry } from "./telemetry.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;

async function receiveOne(sluice: Sluice, queue: string): Promise<Delivery> {
  const [received] = await sluice.driver.receive(queue, { max: 1, waitMs: 0, leaseMs: 1000 });
  if (received === undefined) throw new Error(`nothing in ${queue}`);
  return received;
}

describe("without OpenTelemetry", () => {
  test("a user's own trace headers travel through the queue", async () => {
    const sluice = new Sluice(memoryDriver());
    await sluice.publish("mail", 1, { headers: { traceparent, tracestate: "a=b" } });
    expect((await receiveOne(sluice, "mail")).headers).toEqual({ traceparent, tracestate: "a=b" });
    await sluice.close();
  });

  test("work runs and its result and its error come through", async () => {
    const subject = { queue: "mail", id: "1", headers: {}, attempt: 1 };
    expect(await noTelemetry.consume(subject, async () => 7)).toBe(7);
    await expect(
      noTelemetry.consume(subject, async () => {
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
  });
});

const exporter = new InMemorySpanExporter();
let telemetry: Telemetry;

/** Everything that was traced, by the name of the span. */
function spans(): Readonly<Record<string, ReadableSpan | undefined>> {
  return Object.fromEntries(exporter.getFinishedSpans().map((span) => [span.name, span]));
}

function install(): void {
  const spanProcessors = [new SimpleSpanProcessor(exporter)];
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
}

function uninstall(): void {
  trace.disable();
  context.disable();
  propagation.disable();
}

beforeAll(async () => {
  install();
  telemetry = await loadTelemetry();
});
afterAll(uninstall);
beforeEach(() => exporter.reset());

describe("with OpenTelemetry", () => {
  test("the consumer's span continues the producer's trace through the memory driver", async () => {
    const sluice = new Sluice(memoryDriver(), { telemetry });
    await trace.getTracer("test").startActiveSpan("request", async (request) => {
      await sluice.publish("mail", 1, { id: "m7" });
      request.end();
    });
    const { id, headers } = await receiveOne(sluice, "mail");
    await telemetry.consume({ queue: "mail", id, headers, attempt: 2 }, async () => undefined);

    const { request, "publish mail": publish, "process mail": process } = spans();
    expect(publish?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
    expect(process?.parentSpanContext?.spanId).toBe(publish?.spanContext().spanId);
    expect(process?.spanContext().traceId).toBe(request?.spanContext().traceId);
    expect(process?.attributes).toMatchObject({
      "messaging.destination.name": "mail",
      "messaging.message.id": "m7",
      "sluice.attempt": 2,
    });
    await sluice.close();
  });

  test("spans that a handler starts are children of the consumer's span", async () => {
    const subject = { queue: "mail", id: "1", headers: { traceparent }, attempt: 1 };
    await telemetry.consume(subject, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      trace.getTracer("test").startSpan("query").end();
    });
    const { query, "process mail": process } = spans();
    expect(query?.parentSpanContext?.spanId).toBe(process?.spanContext().spanId);
    expect(query?.spanContext().traceId).toBe(traceId);
  });

  test("a publish continues the trace that the caller's own header names", async () => {
    const sluice = new Sluice(memoryDriver(), { telemetry });
    await sluice.publish("mail", 1, { headers: { traceparent, tenant: "eu" } });
    const { headers } = await receiveOne(sluice, "mail");
    expect(headers).toMatchObject({ tenant: "eu", traceparent: expect.stringContaining(traceId) });
    expect(spans()["publish mail"]?.spanContext().traceId).toBe(traceId);
    await sluice.close();
  });

  test("a message without trace begins a trace of its own, wherever the worker was started", async () => {
    await trace.getTracer("test").startActiveSpan("start-up", async (startUp) => {
      const subject = { queue: "mail", id: "1", headers: {}, attempt: 1 };
      await telemetry.consume(subject, async () => undefined);
      startUp.end();
    });
    expect(spans()["process mail"]?.parentSpanContext).toBeUndefined();
  });

  test("every message of a publishMany gets a span and a header of its own", async () => {
    const sluice = new Sluice(memoryDriver(), { telemetry });
    await sluice.publishMany("mail", [1, 2, 3]);
    const options = { max: 3, waitMs: 0, leaseMs: 1000 };
    const received = await sluice.driver.receive("mail", options);
    const parents = received.map(({ headers }) => headers.traceparent?.split("-")[2]);
    const ids = exporter.getFinishedSpans().map((span) => span.spanContext().spanId);
    expect(ids).toHaveLength(3);
    expect(new Set(parents)).toEqual(new Set(ids));
    await sluice.close();
  });

  test.each([
    ["an error", new Error("smtp away")],
    ["something that is no error", Object.create(null)],
  ])("a rejection with %s marks the span failed and comes through", async (_what, thrown) => {
    const subject = { queue: "mail", id: "1", headers: {}, attempt: 1 };
    const consumed = telemetry.consume(subject, () => Promise.reject(thrown));
    expect(await consumed.catch((error: unknown) => error)).toBe(thrown);
    const span = spans()["process mail"];
    expect(span?.status.code).toBe(2);
    expect(span?.events.map((event) => event.name)).toEqual(["exception"]);
  });
});
