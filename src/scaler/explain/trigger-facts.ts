import type { TriggerSpec } from "../../specs/index.ts";

type Metadata = TriggerSpec["metadata"];

/** Whether the value still holds messages that a worker has taken. `query`: the user's query decides. */
export type InFlight = "included" | "excluded" | "query" | "unknown";

/** A key of the metadata, and what counts without it; null: it must be there. */
export interface KeyWithDefault {
  readonly key: string;
  readonly standard: string | null;
}

/** What explaining a trigger needs to know of its type; from KEDA's scalers. */
export interface TriggerFacts {
  /** What the value is, as the end of "reads …". */
  readonly measures: (metadata: Metadata) => string;
  /** The value per replica; null where there is no such key. */
  readonly target: (metadata: Metadata) => KeyWithDefault | null;
  /** Active above this; null where the type has no such key. */
  readonly activation: KeyWithDefault | null;
  readonly inFlight: (metadata: Metadata) => InFlight;
  /** False for a type of KEDA's that can be explained, and not read. */
  readonly isMeasured?: false;
}

const by =
  (key: string, standard: string | null = null) =>
  (activation: string, activationStandard = "0") => ({
    target: () => ({ key, standard }),
    activation: { key: activation, standard: activationStandard },
  });

const said = (metadata: Metadata, key: string, standard = `(${key} is missing)`): string =>
  (metadata[key] ?? "").trim() || standard;
const isOn = (metadata: Metadata, key: string, standard: boolean): boolean => {
  const value = said(metadata, key, "");
  return value === "" ? standard : /^(?:1|t|T|TRUE|true|True)$/.test(value);
};

const always = (inFlight: InFlight) => (): InFlight => inFlight;

const query = (database: string) => (metadata: Metadata) =>
  `the first column of the first row of a query to ${database}: ${said(metadata, "query")}`;

const redisList: TriggerFacts = {
  measures: (metadata) => `the length of the Redis list ${said(metadata, "listName")}`,
  ...by("listLength", "5")("activationListLength"),
  inFlight: always("excluded"),
};

const redisStream: TriggerFacts = {
  measures: (metadata) => {
    const stream = `the Redis stream ${said(metadata, "stream")}`;
    const group = said(metadata, "consumerGroup", "");
    if (group === "") return `all entries of ${stream}`;
    return metadata.lagCount
      ? `the entries of ${stream} not yet delivered to the group ${group}`
      : `the entries of ${stream} delivered to the group ${group} and not acknowledged`;
  },
  target: ({ consumerGroup, lagCount }) => {
    if (!consumerGroup) return { key: "streamLength", standard: "5" };
    return lagCount
      ? { key: "lagCount", standard: null }
      : { key: "pendingEntriesCount", standard: "5" };
  },
  activation: { key: "activationLagCount", standard: "0" },
  inFlight: (metadata) => (metadata.consumerGroup && metadata.lagCount ? "excluded" : "included"),
};

const kafka: TriggerFacts = {
  measures: (metadata) =>
    `the lag of the consumer group ${said(metadata, "consumerGroup")} on ${said(metadata, "topic", "all its topics")}`,
  ...by("lagThreshold", "10")("activationLagThreshold"),
  inFlight: always("included"),
};

const external: TriggerFacts = {
  measures: (metadata) => `what the external scaler at ${said(metadata, "scalerAddress")} says`,
  target: () => null,
  activation: null,
  inFlight: always("unknown"),
};

const resource = (name: string): TriggerFacts => ({
  measures: () => `the ${name} of the pods, which only Kubernetes can measure`,
  target: () => ({ key: "value", standard: null }),
  activation: null,
  inFlight: always("unknown"),
});

