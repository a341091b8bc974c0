import type { Measured } from "../trigger-type.ts";

/** What a broker tells of a queue. */
export interface QueueFigures {
  readonly messages: number;
  /** Messages published, delivered and got, each second. */
  readonly publishRate: number;
  readonly deliverGetRate: number;
}

/** How the figures become a value; all but the first are known over HTTP alone. */
export const modes = [
  "QueueLength",
  "MessageRate",
  "DeliverGetRate",
  "PublishedToDeliveredRatio",
  "ExpectedQueueConsumptionTime",
] as const;

/** One of {@link modes}. */
export type Mode = (typeof modes)[number];

/** Value and activity by mode, as KEDA's pkg/scalers/rabbitmq_scaler.go computes them. */
export function measureQueue(mode: Mode, activation: number, figures: QueueFigures): Measured {
  const { messages, publishRate, deliverGetRate } = figures;
  const nothingDelivered = deliverGetRate === 0;
  switch (mode) {
    case "QueueLength":
      return { value: messages, isActive: messages > activation };
    case "MessageRate":
      return { value: publishRate, isActive: publishRate > activation || messages > activation };
    case "DeliverGetRate":
      return { value: deliverGetRate, isActive: deliverGetRate > activation };
    case "PublishedToDeliveredRatio": {
      const ratio = nothingDelivered ? activation : publishRate / deliverGetRate;
      const value = publishRate > 0 ? ratio : 0;
      return { value, isActive: value > activation || (publishRate > 0 && nothingDelivered) };
    }
    case "ExpectedQueueConsumptionTime": {
      const seconds = nothingDelivered
        ? activation
        : (publishRate - deliverGetRate + messages) / deliverGetRate;
      const value = messages === 0 ? 0 : seconds;
      return { value, isActive: value > activation || (nothingDelivered && messages > 0) };
    }
  }
}

/** One queue out of many; averages of counts are whole numbers, as Go divides them. */
export function combineQueues(
  operation: "sum" | "avg" | "max",
  queues: readonly QueueFigures[],
): QueueFigures {
  const combine = (values: readonly number[]): number =>
    operation === "max" ? Math.max(0, ...values) : values.reduce((sum, value) => sum + value, 0);
  const whole: QueueFigures = {
    messages: combine(queues.map(({ messages }) => messages)),
    publishRate: combine(queues.map(({ publishRate }) => publishRate)),
    deliverGetRate: combine(queues.map(({ deliverGetRate }) => deliverGetRate)),
  };
  if (operation !== "avg" || queues.length === 0) return whole;
  return {
    messages: Math.trunc(whole.messages / queues.length),
    publishRate: whole.publishRate / queues.length,
    deliverGetRate: whole.deliverGetRate / queues.length,
  };
}
