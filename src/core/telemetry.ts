import { describeError } from "./errors.ts";
import type { Headers } from "./message.ts";

/** The message that a span is about. */
export interface SpanSubject {
  readonly queue: string;
  readonly id: string;
  readonly headers: Headers;
}

/**
 * W3C trace context through the queue. Does nothing unless `@opentelemetry/api` is installed; a trace that the caller's
 * own headers name (`traceparent`, `tracestate`) travels either way.
 */
export interface Telemetry {
  /**
   * Runs `send` inside a producer span, with headers that carry its context. The span belongs to the trace that the
   * subject's headers name, else to the caller's.
   */
  produce<T>(subject: SpanSubject, send: (headers: Headers) => Promise<T>): Promise<T>;
  /**
   * Runs `work` inside a consumer span that continues the message's trace, or begins one: never the trace of whoever
   * started the worker. A rejection marks the span failed.
   */
  consume<T>(
    subject: SpanSubject & { readonly attempt: number },
    work: () => Promise<T>,
  ): Promise<T>;
}

/** Carries nothing. */
export const noTelemetry: Telemetry = {
  produce: (subject, send) => send(subject.headers),
  consume: (_subject, work) => work(),
};

let loading: Promise<Telemetry> | undefined;

/** Telemetry over `@opentelemetry/api` when it is installed, else {@link noTelemetry}. Looks once per process. */
export function loadTelemetry(): Promise<Telemetry> {
  loading ??= import("@opentelemetry/api").then(openTelemetry, (error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND")
      return noTelemetry;
    throw error;
  });
  return loading;
}

/** Spans as the OpenTelemetry semantic conventions for messaging name them. */
function openTelemetry(api: typeof import("@opentelemetry/api")): Telemetry {
  const tracer = api.trace.getTracer("sluice");
  const attributes = (subject: SpanSubject, operation: "publish" | "process") => ({
    "messaging.system": "sluice",
    "messaging.operation.name": operation,
    "messaging.destination.name": subject.queue,
    "messaging.message.id": subject.id,
  });

  async function within<T>(
    span: import("@opentelemetry/api").Span,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      span.recordException(error instanceof Error ? error : describeError(error));
      span.setStatus({ code: api.SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  }

  return {
    produce(subject, send) {
      const options = { kind: api.SpanKind.PRODUCER, attributes: attributes(subject, "publish") };
      const parent = api.propagation.extract(api.context.active(), subject.headers);
      const span = tracer.startSpan(`publish ${subject.queue}`, options, parent);
      const context = api.trace.setSpan(parent, span);
      const headers: Record<string, string> = { ...subject.headers };
      api.propagation.inject(context, headers);
      return api.context.with(context, () => within(span, () => send(headers)));
    },
    consume(subject, work) {
      const parent = api.propagation.extract(api.ROOT_CONTEXT, subject.headers);
      const options = { kind: api.SpanKind.CONSUMER, attributes: attributes(subject, "process") };
      const span = tracer.startSpan(`process ${subject.queue}`, options, parent);
      span.setAttribute("sluice.attempt", subject.attempt);
      return api.context.with(api.trace.setSpan(parent, span), () => within(span, work));
    },
  };
}
