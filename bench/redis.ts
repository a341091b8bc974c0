/** Redis: BullMQ, bee-queue and plain `ioredis`, each in a database of its own number. */
import { Redis } from "ioredis";
import type { TestServer } from "../test/support/servers.ts";
import type { BrokerBench } from "./brokers.ts";
import type { ContenderPlan } from "./contender.ts";

const contenders: readonly Omit<ContenderPlan, "url">[] = [
  { name: "sluice", module: "contenders/sluice.js", sends: 40_000, jobs: 40_000 },
  { name: "ioredis", module: "contenders/raw-redis.js", sends: 60_000, jobs: 100_000 },
  { name: "bullmq", module: "peers/bullmq-redis.js", sends: 15_000, jobs: 10_000 },
  { name: "bee-queue", module: "peers/bee-queue.js", sends: 30_000, jobs: 20_000 },
];

/** See the top of this file. */
export const redisBench: BrokerBench = {
  broker: "redis",
  async plans(server) {
    return contenders.map((contender, db) => {
      const url = new URL(server.url);
      url.pathname = `/${db}`;
      return { ...contender, url: url.href };
    });
  },
  /** Commands as `MONITOR` shows them; those that a script runs are the server's own affair. */
  async countQueries(server, plans) {
    const counts = plans.map(() => 0);
    const client = new Redis(server.url);
    const monitor = await client.monitor();
    monitor.on("monitor", (_time: string, _args: string[], source: string, db: string) => {
      if (source !== "lua") counts[Number(db)] = (counts[Number(db)] ?? 0) + 1;
    });
    return {
      async count() {
        return new Map(
          plans.map(({ name, url }) => [name, counts[Number(new URL(url).pathname.slice(1))] ?? 0]),
        );
      },
      async close() {
        monitor.disconnect();
        client.disconnect();
      },
    };
  },
  version: (server) =>
    within(server, async (client) => {
      const found = /redis_version:(\S+)/.exec(await client.info("server"));
      return `Redis ${found?.[1]}, AOF everysec`;
    }),
};

async function within<T>(server: TestServer, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(server.url);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}
