/** PostgreSQL: BullMQ, pg-boss, graphile-worker and plain `pg`, each in a database of its own. */
import pg from "pg";
import type { TestServer } from "../test/support/servers.ts";
import type { BrokerBench } from "./brokers.ts";
import type { ContenderPlan } from "./contender.ts";

const contenders: readonly Omit<ContenderPlan, "url">[] = [
  { name: "sluice", module: "contenders/sluice.js", sends: 40_000, jobs: 40_000 },
  { name: "pg", module: "contenders/raw-postgres.js", sends: 10_000, jobs: 40_000 },
  { name: "bullmq", module: "peers/bullmq-postgres.js", sends: 3000, jobs: 3000 },
  { name: "pg-boss", module: "peers/pg-boss.js", sends: 4000, jobs: 10_000 },
  { name: "graphile-worker", module: "peers/graphile-worker.js", sends: 3000, jobs: 6000 },
  {
    name: "graphile-worker-tuned",
    module: "peers/graphile-worker-tuned.js",
    sends: 3000,
    jobs: 40_000,
  },
];

/** See the top of this file. */
export const postgresBench: BrokerBench = {
  broker: "postgres",
  async plans(server) {
    // All contenders together have more connections than the default allows.
    await within(server, (client) => client.query("ALTER SYSTEM SET max_connections = 400"));
    await server.restart();
    return within(server, async (client) => {
      const plans: ContenderPlan[] = [];
      for (const contender of contenders) {
        const database = databaseOf(contender.name);
        await client.query(`CREATE DATABASE ${database}`);
        const url = new URL(server.url);
        url.pathname = `/${database}`;
        plans.push({ ...contender, url: url.href });
      }
      return plans;
    });
  },
  /** Transactions as the server counts them, which are queries unless somebody uses BEGIN. */
  async countQueries(server, plans) {
    const names = new Map(plans.map(({ name }) => [databaseOf(name), name]));
    return {
      count: () =>
        within(server, async (client) => {
          const { rows } = await client.query({
            text: "SELECT datname, xact_commit + xact_rollback FROM pg_stat_database WHERE datname LIKE 'bench_%'",
            rowMode: "array",
          });
          return new Map(
            rows.map(([database, count]) => [names.get(database) ?? "", Number(count)]),
          );
        }),
      close: async () => undefined,
    };
  },
  version: (server) =>
    within(server, async (client) => {
      const { rows } = await client.query("SHOW server_version");
      return `PostgreSQL ${rows[0]?.server_version}`;
    }),
};

function databaseOf(name: string): string {
  return `bench_${name.replaceAll("-", "_")}`;
}

async function within<T>(server: TestServer, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
