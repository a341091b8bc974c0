import { SluiceError, toMs } from "../../core/index.ts";
import type { MetricSpec } from "../../scaler/index.ts";
import type { TriggerSpec } from "../../specs/index.ts";
import type { QueueReading } from "../engine/policy.ts";

/** Which messages a trigger counts: whether those that a worker holds are still in its number decides how a scaler behaves. */
type Counted = "ready" | "in-flight" | "ready and in-flight" | "all" | "age";

interface TriggerKeys {
  readonly target: string;
  readonly activation: string;
  readonly defaultTarget?: number;
  readonly defaultActivation?: number;
  readonly counts: Counted | ((metadata: TriggerSpec["metadata"]) => Counted);
}

/** What a trigger of a ScaledObject measures of the one simulated queue. */
export interface TriggerFigure {
  readonly type: string;
  /** The key of the metadata that holds the target. */
  readonly targetKey: string;
  readonly target: number;
  readonly activation: number;
  readonly counts: Counted;
  readonly metricType: MetricSpec["metricType"];
  /** A second metric: the seconds that the oldest message has waited. */
  readonly age: Pick<TriggerFigure, "target" | "activation"> | null;
}

const isTrue = (text: string | undefined): boolean => text?.trim().toLowerCase() === "true";

/** Keys and meanings as KEDA's scalers have them. */
const table: Readonly<Record<string, TriggerKeys>> = {
  postgresql: sql("targetQueryValue", "activationTargetQueryValue"),
  mysql: sql("queryValue", "activationQueryValue"),
  mssql: sql("targetValue", "activationTargetValue"),
  mongodb: sql("queryValue", "activationQueryValue"),
  "metrics-api": sql("targetValue", "activationTargetValue"),
  prometheus: sql("threshold", "activationThreshold"),
  redis: count("listLength", "activationListLength", 5, "ready"),
  "redis-cluster": count("listLength", "activationListLength", 5, "ready"),
  "redis-sentinel": count("listLength", "activationListLength", 5, "ready"),
  "azure-servicebus": count("messageCount", "activationMessageCount", 5, "ready and in-flight"),
  "azure-queue": {
    ...count("queueLength", "activationQueueLength", 5, "ready"),
    counts: ({ queueLengthStrategy }) =>
      queueLengthStrategy === "visibleonly" ? "ready" : "ready and in-flight",
  },
  "aws-sqs-queue": {
    ...count("queueLength", "activationQueueLength", 5, "ready"),
    counts: ({ scaleOnInFlight = "true", scaleOnDelayed }) => {
      if (isTrue(scaleOnDelayed) && isTrue(scaleOnInFlight)) return "all";
      return isTrue(scaleOnInFlight) ? "ready and in-flight" : "ready";
    },
  },
  kafka: count("lagThreshold", "activationLagThreshold", 10, "ready and in-flight"),
  "apache-kafka": count("lagThreshold", "activationLagThreshold", 10, "ready and in-flight"),
  "nats-jetstream": count("lagThreshold", "activationLagThreshold", 10, "ready and in-flight"),
  activemq: count("targetQueueSize", "activationTargetQueueSize", 10, "ready and in-flight"),
  "artemis-queue": {
    ...count("queueLength", "activationQueueLength", 10, "ready and in-flight"),
    defaultActivation: 10,
  },
};

function sql(target: string, activation: string): TriggerKeys {
  return { target, activation, counts: "ready and in-flight" };
}

function count(
  target: string,
  activation: string,
  defaultTarget: number,
  counts: Counted,
): TriggerKeys {
  return { target, activation, defaultTarget, counts };
}

/**
 * What a trigger would measure. Throws `OPTION_UNSUPPORTED` for one whose number is no count of messages that the simulator
 * knows of (cpu, a rate), and `OPTION_INVALID` where its target is no number.
 */
export function triggerFigure(spec: TriggerSpec): TriggerFigure {
  if (spec.type === "rabbitmq") return rabbitmqFigure(spec);
  if (spec.type === "sluice") return sluiceFigure(spec);
  if (spec.type.endsWith("redis-streams") || /^redis-\w+-streams$/.test(spec.type))
    return streamFigure(spec);
  const keys = Object.hasOwn(table, spec.type) ? table[spec.type] : undefined;
  if (keys === undefined)
    throw new SluiceError(
      "OPTION_UNSUPPORTED",
      `the simulator knows what these triggers count: ${[...Object.keys(table), "rabbitmq", "redis-streams", "sluice"].join(", ")}; got ${spec.type}. Leave it out of the file to simulate the rest.`,
    );
  return {
    type: spec.type,
    targetKey: keys.target,
    target: numberOf(spec, keys.target, keys.defaultTarget),
    activation: numberOf(spec, keys.activation, keys.defaultActivation ?? 0),
    counts: typeof keys.counts === "string" ? keys.counts : keys.counts(spec.metadata),
    metricType: metricTypeOf(spec),
    age: null,
  };
}

