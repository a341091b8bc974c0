import { SluiceError } from "../core/index.ts";
import type { CreateTrigger, TriggerContext } from "../scaler/index.ts";
import { suggestion } from "../specs/index.ts";
import { placeOf } from "./failure.ts";
import type { ConnectQueue } from "./sluice/sluice.ts";
import type { TriggerType } from "./trigger-type.ts";

/** What triggers need that this room may not reach. */
export interface TriggerOptions {
  /** Opens the queue URLs of `sluice` triggers. Without it they are refused. */
  readonly connectQueue?: ConnectQueue;
}

type Load = (options: TriggerOptions) => Promise<TriggerType>;

/** The types of trigger by name, each loaded when a spec first names it. */
const loaders: Readonly<Record<string, Load>> = {
  "aws-sqs-queue": async () => (await import("./aws-sqs-queue/aws-sqs-queue.ts")).awsSqsQueue,
  "azure-servicebus": async () =>
    (await import("./azure-servicebus/azure-servicebus.ts")).azureServicebus,
  cpu: async () => (await import("./kubernetes/resource.ts")).cpu,
  cron: async () => (await import("./cron/cron.ts")).cron,
  external: async () => (await import("./external/external.ts")).external,
  "external-push": async () => (await import("./external/external.ts")).externalPush,
  "kubernetes-workload": async () => (await import("./kubernetes/workload.ts")).kubernetesWorkload,
  kafka: async () => (await import("./kafka/kafka.ts")).kafka,
  memory: async () => (await import("./kubernetes/resource.ts")).memory,
  "metrics-api": async () => (await import("./metrics-api/metrics-api.ts")).metricsApi,
  mysql: async () => (await import("./mysql/mysql.ts")).mysql,
  "nats-jetstream": async () => (await import("./nats-jetstream/nats-jetstream.ts")).natsJetstream,
  prometheus: async () => (await import("./prometheus/prometheus.ts")).prometheus,
  postgresql: async () => (await import("./postgresql/postgresql.ts")).postgresql,
  rabbitmq: async () => (await import("./rabbitmq/rabbitmq.ts")).rabbitmq,
  redis: async () => (await import("./redis/lists.ts")).redis,
  "redis-cluster": async () => (await import("./redis/lists.ts")).redisCluster,
  "redis-cluster-streams": async () => (await import("./redis/streams.ts")).redisClusterStreams,
  "redis-sentinel": async () => (await import("./redis/lists.ts")).redisSentinel,
  "redis-sentinel-streams": async () => (await import("./redis/streams.ts")).redisSentinelStreams,
  "redis-streams": async () => (await import("./redis/streams.ts")).redisStreams,
  sluice: async ({ connectQueue = refuseQueue }) =>
    (await import("./sluice/sluice.ts")).sluiceTriggerType(connectQueue),
};

/** The names of all types, in alphabetical order. */
export const triggerTypeNames: readonly string[] = Object.keys(loaders).sort();

/** Every type with what it declares, for documents and schema. */
export async function loadTriggerTypes(): Promise<readonly TriggerType[]> {
  return Promise.all(Object.values(loaders).map((load) => load({})));
}

/**
 * Builds the triggers of specs.
 *
 * @example
 * const createTrigger = createTriggers();
 */
export function createTriggers(options: TriggerOptions = {}): CreateTrigger {
  return async (context) => {
    const { type } = context.spec;
    const load = Object.hasOwn(loaders, type) ? loaders[type] : undefined;
    if (load === undefined) throw unknownType(context);
    return (await load(options)).create(context);
  };
}

function unknownType(context: TriggerContext): SluiceError {
  const hint = suggestion(context.spec.type, triggerTypeNames);
  const message = `${placeOf(context)}: no such type.${hint} There are ${triggerTypeNames.join(", ")}. Any other source can be read through external.`;
  return new SluiceError("TRIGGER_UNKNOWN", message);
}

async function refuseQueue(): Promise<never> {
  const message =
    "this program opens no queue URLs for triggers: give createTriggers a connectQueue.";
  throw new SluiceError("OPTION_UNSUPPORTED", message);
}
