/**
 * A private Service Bus namespace for tests, in this process: it speaks what the official SDK speaks, on ports of its own.
 * Written after Microsoft's protocol guide (service-bus-amqp-protocol-guide, service-bus-amqp-request-response), and
 * checked with the SDK. What it does not know, it refuses. It keeps what it stores while it is stopped or killed, as a
 * service does whose network is away.
 */
import { setTimeout as wait } from "node:timers/promises";
import { freePorts } from "./free-port.ts";
import { createAmqpDoor } from "./service-bus/amqp-door.ts";
import { createHttpDoor } from "./service-bus/http-door.ts";
import { Namespace, type NamespaceOptions } from "./service-bus/namespace.ts";
import { foreignServer, type TestServer } from "./test-server.ts";

/** What names a real namespace or Microsoft's emulator to run the tests against: a connection string with the right to manage. */
export const serviceBusVariable = "SLUICE_TEST_SERVICEBUS_URL";

/** A server whose inside can be looked at and broken. */
export interface ServiceBusServer extends TestServer {
  readonly namespace: Namespace;
  /** A connection string with another key. */
  urlFor(keyName: string, key?: string): string;
  /** Ends every connection without a word. */
  dropConnections(): void;
  /** Detaches every link, and leaves connections open. */
  detachLinks(): void;
}

/** The keys that every private namespace has. */
const keys: NamespaceOptions["keys"] = [
  { name: "root", key: "cm9vdC1zZWNyZXQ=", rights: ["Manage", "Send", "Listen"] },
  { name: "sender", key: "c2VuZGVyLXNlY3JldA==", rights: ["Send"] },
  { name: "worker", key: "d29ya2VyLXNlY3JldA==", rights: ["Send", "Listen"] },
];

/** Starts a private namespace. */
export async function startPrivateServiceBus(
  options: Partial<NamespaceOptions> = {},
): Promise<ServiceBusServer> {
  const namespace = new Namespace({
    keys,
    sku: "Standard",
    settings: {
      lockMs: 60_000,
      maxDeliveryCount: 10,
      duplicateWindowMs: null,
      maxMessageBytes: 256 * 1024,
    },
    ...options,
  });
  const [amqpPort = 0, httpPort = 0] = await freePorts(2);
  const amqp = createAmqpDoor(namespace);
  const http = createHttpDoor(namespace);
  const start = async (): Promise<void> => {
    await amqp.listen(amqpPort);
    await http.listen(httpPort);
  };
  const stop = async (): Promise<void> => {
    await Promise.all([amqp.close(), http.close()]);
  };
  const urlFor = (keyName: string, key?: string): string => {
    const secret = key ?? namespace.keys.find(({ name }) => name === keyName)?.key ?? "";
    return `Endpoint=sb://127.0.0.1:${amqpPort};SharedAccessKeyName=${keyName};SharedAccessKey=${secret};UseDevelopmentEmulator=true;ManagementEndpoint=http://127.0.0.1:${httpPort}`;
  };
  await start();
  return {
    url: urlFor("root"),
    isOurs: true,
    namespace,
    urlFor,
    dropConnections: () => amqp.drop(),
    detachLinks: () => amqp.detach(),
    start,
    stop,
    kill: stop,
    async restart({ downMs = 0 } = {}) {
      await stop();
      await wait(downMs);
      await start();
    },
    pause: refusePause,
    resume: refusePause,
    async close() {
      await stop();
      namespace.close();
    },
  };
}

/** The namespace that {@link serviceBusVariable} names, or a private one. */
export async function startServiceBus(): Promise<TestServer> {
  const foreign = process.env[serviceBusVariable];
  return foreign === undefined
    ? startPrivateServiceBus()
    : foreignServer(serviceBusVariable, foreign);
}

function refusePause(): never {
  throw new Error("the Service Bus server for tests lives in this process and cannot be paused");
}