/** Ready messages over AMQP, also unacknowledged ones over HTTP; `queueLength` is the old name of mode and value. */
function rabbitmqFigure(spec: TriggerSpec): TriggerFigure {
  const { mode, protocol, host = "", excludeUnacknowledged } = spec.metadata;
  if (mode !== undefined && mode !== "QueueLength")
    throw new SluiceError(
      "OPTION_UNSUPPORTED",
      `the simulator knows rabbitmq's mode QueueLength; got ${mode}.`,
    );
  const targetKey = mode === undefined ? "queueLength" : "value";
  const isHttp = protocol === "http" || (protocol !== "amqp" && /^https?:/.test(host));
  return {
    type: spec.type,
    targetKey,
    target: numberOf(spec, targetKey, 20),
    activation: numberOf(spec, "activationValue", 0),
    counts: isHttp && !isTrue(excludeUnacknowledged) ? "ready and in-flight" : "ready",
    metricType: metricTypeOf(spec),
    age: null,
  };
}

/** Messages, the seconds of the oldest one, or both, by the keys that are there. */
function sluiceFigure(spec: TriggerSpec): TriggerFigure {
  const { messageCount, maxAge, activationAge } = spec.metadata;
  const shared = { type: spec.type, metricType: metricTypeOf(spec) };
  const byCount: TriggerFigure = {
    ...{ ...shared, targetKey: "messageCount", counts: "ready and in-flight", age: null },
    target: numberOf(spec, "messageCount", 5),
    activation: numberOf(spec, "activationMessageCount", 0),
  };
  if (maxAge === undefined) return byCount;
  const age = {
    target: secondsOf(maxAge, "maxAge"),
    activation: activationAge === undefined ? 0 : secondsOf(activationAge, "activationAge"),
  };
  return messageCount === undefined
    ? { ...shared, ...age, targetKey: "maxAge", counts: "age", age: null }
    : { ...byCount, age };
}

/** A duration, or a whole number of milliseconds. */
function secondsOf(text: string, name: string): number {
  return (/^\d+$/.test(text) ? Number(text) : toMs(text, name)) / 1000;
}

function streamFigure(spec: TriggerSpec): TriggerFigure {
  const { consumerGroup, lagCount } = spec.metadata;
  const key = lagCount ? "lagCount" : consumerGroup ? "pendingEntriesCount" : "streamLength";
  const counts = {
    lagCount: "ready",
    pendingEntriesCount: "in-flight",
    streamLength: "all",
  } as const;
  return {
    type: spec.type,
    targetKey: key,
    target: numberOf(spec, key, 5),
    activation: numberOf(spec, "activationLagCount", 0),
    counts: counts[key],
    metricType: metricTypeOf(spec),
    age: null,
  };
}

function metricTypeOf({ metricType }: TriggerSpec): MetricSpec["metricType"] {
  return metricType === "Value" ? "Value" : "AverageValue";
}

function numberOf(spec: TriggerSpec, key: string, otherwise?: number): number {
  const text = spec.metadata[key]?.trim();
  const value = text === undefined || text === "" ? otherwise : Number(text);
  if (value !== undefined && Number.isFinite(value) && value >= 0) return value;
  throw new SluiceError(
    "OPTION_INVALID",
    `the ${spec.type} trigger must have ${key} as a number from 0; got ${JSON.stringify(text ?? null)}.`,
  );
}

/** The trigger's number for a look at the queue; null when the look failed. */
export function figureOf(
  { counts }: Pick<TriggerFigure, "counts">,
  { samples }: QueueReading,
): number | null {
  const [sample] = samples;
  if (sample === undefined) return null;
  const ready = sample.ready ?? 0;
  const inFlight = sample.inFlight ?? 0;
  switch (counts) {
    case "ready":
      return ready;
    case "in-flight":
      return inFlight;
    case "ready and in-flight":
      return ready + inFlight;
    case "all":
      return ready + inFlight + (sample.delayed ?? 0);
    case "age":
      return (sample.oldestAgeMs ?? 0) / 1000;
  }
}
