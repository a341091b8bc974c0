import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "./free-port.ts";
import { classPathOf, type JavaServer } from "./java.ts";
import { foreignServer, serverFolder, startPlanned, type TestServer } from "./test-server.ts";

/** Where a Kafka comes from. */
export const kafkaServer: JavaServer = {
  name: "kafka-3.9.1",
  artifacts: ["org.apache.kafka:kafka_2.13:3.9.1", "org.slf4j:slf4j-simple:1.7.36"],
  variable: "SLUICE_TEST_KAFKA_URL",
};

/** A private Kafka of one node that is its own controller; `url` is `host:port`. */
export async function startKafka(): Promise<TestServer> {
  const { variable } = kafkaServer;
  const foreign = process.env[variable];
  if (foreign !== undefined) return foreignServer(variable, foreign);
  const classPath = classPathOf(kafkaServer);
  const folder = serverFolder("kafka");
  const [port = 0, controller = 0] = await freePorts(2);
  const configuration = join(folder, "server.properties");
  writeFileSync(configuration, propertiesOf(folder, port, controller));
  const java = ["-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp", classPath];
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, "data/meta.properties"), formatted);
  return startPlanned({
    folder,
    url: `127.0.0.1:${port}`,
    command: { file: "java", args: [...java, "kafka.Kafka", configuration] },
    readyText: "Kafka Server started",
    readyWithinMs: 60_000,
    stopSignal: "SIGTERM",
  });
}

/** What `kafka-storage.sh format` writes, for which it would start a virtual machine of its own. */
const formatted = "version=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qk\nnode.id=1\n";

function propertiesOf(folder: string, port: number, controller: number): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=${join(folder, "data")}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
`;
}
