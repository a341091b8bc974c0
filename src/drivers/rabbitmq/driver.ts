import {
  aborted,
  type Clock,
  type DeadLetters,
  type Driver,
  type DriverCapabilities,
  type LeaseExtender,
  type Logger,
  type QueueDepth,
  type QueueDriver,
  type QueueLister,
  SluiceError,
  silentLogger,
  systemClock,
} from "../../core/index.ts";
import { type AmqpAddress, loadClient } from "./client.ts";
import { createDeadLetters } from "./dead-letters.ts";
import { createGauge, type Gauge } from "./gauge.ts";
import { Intake } from "./intake.ts";
import { maxDelayMs } from "./ladder.ts";
import { closedError, createLink, type Link } from "./link.ts";
import { createManagement, type Management } from "./management.ts";
import { toParcel } from "./message-codec.ts";
import { type Ending, Mover } from "./mover.ts";
import type { Parts } from "./parts.ts";
import { createPublisher } from "./publisher.ts";
import { createTopology, deadName, type QueueType } from "./topology.ts";

/** Where the broker is and how it is used. Texts are plain here, not percent-encoded. */
export interface RabbitmqOptions {
  /** Default: localhost. */
  readonly hostname?: string;
  /** Default: 5672, with TLS 5671. */
  readonly port?: number;
  /** Default: guest, which RabbitMQ lets in from its own machine only. */
  readonly username?: string;
  readonly password?: string;
  /** Default: /. */
  readonly vhost?: string;
  /** Options of Node's TLS sockets, such as `ca`; `true` for none but the defaults. Default: no TLS. */
  readonly tls?: true | Readonly<Record<string, unknown>>;
  /** Default: quorum. */
  readonly queueType?: QueueType;
  /** The address of the management API, which adds messages in flight, rates, the oldest age and the list of queues. */
  readonly management?: string;
  /** Seconds between heartbeats; a broker that is silent for up to twice as long counts as gone. Default: 3. */
  readonly heartbeat?: number;
  /** How long a publish waits while the broker holds back publishers. Default: 10,000. */
  readonly blockedMs?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** What every RabbitMQ queue can do. With the management API, `inFlight`, `oldestAge` and `rates` are sampled. */
export const rabbitmqCapabilities: DriverCapabilities = {
  durable: true,
  shared: true,
  ordering: "best-effort",
  delay: "emulated",
  priority: "none",
  deduplication: "none",
  leaseExtension: "emulated",
  failureHistory: "emulated",
  wakeUp: "none",
  deadLetters: "emulated",
  browse: "none",
  transactions: "none",
  depth: {
    ready: "approximate",
    delayed: "unknown",
    inFlight: "unknown",
    dead: "approximate",
    oldestAge: "unknown",
  },
  limits: {
    // RabbitMQ 4 takes no more unless it is told to.
    maxBodyBytes: 16 * 1024 * 1024,
    // All headers travel in one frame, and the history of failures is among them.
    maxHeaderBytes: 16 * 1024,
    maxDelayMs,
    maxPublishBatch: 1000,
    // The broker confirms message by message; waiting for a whole group would leave it idle in between.
    maxCallsUnderWay: 16,
    maxPriority: 0,
  },
};

/**
 * Connects to RabbitMQ 3.10 or newer. Connections that are lost are opened again by the next call. Rejects with
 * `CLIENT_MISSING`, `STORE_UNAVAILABLE`, or `ACCESS_DENIED` or `STORE_MISCONFIGURED` that says what to correct.
 *
 * @example
 * ```ts
 * import { Sluice } from "sluice";
 * import { rabbitmqDriver } from "sluice/drivers/rabbitmq";
 *
 * const sluice = new Sluice(await rabbitmqDriver({ hostname: "rabbit", queueType: "quorum" }));
 * ```
 */
export async function rabbitmqDriver(options: RabbitmqOptions = {}): Promise<Driver> {
  const connect = await loadClient();
  const address = toAddress(options);
  const logger = options.logger ?? silentLogger;
  const shownAddress = `${address.protocol}://${address.hostname}:${address.port}/${address.vhost}`;
  const common = {
    connect,
    address,
    shownAddress,
    tls: typeof options.tls === "object" ? options.tls : {},
    logger,
    blockedMs: options.blockedMs ?? 10_000,
  };
  const consuming = createLink({ ...common, name: "sluice consumer" });
  const publishing = createLink({ ...common, name: "sluice publisher" });
  const queueType = options.queueType ?? "quorum";
  const topology = createTopology(consuming, { queueType, shownAddress, logger });
  const onUnroutable = (): void => topology.forgetAll();
  const publisher = createPublisher({ link: publishing, shownAddress, onUnroutable });
  const clock = options.clock ?? systemClock;
  const parts = { clock, logger, shownAddress, queueType, consuming, topology, publisher };
  await checkVersion(consuming, shownAddress);
  return assemble(new Broker(parts, publishing), toManagement(options, address));
}

function toAddress(options: RabbitmqOptions): AmqpAddress {
  const isTls = options.tls !== undefined;
  return {
    protocol: isTls ? "amqps" : "amqp",
    hostname: options.hostname ?? "localhost",
    port: options.port ?? (isTls ? 5671 : 5672),
    username: options.username ?? "guest",
    password: options.password ?? "guest",
    vhost: encodeURIComponent(options.vhost ?? "/"),
    heartbeat: options.heartbeat ?? 3,
  };
}

function toManagement(options: RabbitmqOptions, address: AmqpAddress): Management | null {
  if (options.management === undefined) return null;
  const url = new URL(options.management.replace(/\/?$/, "/"));
  const username = decodeURIComponent(url.username) || address.username;
  const password = decodeURIComponent(url.password) || address.password;
  url.username = "";
  url.password = "";
  return createManagement({ url, username, password, vhost: address.vhost });
}

async function checkVersion(link: Link, shownAddress: string): Promise<void> {
  const { connection } = await link.open();
  const version = String(connection.serverProperties?.version ?? "");
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > 3 || (major === 3 && minor >= 10)) return;
  await link.close();
  const message = `RabbitMQ at ${shownAddress} is version ${version}; 3.10 or newer is needed. Upgrade it.`;
  throw new SluiceError("STORE_MISCONFIGURED", message);
}

