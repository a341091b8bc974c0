/** RabbitMQ: rabbitmq-client and bare amqplib, with the same durability and prefetch. */
import type { BrokerBench } from "./brokers.ts";
import type { ContenderPlan } from "./contender.ts";

const contenders: readonly Omit<ContenderPlan, "url">[] = [
  { name: "sluice", module: "contenders/sluice.js", sends: 20_000, jobs: 20_000 },
  { name: "amqplib", module: "peers/amqplib.js", sends: 20_000, jobs: 20_000 },
  { name: "rabbitmq-client", module: "peers/rabbitmq-client.js", sends: 20_000, jobs: 20_000 },
];

/** See the top of this file. Queries of an idle worker are not counted: RabbitMQ pushes, and nobody asks. */
export const rabbitmqBench: BrokerBench = {
  broker: "rabbitmq",
  plans: async (server) => contenders.map((contender) => ({ ...contender, url: server.url })),
  async version({ adminUrl }) {
    if (adminUrl === undefined) return "RabbitMQ";
    const { origin, username, password } = new URL(adminUrl);
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    const response = await fetch(`${origin}/api/overview`, { headers: { authorization } });
    const overview = (await response.json()) as { readonly rabbitmq_version?: string };
    return `RabbitMQ ${overview.rabbitmq_version}, quorum queues`;
  },
};
