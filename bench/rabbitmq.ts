/** RabbitMQ: rabbitmq-client and bare amqplib, with the same durability and prefetch, each in a virtual host of its own. */
import { setTimeout as wait } from "node:timers/promises";
import { askManagement } from "../test/support/rabbitmq-management.ts";
import type { TestServer } from "../test/support/servers.ts";
import type { BrokerBench } from "./brokers.ts";
import type { ContenderPlan } from "./contender.ts";
import type { QueryCounter } from "./scenarios.ts";

const contenders: readonly Omit<ContenderPlan, "url">[] = [
  { name: "sluice", module: "contenders/sluice.js", sends: 20_000, jobs: 20_000 },
  { name: "amqplib", module: "peers/amqplib.js", sends: 20_000, jobs: 20_000 },
  { name: "rabbitmq-client", module: "peers/rabbitmq-client.js", sends: 20_000, jobs: 20_000 },
];

/** See the top of this file. */
export const rabbitmqBench: BrokerBench = {
  broker: "rabbitmq",
  plans: (server) =>
    Promise.all(
      contenders.map(async (contender) => {
        const vhost = vhostOf(contender.name);
        const { username } = new URL(server.url);
        const rights = { configure: ".*", write: ".*", read: ".*" };
        await ask(server, `vhosts/${vhost}`, {});
        await ask(server, `permissions/${vhost}/${username}`, rights);
        const url = new URL(server.url);
        url.pathname = `/${vhost}`;
        return { ...contender, url: url.href };
      }),
    ),
  countQueries: async (server, plans) => countPackets(server, plans),
  async version(server) {
    const overview = (await ask(server, "overview")) as { readonly rabbitmq_version?: string };
    return `RabbitMQ ${overview.rabbitmq_version}, quorum queues`;
  },
};

interface Traffic {
  readonly name: string;
  readonly vhost: string;
  /** What the server has received over the connection, in packets and in bytes. */
  readonly recv_cnt?: number;
  readonly recv_oct?: number;
}

/** Frame type, channel, length 0 and end: section 4.2.3 and 4.2.7 of the AMQP 0-9-1 specification. */
const heartbeatBytes = 8;

/** The server's figures are up to 5 s old (`collect_statistics_interval`), and those of a new connection are 0 until then. */
const figuresEveryMs = 5500;

/**
 * Packets that the server has received over connections that carried more than heartbeats. One that did not was asked
 * nothing; what the heartbeats of the others are is not to be told apart, so they count.
 */
function countPackets(server: TestServer, plans: readonly ContenderPlan[]): QueryCounter {
  let first: ReadonlyMap<string, Traffic> | null = null;
  return {
    async count() {
      if (first === null) await wait(figuresEveryMs);
      const listed = (await ask(server, "connections")) as readonly Traffic[];
      first ??= new Map(listed.map((connection) => [connection.name, connection]));
      const counts = new Map(plans.map(({ name }) => [name, 0]));
      for (const { name, vhost, recv_cnt: packets = 0, recv_oct: bytes = 0 } of listed) {
        const before = first.get(name);
        const came = packets - (before?.recv_cnt ?? 0);
        if (bytes - (before?.recv_oct ?? 0) === came * heartbeatBytes) continue;
        const contender = plans.find((plan) => vhostOf(plan.name) === vhost)?.name ?? vhost;
        counts.set(contender, (counts.get(contender) ?? 0) + came);
      }
      return counts;
    },
    close: async () => undefined,
  };
}

function vhostOf(contender: string): string {
  return `bench-${contender}`;
}

/** Asks the management API, or tells it something. */
function ask({ adminUrl = "" }: TestServer, path: string, body?: unknown): Promise<unknown> {
  return askManagement(adminUrl, body === undefined ? { path } : { method: "PUT", path, body });
}