/** The open driver: its connections, and what is under way in each queue. */
class Broker {
  readonly parts: Parts;
  readonly #publishing: Link;
  readonly #queues = new Map<string, { readonly intake: Intake; readonly mover: Mover }>();
  #isClosed = false;

  constructor(parts: Parts, publishing: Link) {
    this.parts = parts;
    this.#publishing = publishing;
  }

  /** Throws `CLOSED`. */
  check(): void {
    if (this.#isClosed) throw closedError(this.parts.shownAddress);
  }

  queue(name: string): { readonly intake: Intake; readonly mover: Mover } {
    this.check();
    const known = this.#queues.get(name);
    if (known) return known;
    checkOwnName(name);
    const mover = new Mover(name, this.parts);
    const made = { mover, intake: new Intake(name, this.parts, mover) };
    this.#queues.set(name, made);
    return made;
  }

  buffered(name: string): number {
    return this.#queues.get(name)?.intake.session?.buffer.length ?? 0;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const ending = [...this.#queues.values()].map(({ intake }) => intake.close());
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, closeMs);
    });
    await Promise.race([Promise.allSettled(ending), limit]);
    clearTimeout(timer);
    await Promise.all([this.parts.consuming.close(), this.#publishing.close()]);
  }
}

/** How long closing waits for a broker that does not answer; it gives everything back by itself then. */
const closeMs = 3000;

/** Names that would be mistaken for queues of the driver's own. */
function checkOwnName(name: string): void {
  if (!name.endsWith(deadName("")) && !name.startsWith("sluice.delay.")) return;
  const message = `the rabbitmq driver keeps names that end with .dead or begin with sluice.delay. for itself; got ${name}. Choose another.`;
  throw new SluiceError("QUEUE_NAME_INVALID", message);
}

function assemble(broker: Broker, management: Management | null): Driver {
  const depth = { ...rabbitmqCapabilities.depth };
  if (management) {
    const told = { inFlight: "sampled", oldestAge: "sampled", rates: "sampled" };
    Object.assign(depth, told);
  }
  const gauge = createGauge(broker.parts, management, (queue) => broker.buffered(queue));
  return {
    name: "rabbitmq",
    capabilities: { ...rabbitmqCapabilities, depth },
    ...queueMethods(broker, gauge),
    ...deadLetterMethods(broker),
    ...(management ? listing(broker, management) : {}),
  };
}

function queueMethods(
  broker: Broker,
  gauge: Gauge,
): Omit<QueueDriver, "name" | "capabilities"> & LeaseExtender {
  const { clock } = broker.parts;
  return {
    async publish(queue, messages, { signal } = {}) {
      const { mover } = broker.queue(queue);
      if (signal?.aborted) throw aborted(signal);
      const now = clock.now();
      await mover.ship(
        messages.map((message) => ({ parcel: toParcel(message, now), delayMs: message.delayMs })),
      );
      return messages.map(({ id }) => id);
    },
    async receive(queue, request) {
      return broker.queue(queue).intake.receive(request);
    },
    async settle(queue, settlements) {
      const { intake } = broker.queue(queue);
      const { session } = intake;
      if (session === null) return settlements.map(() => false);
      const claimed = settlements.map((settlement): Ending | null => {
        const lease = session.claim(settlement.receipt);
        return lease === undefined ? null : { lease, settlement };
      });
      const endings = claimed.filter((ending) => ending !== null);
      if (endings.length > 0) await intake.conclude(session, endings);
      return claimed.map((ending) => ending !== null);
    },
    async extend(queue, receipts, leaseMs) {
      const { session } = broker.queue(queue).intake;
      return receipts.map((receipt) => session?.extend(receipt, leaseMs) ?? false);
    },
    async depth(queue): Promise<QueueDepth> {
      broker.queue(queue);
      return gauge(queue);
    },
    close: () => broker.close(),
  };
}

function deadLetterMethods(broker: Broker): DeadLetters {
  const { deadLetters, redrive, purgeDeadLetters } = createDeadLetters(broker.parts);
  return {
    async deadLetters(queue, options) {
      broker.queue(queue);
      return deadLetters(queue, options);
    },
    async redrive(queue, selection) {
      broker.queue(queue);
      return redrive(queue, selection);
    },
    async purgeDeadLetters(queue, selection) {
      broker.queue(queue);
      return purgeDeadLetters(queue, selection);
    },
  };
}

function listing(broker: Broker, management: Management): QueueLister {
  return {
    async queues() {
      broker.check();
      return management.queues();
    },
  };
}
