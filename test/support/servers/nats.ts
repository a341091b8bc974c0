import { join } from "node:path";
import { freePorts } from "./free-port.ts";
import { find, type Needed } from "./install.ts";
import { foreignServer, serverFolder, startPlanned, type TestServer } from "./test-server.ts";

/** What a NATS takes. */
export const neededForNats: Needed = {
  program: "nats-server",
  folders: () => ["/usr/sbin"],
  debianPackage: "nats-server",
  variable: "SLUICE_TEST_NATS_URL",
};

/** A private NATS with JetStream; `adminUrl` is that of its monitoring. */
export async function startNats(): Promise<TestServer> {
  const { variable } = neededForNats;
  const foreign = process.env[variable];
  if (foreign !== undefined) return foreignServer(variable, foreign);
  const program = await find(neededForNats);
  const folder = serverFolder("nats");
  const [port = 0, monitoring = 0] = await freePorts(2);
  const settings = {
    addr: "127.0.0.1",
    port: String(port),
    http_port: String(monitoring),
    store_dir: join(folder, "data"),
  };
  const named = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  return startPlanned({
    folder,
    url: `nats://127.0.0.1:${port}`,
    adminUrl: `http://127.0.0.1:${monitoring}`,
    command: { file: program, args: ["--jetstream", ...named] },
    readyText: "Server is ready",
    readyWithinMs: 10_000,
    stopSignal: "SIGTERM",
  });
}
