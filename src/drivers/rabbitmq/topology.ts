/**
 * Queues and exchanges, declared when first used and then remembered until the connection or the queue is gone.
 *
 * Each declaration has a channel of its own: a refusal closes the channel, and must not take others with it.
 */
import { isSluiceError, type Logger, type SluiceError } from "../../core/index.ts";
import { onChannel } from "./channel.ts";
import type { AmqpChannel, AmqpConnection, QueueArguments } from "./client.ts";
import { accessRefused, codeOf, preconditionFailed, toDriverError, toMismatch } from "./errors.ts";
import { insistMs, retryMs } from "./insistence.ts";
import { bitPattern, dueExchange, duePattern, rungName, topRung } from "./ladder.ts";
import type { Link } from "./link.ts";

/** The kind of queue that keeps the messages. */
export type QueueType = "quorum" | "classic";

/** See the top of this file. */
export interface Topology {
  /** The queue and its dead-letter queue are there. Rejects with `STORE_MISCONFIGURED` when either differs. */
  ensureQueue(queue: string): Promise<void>;
  /** These rungs are there, and what leaves the ladder for the queue reaches it. */
  ensureDelay(queue: string, rungs: readonly number[]): Promise<void>;
  /** Somebody deleted the queue: declare it again when it is needed next. */
  forget(queue: string): void;
  /** Something on the way of a message is gone: declare everything again when it is needed next. */
  forgetAll(): void;
}

/** Names the dead-letter queue of a queue. */
export function deadName(queue: string): string {
  return `${queue}.dead`;
}

const laneCount = 4;

/** What was declared over one connection. */
interface Declared {
  readonly connection: AmqpConnection;
  readonly done: Map<string, Promise<void>>;
}

/** What a {@link Topology} needs. */
export interface TopologyOptions {
  readonly queueType: QueueType;
  /** The URL as it may be shown. */
  readonly shownAddress: string;
  readonly logger: Logger;
}

/** Declares over `link`. */
export function createTopology(link: Link, options: TopologyOptions): Topology {
  const { queueType, shownAddress, logger } = options;
  let declared: Declared | null = null;

  /** `work` once per connection, unless it fails. */
  async function once(
    key: string,
    work: (connection: AmqpConnection) => Promise<void>,
  ): Promise<void> {
    const connection = await openLink();
    if (declared?.connection !== connection) declared = { connection, done: new Map() };
    const { done } = declared;
    const known = done.get(key);
    if (known) return known;
    const doing = work(connection);
    done.set(key, doing);
    doing.catch(() => done.delete(key));
    return doing;
  }

  const openLink = (): Promise<AmqpConnection> => link.open();
  const refusal = (error: unknown, doing: string): SluiceError =>
    toDriverError(error, { address: shownAddress, doing });

  async function declareBoth(connection: AmqpConnection, queue: string): Promise<void> {
    const [args, older] = queueArguments(connection, queueType);
    for (const name of [queue, deadName(queue)]) {
      try {
        const isOlder = await declareQueue(connection, { name, args, older });
        if (isOlder) logger.warn(deliveryLimitWarning, { queue: name });
      } catch (error) {
        throw codeOf(error) === preconditionFailed
          ? toMismatch(error, name, shownAddress)
          : refusal(error, `declaring the queue ${name}`);
      }
    }
  }

  async function declareDelay(queue: string, rungs: readonly number[]): Promise<void> {
    try {
      await once("\0ladder", declareExchanges);
      const steps = rungs.map((rung) =>
        once(`\0${rung}`, (connection) =>
          onChannel(connection, (channel) => declareRung(channel, rung)),
        ),
      );
      const due = once(`\0due ${queue}`, (connection) =>
        onChannel(connection, async (channel) => {
          await channel.bindQueue(queue, dueExchange, duePattern(queue));
        }),
      );
      await Promise.all([...steps, due]);
    } catch (error) {
      throw refusal(error, "declaring the delay queues sluice.delay.*");
    }
  }

  return {
    ensureQueue: (queue) =>
      persistently(() => once(queue, (connection) => declareBoth(connection, queue))),
    ensureDelay: (queue, rungs) => persistently(() => declareDelay(queue, rungs)),
    forgetAll() {
      declared = null;
    },
    forget(queue) {
      declared?.done.delete(queue);
      declared?.done.delete(`\0due ${queue}`);
    },
  };
}

