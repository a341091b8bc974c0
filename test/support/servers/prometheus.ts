import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "./free-port.ts";
import { find, type Needed } from "./install.ts";
import { foreignServer, serverFolder, startPlanned, type TestServer } from "./test-server.ts";

/** What a Prometheus takes. */
export const neededForPrometheus: Needed = {
  program: "prometheus",
  folders: () => [],
  debianPackage: "prometheus",
  variable: "SLUICE_TEST_PROMETHEUS_URL",
};

/** A private Prometheus that scrapes nothing. */
export async function startPrometheus(): Promise<TestServer> {
  const { variable } = neededForPrometheus;
  const foreign = process.env[variable];
  if (foreign !== undefined) return foreignServer(variable, foreign);
  const program = await find(neededForPrometheus);
  const folder = serverFolder("prometheus");
  const [port = 0] = await freePorts(1);
  const configuration = join(folder, "prometheus.yml");
  writeFileSync(configuration, "scrape_configs: []\n");
  const args = [
    `--config.file=${configuration}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  return startPlanned({
    folder,
    url: `http://127.0.0.1:${port}`,
    command: { file: program, args },
    readyText: "Server is ready to receive web requests",
    readyWithinMs: 20_000,
    stopSignal: "SIGTERM",
  });
}
