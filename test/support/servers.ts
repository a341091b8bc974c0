/**
 * Brokers for tests: a private server in a temporary folder on a free port, or the one that `SLUICE_TEST_POSTGRES_URL`,
 * `SLUICE_TEST_REDIS_URL` or another such variable names.
 *
 * A server that does not get broken is shared by all test files of a worker process, which runs them one after the other:
 * it starts when the first file asks for it, so that a run without such files starts none, and ends with the process
 * (see `servers/reaper.ts`). Worker processes share nothing, so they cannot disturb each other. Tests that stop or break
 * a server start one of their own.
 */
import { whyMissing } from "./servers/install.ts";
import { neededForMariadb, startMariadb } from "./servers/mariadb.ts";
import { neededForNats, startNats } from "./servers/nats.ts";
import { neededForPostgres, startPostgres } from "./servers/postgres.ts";
import { neededForPrometheus, startPrometheus } from "./servers/prometheus.ts";
import { neededForRabbitmq, startRabbitmq } from "./servers/rabbitmq.ts";
import { neededForRedis, startRedis } from "./servers/redis.ts";
import { startPrivateServiceBus, startServiceBus } from "./servers/service-bus.ts";
import type { TestServer } from "./servers/test-server.ts";

export {
  startPostgres,
  startPrivateServiceBus,
  startRabbitmq,
  startRedis,
  startServiceBus,
  type TestServer,
};

/** The kinds of server. */
export type ServerName = "postgres" | "redis" | "rabbitmq" | "mariadb" | "nats" | "prometheus";

const kinds = {
  postgres: { needed: neededForPostgres, start: startPostgres },
  redis: { needed: neededForRedis, start: startRedis },
  rabbitmq: { needed: neededForRabbitmq, start: startRabbitmq },
  mariadb: { needed: neededForMariadb, start: startMariadb },
  nats: { needed: neededForNats, start: startNats },
  prometheus: { needed: neededForPrometheus, start: startPrometheus },
} as const;

/** Why tests of this server must be skipped here; `null` when they need not. */
export function whyNoServer(name: ServerName): string | null {
  return whyMissing(kinds[name].needed);
}

/** Why tests that stop, empty or reconfigure this server must be skipped here; `null` when they need not. */
export function whyNoOwnServer(name: ServerName): string | null {
  const { variable } = kinds[name].needed;
  const isNamed = process.env[variable] !== undefined;
  return isNamed ? `the server that ${variable} names is not ours to break` : whyNoServer(name);
}

/** A server of one's own, to be closed by the caller. */
export function startServerOf(name: ServerName): Promise<TestServer> {
  return kinds[name].start();
}

const shared = new Map<ServerName, Promise<TestServer>>();

/** The server that test files share; nobody stops or closes it. Names of queues and schemas must be one's own. */
export function sharedServer(name: ServerName): Promise<TestServer> {
  const running = shared.get(name) ?? startServerOf(name);
  shared.set(name, running);
  return running;
}