/** Declares once more when the connection was lost under it, because declaring twice does no harm. */
async function persistently(declare: () => Promise<void>): Promise<void> {
  const giveUpAt = performance.now() + insistMs;
  for (;;) {
    try {
      return await declare();
    } catch (error) {
      const isLost = isSluiceError(error) && error.code === "STORE_UNAVAILABLE" && error.retryable;
      if (!isLost || performance.now() + retryMs > giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

const deliveryLimitWarning =
  "RabbitMQ 4 drops what was delivered 20 times from a quorum queue that was declared without x-delivery-limit, as this one was; set delivery-limit to -1 by a policy, if none does yet";

/**
 * Since 4.0 a quorum queue drops what was delivered 20 times unless it is told not to. One that was declared by 3.x, which
 * knows no such argument, or by others is used as it is.
 */
function queueArguments(
  connection: AmqpConnection,
  queueType: QueueType,
): readonly [QueueArguments, older: QueueArguments | null] {
  const plain = { "x-queue-type": queueType };
  const version = String(connection.connection.serverProperties?.version ?? "");
  const isLimited = queueType === "quorum" && Number.parseInt(version, 10) >= 4;
  return isLimited ? [{ ...plain, "x-delivery-limit": -1 }, plain] : [plain, null];
}

interface Declaration {
  readonly name: string;
  readonly args: QueueArguments;
  /** For a queue that exists and differs from `args`. */
  readonly older: QueueArguments | null;
}

/** Answers whether the older arguments were those that fit. A user who may not declare can use a queue that is there. */
async function declareQueue(
  connection: AmqpConnection,
  { name, args, older }: Declaration,
): Promise<boolean> {
  try {
    await onChannel(connection, (channel) =>
      channel.assertQueue(name, { durable: true, arguments: args }),
    );
    return false;
  } catch (error) {
    if (codeOf(error) === preconditionFailed && older !== null) {
      await declareQueue(connection, { name, args: older, older: null });
      return true;
    }
    if (codeOf(error) !== accessRefused) throw error;
    await onChannel(connection, (channel) => channel.checkQueue(name)).catch(() => {
      throw error;
    });
    return false;
  }
}

/** In a few lanes, since the broker answers the questions of a channel one after the other. */
async function declareExchanges(connection: AmqpConnection): Promise<void> {
  const rungs = Array.from({ length: topRung + 1 }, (_, rung) => rung);
  const inLanes = async (work: (channel: AmqpChannel, rung: number) => Promise<unknown>) => {
    const lanes = Array.from({ length: laneCount }, (_, lane) =>
      onChannel(connection, (channel) =>
        Promise.all(
          rungs.filter((rung) => rung % laneCount === lane).map((rung) => work(channel, rung)),
        ),
      ),
    );
    await Promise.all(lanes);
  };
  await onChannel(connection, (channel) =>
    channel.assertExchange(dueExchange, "topic", { durable: true }),
  );
  await inLanes((channel, rung) =>
    channel.assertExchange(rungName(rung), "topic", { durable: true }),
  );
  await inLanes((channel, rung) =>
    channel.bindExchange(rungName(rung - 1), rungName(rung), bitPattern(rung, 0)),
  );
}

/** Always a quorum queue: only those hand on expired messages with the next queue's confirmation. */
async function declareRung(channel: AmqpChannel, rung: number): Promise<void> {
  const name = rungName(rung);
  await channel.assertQueue(name, {
    durable: true,
    arguments: {
      "x-queue-type": "quorum",
      "x-message-ttl": 2 ** rung,
      "x-dead-letter-exchange": rungName(rung - 1),
      "x-dead-letter-strategy": "at-least-once",
      "x-overflow": "reject-publish",
    },
  });
  await channel.bindQueue(name, name, bitPattern(rung, 1));
}
