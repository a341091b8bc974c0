import { connect as connectSocket } from "node:net";
import {
  aborted,
  type Clock,
  type DeadLetters,
  type Driver,
  type DriverCapabilities,
  type Duration,
  type LeaseExtender,
  type Logger,
  type QueueDriver,
  type QueueLister,
  SluiceError,
  silentLogger,
  systemClock,
  toMs,
} from "../../core/index.ts";
import {
  type Identity,
  loadClients,
  loadDefaultCredential,
  type TokenCredentialLike,
} from "./client.ts";
import { createDeadLetters } from "./dead-letters.ts";
import { closedError, toDriverError, unreachable } from "./errors.ts";
import { Intake } from "./intake.ts";
import { createLink } from "./link.ts";
import type { Parts } from "./parts.ts";
import { createPublisher } from "./publisher.ts";
import { askNamespace, createQueues, type NamespaceFacts, redirect } from "./queues.ts";
import { createThrottle } from "./throttle.ts";

/** Where the namespace is and how it is used. */
export interface AzureServiceBusOptions {
  /** The namespace's host, such as `shop.servicebus.windows.net`, with `:port` where it is not the usual one. */
  readonly host: string;
  /** A shared access policy: its name and key. */
  readonly sharedAccessKey?: { readonly name: string; readonly key: string };
  /** A shared access signature instead of a key. */
  readonly sharedAccessSignature?: string;
  /** Tokens of Entra ID. Default, without key and signature: `DefaultAzureCredential` of `@azure/identity`. */
  readonly credential?: TokenCredentialLike;
  /** The only queue that the credentials are for. */
  readonly entityPath?: string;
  /** Microsoft's emulator, which speaks AMQP without TLS. */
  readonly emulator?: boolean;
  /** Where the management API answers. Default: at the host by HTTPS; with the emulator at its port 5300. */
  readonly management?: string;
  /** Make queues that are not there, which takes the right Manage. Default: true. */
  readonly create?: boolean;
  /** How long queues that are made lock a message for a worker that may have died; 5s to 5m. Default: 30s. */
  readonly lock?: Duration;
  /** How long queues that are made remember message ids. Default: 1h. */
  readonly dedupWindow?: Duration;
  /** The largest message of a Premium namespace whose queues take more than 1 MB, in bytes. */
  readonly maxMessageBytes?: number;
  /** How long a call may wait for its answer. Default: 10s. */
  readonly timeout?: Duration;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** What all properties of one message may have together; the service's own limit. */
const propertyBytes = 64 * 1024;
const standardMessageBytes = 256 * 1024;
const premiumMessageBytes = 1024 * 1024;

/**
 * What a queue can do when the credentials may manage and it has duplicate detection, as the driver makes it. Without the
 * right Manage no count is known, and duplicate detection is used where it is but not promised.
 */
export const azureServiceBusCapabilities: DriverCapabilities = {
  durable: true,
  shared: true,
  ordering: "best-effort",
  delay: "native",
  priority: "none",
  deduplication: "native",
  leaseExtension: "native",
  failureHistory: "emulated",
  wakeUp: "none",
  deadLetters: "native",
  browse: "none",
  transactions: "none",
  depth: {
    ready: "with in flight",
    delayed: "approximate",
    inFlight: "unknown",
    dead: "approximate",
    oldestAge: "unknown",
  },
  limits: {
    maxBodyBytes: standardMessageBytes - propertyBytes,
    maxHeaderBytes: 16 * 1024,
    maxDelayMs: 10 * 365 * 86_400_000,
    maxPublishBatch: 1000,
    maxPriority: 0,
    queueNames: "case-insensitive",
  },
};

/**
 * Connects to an Azure Service Bus namespace. Connections that are lost are opened again by the next call. Rejects with
 * `CLIENT_MISSING`, `OPTION_INVALID`, or `STORE_UNAVAILABLE` when the namespace does not answer at all.
 *
 * @example
 * ```ts
 * import { Sluice } from "sluice";
 * import { azureServiceBusDriver } from "sluice/drivers/azure-service-bus";
 *
 * const sluice = new Sluice(await azureServiceBusDriver({ host: "shop.servicebus.windows.net" }));
 * ```
 */
export async function azureServiceBusDriver(options: AzureServiceBusOptions): Promise<Driver> {
  const {
    clock = systemClock,
    logger = silentLogger,
    host: namespace,
    entityPath = null,
  } = options;
  const timeoutMs = toMs(options.timeout ?? "10s", "timeout");
  const lockMs = toMs(options.lock ?? "30s", "lock");
  const duplicateWindowMs = toMs(options.dedupWindow ?? "1h", "dedupWindow");
  const clients = await loadClients(await identityOf(options));
  const administration = clients.administer();
  redirect(administration, managementOf(options));
  const facts = await askNamespace(administration, entityPath);
  if (!facts.isReachable) await checkPort(options, timeoutMs);
  if (facts.reason !== null)
    logger.warn("depth is unknown, and queues must exist: it takes the right Manage", {
      namespace,
      reason: facts.reason,
    });
  const link = createLink({ clients, namespace, timeoutMs, clock, logger });
  const throttle = createThrottle({ namespace, clock, logger, closed: link.closed });
  const publisher = createPublisher(link, throttle);
  const create = options.create ?? true;
  const queues = createQueues({
    administration,
    facts,
    namespace,
    create,
    lockMs,
    duplicateWindowMs,
    logger,
  });
  const parts: Parts = { clock, logger, namespace, link, throttle, queues, publisher };
  return {
    name: "azure-service-bus",
    capabilities: capabilitiesOf(facts, options),
    ...methodsOf(parts, { entityPath, canList: entityPath === null }),
  };
}

/** What this namespace and these credentials allow. */
function capabilitiesOf(
  { sku }: NamespaceFacts,
  { maxMessageBytes }: AzureServiceBusOptions,
): DriverCapabilities {
  const largest =
    maxMessageBytes ?? (sku === "Premium" ? premiumMessageBytes : standardMessageBytes);
  const { limits, depth, ...others } = azureServiceBusCapabilities;
  const unknown = "unknown";
  return {
    ...others,
    deduplication: sku === null || sku === "Basic" ? "none" : "native",
    depth: sku === null ? { ...depth, ready: unknown, delayed: unknown, dead: unknown } : depth,
    limits: { ...limits, maxBodyBytes: largest - propertyBytes },
  };
}

async function identityOf(options: AzureServiceBusOptions): Promise<Identity> {
  const { host, sharedAccessKey, sharedAccessSignature, emulator, entityPath } = options;
  const ends = [
    ...(entityPath === undefined ? [] : [`EntityPath=${entityPath}`]),
    ...(emulator ? ["UseDevelopmentEmulator=true"] : []),
  ];
  const start = `Endpoint=sb://${host}`;
  if (sharedAccessKey) {
    const { name, key } = sharedAccessKey;
    const secret = [`SharedAccessKeyName=${name}`, `SharedAccessKey=${key}`];
    return { connectionString: [start, ...secret, ...ends].join(";") };
  }
  if (sharedAccessSignature) {
    const secret = `SharedAccessSignature=${sharedAccessSignature}`;
    return { connectionString: [start, secret, ...ends].join(";") };
  }
  return { host, credential: options.credential ?? (await loadDefaultCredential()) };
}

function managementOf({ host, management, emulator }: AzureServiceBusOptions): string | null {
  if (management !== undefined) return management;
  return emulator ? `http://${host.replace(/:\d+$/, "")}:5300` : null;
}

/** The management API may be closed to us where AMQP is not. */
async function checkPort(options: AzureServiceBusOptions, timeoutMs: number): Promise<void> {
  const { host, emulator } = options;
  const [name = "", port] = host.split(/:(?=\d+$)/);
  await new Promise<void>((resolve, reject) => {
    const socket = connectSocket({ host: name, port: Number(port ?? (emulator ? 5672 : 5671)) });
    const end = (error?: Error): void => {
      socket.destroy();
      if (error) reject(unreachable(host, error.message, error));
      else resolve();
    };
    socket.setTimeout(timeoutMs, () => end(new Error(`no answer within ${timeoutMs} ms`)));
    socket.once("connect", () => end());
    socket.once("error", end);
  });
}

type Methods = Omit<QueueDriver, "name" | "capabilities"> &
  LeaseExtender &
  DeadLetters &
  Partial<QueueLister>;

function methodsOf(
  parts: Parts,
  { entityPath, canList }: { readonly entityPath: string | null; readonly canList: boolean },
): Methods {
  const { link, queues, namespace } = parts;
  const intakes = new Map<string, Intake>();
  const deadLetters = createDeadLetters(parts);
  let closing: Promise<void> | null = null;

  /** Every method begins here. */
  function enter(queue: string): void {
    if (closing !== null) throw closedError(namespace);
    checkName(queue, entityPath);
  }

  function intakeOf(queue: string): Intake {
    const known = intakes.get(queue);
    if (known) return known;
    const intake = new Intake(parts, queue);
    intakes.set(queue, intake);
    return intake;
  }

  async function close(): Promise<void> {
    await Promise.all([...intakes.values()].map((intake) => intake.close()));
    await link.close();
  }

  return {
    async publish(queue, messages, { signal } = {}) {
      enter(queue);
      if (signal?.aborted) throw aborted(signal);
      if (messages.length === 0) return [];
      try {
        await queues.ensure(queue);
        await parts.publisher.publish(queue, messages, parts.clock);
      } catch (error) {
        throw toDriverError(error, { namespace, doing: "publishing", queue });
      }
      return messages.map(({ id }) => id);
    },
    async receive(queue, request) {
      enter(queue);
      return intakeOf(queue).receive(request);
    },
    async settle(queue, settlements) {
      enter(queue);
      return settleAll(intakeOf(queue), settlements);
    },
    async extend(queue, receipts, leaseMs) {
      enter(queue);
      const { leases } = intakeOf(queue);
      return Promise.all(receipts.map((receipt) => leases.extend(receipt, leaseMs)));
    },
    async depth(queue) {
      enter(queue);
      return queues.depth(queue);
    },
    async deadLetters(queue, options) {
      enter(queue);
      return deadLetters.deadLetters(queue, options);
    },
    async redrive(queue, selection) {
      enter(queue);
      return deadLetters.redrive(queue, selection);
    },
    async purgeDeadLetters(queue, selection) {
      enter(queue);
      return deadLetters.purgeDeadLetters(queue, selection);
    },
    ...(canList && {
      async queues() {
        if (closing !== null) throw closedError(namespace);
        return queues.list();
      },
    }),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

async function settleAll(
  intake: Intake,
  settlements: Parameters<QueueDriver["settle"]>[1],
): Promise<readonly boolean[]> {
  const answers = await Promise.allSettled(
    settlements.map(async (settlement) => {
      const lease = intake.leases.claim(settlement.receipt);
      if (lease === undefined) return false;
      try {
        const tookEffect = await intake.endings.conclude(lease, settlement, intake.facts);
        lease.lane.release();
        return tookEffect;
      } catch (error) {
        // It is not known to have happened: the lease runs on.
        intake.leases.hold(lease);
        throw error;
      }
    }),
  );
  return answers.map((answer) => {
    if (answer.status === "rejected") throw answer.reason;
    return answer.value;
  });
}

/** Names that the service takes; a colon, for one, it does not. */
const serviceName = /^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$/;

function checkName(queue: string, entityPath: string | null): void {
  if (!serviceName.test(queue))
    throw new SluiceError(
      "QUEUE_NAME_INVALID",
      `Service Bus takes queue names of letters, digits and . - _ / that begin and end with a letter or digit; got ${JSON.stringify(queue)}. Choose another name.`,
    );
  if (entityPath !== null && queue.toLowerCase() !== entityPath.toLowerCase())
    throw new SluiceError(
      "QUEUE_NAME_INVALID",
      `the connection string is for the queue ${entityPath} alone (EntityPath); got ${queue}. Use that queue, or credentials of the namespace.`,
    );
}