/** By type: all that Sluice measures, and some more of KEDA's. */
export const triggerFacts: Readonly<Record<string, TriggerFacts>> = {
  postgresql: {
    measures: query("PostgreSQL"),
    ...by("targetQueryValue")("activationTargetQueryValue"),
    inFlight: always("query"),
  },
  mysql: {
    measures: query("MySQL"),
    ...by("queryValue")("activationQueryValue"),
    inFlight: always("query"),
  },
  mssql: {
    isMeasured: false,
    measures: query("SQL Server"),
    ...by("targetValue")("activationTargetValue"),
    inFlight: always("query"),
  },
  mongodb: {
    isMeasured: false,
    measures: (metadata) =>
      `the documents of ${said(metadata, "collection")} that match ${said(metadata, "query")}`,
    ...by("queryValue")("activationQueryValue"),
    inFlight: always("query"),
  },
  rabbitmq: {
    measures: (metadata) => {
      const mode = said(metadata, "mode", "QueueLength");
      const queue = `the RabbitMQ queue ${said(metadata, "queueName")}`;
      return mode === "QueueLength" ? `the messages of ${queue}` : `${mode} of ${queue}`;
    },
    // queueLength is the key of old, for the mode QueueLength alone.
    target: ({ queueLength }) =>
      queueLength ? { key: "queueLength", standard: null } : { key: "value", standard: "20" },
    activation: { key: "activationValue", standard: "0" },
    inFlight: (metadata) => rabbitmqInFlight(metadata, rabbitmqProtocol(metadata)),
  },
  redis: redisList,
  "redis-cluster": redisList,
  "redis-sentinel": redisList,
  "redis-streams": redisStream,
  "redis-cluster-streams": redisStream,
  "redis-sentinel-streams": redisStream,
  "azure-servicebus": {
    measures: (metadata) =>
      metadata.queueName
        ? `the active messages of the Service Bus queue ${metadata.queueName}`
        : `the active messages of the Service Bus subscription ${said(metadata, "subscriptionName")} of ${said(metadata, "topicName")}`,
    ...by("messageCount", "5")("activationMessageCount"),
    inFlight: always("included"),
  },
  "azure-queue": {
    isMeasured: false,
    measures: (metadata) => `the messages of the Azure queue ${said(metadata, "queueName")}`,
    ...by("queueLength", "5")("activationQueueLength"),
    inFlight: (metadata) =>
      said(metadata, "queueLengthStrategy", "all") === "visibleonly" ? "excluded" : "included",
  },
  kafka,
  "apache-kafka": { ...kafka, isMeasured: false },
  "nats-jetstream": {
    measures: (metadata) =>
      `the messages of the NATS consumer ${said(metadata, "consumer")} that are pending or not acknowledged`,
    ...by("lagThreshold", "10")("activationLagThreshold"),
    inFlight: always("included"),
  },
  "aws-sqs-queue": {
    measures: (metadata) => `the messages of the SQS queue ${said(metadata, "queueURL")}`,
    ...by("queueLength", "5")("activationQueueLength"),
    inFlight: (metadata) => (isOn(metadata, "scaleOnInFlight", true) ? "included" : "excluded"),
  },
  cron: {
    measures: (metadata) =>
      `the clock of ${said(metadata, "timezone")}: ${said(metadata, "desiredReplicas")} from "${said(metadata, "start")}" to "${said(metadata, "end")}", else 0`,
    target: () => null,
    activation: null,
    inFlight: always("unknown"),
  },
  cpu: resource("cpu"),
  memory: resource("memory"),
  prometheus: {
    measures: (metadata) => `the result of the Prometheus query ${said(metadata, "query")}`,
    ...by("threshold")("activationThreshold"),
    inFlight: always("query"),
  },
  "metrics-api": {
    measures: (metadata) => `${said(metadata, "valueLocation")} at ${withoutQuery(metadata.url)}`,
    ...by("targetValue")("activationTargetValue"),
    inFlight: always("unknown"),
  },
  external,
  "external-push": external,
  "kubernetes-workload": {
    measures: (metadata) => `the pods that match ${said(metadata, "podSelector")}`,
    ...by("value")("activationValue"),
    inFlight: always("unknown"),
  },
  activemq: {
    isMeasured: false,
    measures: (metadata) => `the size of the ActiveMQ queue ${said(metadata, "destinationName")}`,
    ...by("targetQueueSize", "10")("activationTargetQueueSize"),
    inFlight: always("unknown"),
  },
  "artemis-queue": {
    isMeasured: false,
    measures: (metadata) => `the messages of the Artemis queue ${said(metadata, "queueName")}`,
    // KEDA's documents say 0, its code 10.
    ...by("queueLength", "10")("activationQueueLength", "10"),
    inFlight: always("unknown"),
  },
  sluice: {
    measures: (metadata) => {
      const queue = `of the Sluice queue ${said(metadata, "queueName")}`;
      if (!metadata.maxAge) return `the messages ${queue}`;
      const wait = `the wait of the oldest message ${queue} against ${metadata.maxAge}`;
      return metadata.messageCount ? `the messages ${queue}, and ${wait}` : wait;
    },
    target: ({ messageCount, maxAge }) =>
      maxAge && !messageCount ? null : { key: "messageCount", standard: "5" },
    activation: { key: "activationMessageCount", standard: "0" },
    inFlight: always("included"),
  },
};

/** The facts of a trigger's type, or null for one that is not among them. */
export function factsOf({ type }: Pick<TriggerSpec, "type">): TriggerFacts | null {
  return Object.hasOwn(triggerFacts, type) ? (triggerFacts[type] ?? null) : null;
}

/** How a rabbitmq trigger talks to its broker, as far as metadata and a resolved `host` tell. */
export function rabbitmqProtocol(metadata: Metadata, host?: string): "amqp" | "http" | null {
  const given = said(metadata, "protocol", "auto");
  if (given === "amqp" || given === "http") return given;
  const url = said(metadata, "host", host ?? "");
  if (/^amqps?:/i.test(url)) return "amqp";
  return /^https?:/i.test(url) ? "http" : null;
}

/** Over AMQP the broker tells of ready messages alone. */
export function rabbitmqInFlight(metadata: Metadata, protocol: "amqp" | "http" | null): InFlight {
  if (protocol === null) return "unknown";
  return protocol === "http" && !isOn(metadata, "excludeUnacknowledged", false)
    ? "included"
    : "excluded";
}

/** A URL's query may hold a key. */
function withoutQuery(url = "(url is missing)"): string {
  return url.replace(/\?.*$/, "?…").replace(/\/\/[^/@]*@/, "//***@");
}
