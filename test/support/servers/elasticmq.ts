import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "./free-port.ts";
import { classPathOf, type JavaServer } from "./java.ts";
import { foreignServer, serverFolder, startPlanned, type TestServer } from "./test-server.ts";

/** Where an ElasticMQ, a server that speaks SQS, comes from. */
export const elasticmqServer: JavaServer = {
  name: "elasticmq-1.6.11",
  artifacts: ["org.elasticmq:elasticmq-server_2.13:1.6.11"],
  variable: "SLUICE_TEST_SQS_URL",
};

/** A private ElasticMQ. */
export async function startElasticmq(): Promise<TestServer> {
  const { variable } = elasticmqServer;
  const foreign = process.env[variable];
  if (foreign !== undefined) return foreignServer(variable, foreign);
  const classPath = classPathOf(elasticmqServer);
  const folder = serverFolder("elasticmq");
  const [port = 0] = await freePorts(1);
  const configuration = join(folder, "elasticmq.conf");
  writeFileSync(
    configuration,
    `include classpath("application.conf")
node-address { protocol = http, host = "127.0.0.1", port = ${port}, context-path = "" }
rest-sqs { enabled = true, bind-port = ${port}, bind-hostname = "127.0.0.1", sqs-limits = strict }
rest-stats { enabled = false }
`,
  );
  const java = ["-XX:TieredStopAtLevel=1", "-Xmx128m", `-Dconfig.file=${configuration}`];
  return startPlanned({
    folder,
    url: `http://127.0.0.1:${port}`,
    command: { file: "java", args: [...java, "-cp", classPath, "org.elasticmq.server.Main"] },
    readyText: ") started in",
    readyWithinMs: 30_000,
    stopSignal: "SIGTERM",
  });
}
