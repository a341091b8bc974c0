import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { freePorts } from "./free-port.ts";
import { find, type Needed, run } from "./install.ts";
import { startServer } from "./server-process.ts";
import { foreignServer, serverFolder, startPlanned, type TestServer } from "./test-server.ts";

/** What a RabbitMQ takes. */
export const neededForRabbitmq: Needed = {
  program: "rabbitmq-server",
  // Debian's script in PATH insists on an account and a folder of its own; this is what it calls.
  folders: () => ["/usr/lib/rabbitmq/bin"],
  debianPackage: "rabbitmq-server",
  variable: "SLUICE_TEST_RABBITMQ_URL",
};

/** A private RabbitMQ with the management plugin. */
export async function startRabbitmq(): Promise<TestServer> {
  const { variable } = neededForRabbitmq;
  const foreign = process.env[variable];
  if (foreign !== undefined) return foreignServer(variable, foreign);
  const program = await find(neededForRabbitmq);
  const folder = serverFolder("rabbitmq");
  const [amqp = 0, management = 0, distribution = 0, portMapper = 0] = await freePorts(4);
  const env = environment(folder, { amqp, distribution, portMapper });
  writeFileSync(join(folder, "rabbitmq.conf"), configuration(amqp, management));
  writeFileSync(join(folder, "advanced.config"), advanced);
  writeFileSync(join(folder, "enabled_plugins"), "[rabbitmq_management].\n");
  // Started here: the one that RabbitMQ would start puts itself into the background and outlives it.
  const epmd = startServer(
    { file: "epmd", args: ["-port", String(portMapper), "-address", "127.0.0.1"] },
    folder,
  );
  const server = await startPlanned({
    folder,
    url: `amqp://sluice:secret@127.0.0.1:${amqp}/`,
    adminUrl: `http://sluice:secret@127.0.0.1:${management}`,
    command: { file: program, args: [], env },
    readyText: "Server startup complete",
    readyWithinMs: 60_000,
    stopSignal: "SIGTERM",
    closeOthers: () => epmd.end("SIGKILL"),
  });
  const control = join(dirname(program), "rabbitmqctl");
  return {
    ...server,
    control: (...args) => run(control, args, { env: { PATH: process.env.PATH, ...env } }),
  };
}

/** What the driver's page advises: delays that come due while the broker starts are late by seconds, not by three minutes. */
const advanced = "[{rabbit, [{dead_letter_worker_publisher_confirm_timeout, 5000}]}].\n";

function configuration(amqp: number, management: number): string {
  return [
    `listeners.tcp.1 = 127.0.0.1:${amqp}`,
    "management.tcp.ip = 127.0.0.1",
    `management.tcp.port = ${management}`,
    "default_user = sluice",
    "default_pass = secret",
    // Every five seconds by default, which is what tests of counts over the management API would wait for.
    "collect_statistics_interval = 1000",
    "",
  ].join("\n");
}

function environment(
  folder: string,
  ports: { readonly amqp: number; readonly distribution: number; readonly portMapper: number },
): NodeJS.ProcessEnv {
  return {
    HOME: folder, // where the Erlang cookie is
    RABBITMQ_NODENAME: `sluice${ports.amqp}@localhost`,
    RABBITMQ_NODE_PORT: String(ports.amqp),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    ERL_EPMD_PORT: String(ports.portMapper),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
    RABBITMQ_CONF_ENV_FILE: join(folder, "rabbitmq-env.conf"),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, "advanced.config"),
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "enabled_plugins"),
    RABBITMQ_MNESIA_BASE: join(folder, "data"),
    RABBITMQ_LOG_BASE: join(folder, "log"),
    RABBITMQ_LOGS: "-",
  };
}
