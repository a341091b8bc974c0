import { freePorts } from "./free-port.ts";
import { find, type Needed } from "./install.ts";
import { foreignServer, serverFolder, startPlanned, type TestServer } from "./test-server.ts";

/** What a Redis takes. */
export const neededForRedis: Needed = {
  program: "redis-server",
  folders: () => [],
  debianPackage: "redis-server",
  variable: "SLUICE_TEST_REDIS_URL",
};

/** A private Redis that keeps what it stores: append-only file, written to disk every second. Passwords are checked. */
export async function startRedis(): Promise<TestServer> {
  const { variable } = neededForRedis;
  const foreign = process.env[variable];
  if (foreign !== undefined) return foreignServer(variable, foreign);
  const program = await find(neededForRedis);
  const folder = serverFolder("redis");
  const [port = 0] = await freePorts(1);
  const settings = {
    bind: "127.0.0.1",
    port: String(port),
    dir: folder,
    requirepass: "secret",
    appendonly: "yes",
    appendfsync: "everysec",
    save: "",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  return startPlanned({
    folder,
    url: `redis://:secret@127.0.0.1:${port}/0`,
    command: { file: program, args },
    readyText: "Ready to accept connections",
    readyWithinMs: 10_000,
    stopSignal: "SIGTERM",
  });
}
