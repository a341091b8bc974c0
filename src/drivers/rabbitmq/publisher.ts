/**
 * Sends over one channel with confirmations: everything is written at once, and what was sent together resolves when the
 * broker has confirmed all of it. Over a connection of its own, so that a broker that holds back publishers goes on
 * taking settlements.
 */
import { SluiceError } from "../../core/index.ts";
import { openConfirmChannel } from "./channel.ts";
import type { AmqpConfirmChannel, AmqpPublishOptions } from "./client.ts";
import { codeOf, notFound, preconditionFailed, toDriverError } from "./errors.ts";
import type { Link } from "./link.ts";

/** One message on its way. */
export interface Shipment {
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly options: AmqpPublishOptions;
}

/** See the top of this file. */
export interface Publisher {
  /** Connects, unless it is; `send` would do it otherwise. */
  open(): Promise<void>;
  /** Resolves when the broker has all of them safely; rejects when it has not confirmed one of them. */
  send(shipments: readonly Shipment[]): Promise<void>;
}

/** What a {@link Publisher} needs. */
export interface PublisherOptions {
  readonly link: Link;
  readonly shownAddress: string;
  /** Told that a message found no queue, or no exchange: somebody deleted it. */
  readonly onUnroutable: () => void;
}

/**
 * A queue without a leader refuses messages, as a new one does for a moment on a busy broker, and one after a restart. What
 * was refused is not stored, so it may be sent again without a doubt; for a second, because a full queue refuses as well.
 */
const nackTries = 10;
const nackPauseMs = 100;

interface Outlet {
  readonly channel: AmqpConfirmChannel;
  /** Ids of messages that came back, each with how often; the confirmation of each follows. */
  readonly returned: Map<string, number>;
  /** Why the channel was closed, if it was. */
  failure: unknown;
}

/** Sends over `link`. */
export function createPublisher(options: PublisherOptions): Publisher {
  let opening: Promise<Outlet> | null = null;

  function open(): Promise<Outlet> {
    if (opening) return opening;
    const current = openOutlet(options.link, () => {
      if (opening === current) opening = null;
    });
    current.catch(() => {
      if (opening === current) opening = null;
    });
    opening = current;
    return current;
  }

  async function ready(): Promise<Outlet> {
    try {
      return await open();
    } catch (error) {
      throw toDriverError(error, { address: options.shownAddress, doing: "publishing" });
    }
  }

  return {
    async open() {
      await ready();
    },
    async send(shipments) {
      if (shipments.length === 0) return;
      const outlet = await ready();
      await new Promise<void>((resolve, reject) => {
        let left = shipments.length;
        let failed: SluiceError | null = null;
        const settle = (error: SluiceError | null): void => {
          failed ??= error;
          left -= 1;
          if (left > 0) return;
          if (failed) reject(failed);
          else resolve();
        };
        for (const shipment of shipments) ship(outlet, shipment, options, settle);
      });
    },
  };
}

async function openOutlet(link: Link, onClose: () => void): Promise<Outlet> {
  const connection = await link.open();
  const channel = await openConfirmChannel(connection);
  const outlet: Outlet = { channel, returned: new Map(), failure: null };
  channel.on("error", (error) => {
    outlet.failure = error;
  });
  channel.on("return", ({ properties }) => {
    const id = String(properties.messageId);
    outlet.returned.set(id, (outlet.returned.get(id) ?? 0) + 1);
  });
  channel.on("close", onClose);
  return outlet;
}

function ship(
  outlet: Outlet,
  shipment: Shipment,
  options: PublisherOptions,
  settle: (error: SluiceError | null) => void,
): void {
  const { exchange, routingKey, body } = shipment;
  const fail = (error: unknown): void => settle(toPublishError(error, outlet, shipment, options));
  let triesLeft = nackTries;
  const send = (): void => {
    try {
      outlet.channel.publish(exchange, routingKey, body, shipment.options, (error) => {
        if (isNack(error) && triesLeft > 0) {
          triesLeft -= 1;
          setTimeout(send, nackPauseMs);
        } else if (error) fail(error);
        else settle(outlet.returned.size === 0 ? null : unroutable(outlet, shipment, options));
      });
    } catch (error) {
      // amqplib throws when the channel is closed, and when a message cannot be encoded.
      fail(error);
    }
  };
  send();
}

function isNack(error: unknown): boolean {
  return error instanceof Error && error.message === "message nacked";
}

/** The error of a message that no queue took; `null` when this one was not returned. */
function unroutable(
  { returned }: Outlet,
  { options: { messageId }, routingKey }: Shipment,
  { shownAddress, onUnroutable }: PublisherOptions,
): SluiceError | null {
  const count = returned.get(messageId);
  if (count === undefined) return null;
  if (count === 1) returned.delete(messageId);
  else returned.set(messageId, count - 1);
  onUnroutable();
  const message = `RabbitMQ at ${shownAddress} has no queue for ${routingKey}: it was deleted meanwhile. The next call declares it again.`;
  return new SluiceError("STORE_UNAVAILABLE", message);
}

function toPublishError(
  error: unknown,
  { failure }: Outlet,
  { body }: Shipment,
  { link, shownAddress, onUnroutable }: PublisherOptions,
): SluiceError {
  if (codeOf(failure) === notFound) onUnroutable();
  if (link.isBlocked) {
    const message = `RabbitMQ at ${shownAddress} holds back publishers because it is short of memory or disk. Free some, or consume; nothing is known to be stored.`;
    return new SluiceError("STORE_FULL", message, { cause: error });
  }
  if (isNack(error)) {
    const message = `RabbitMQ at ${shownAddress} did not take the message: the queue is at its limit or has no majority of its nodes. Consume, or raise the limit.`;
    return new SluiceError("STORE_FULL", message, { cause: error });
  }
  const limit = sizeLimit(failure);
  if (limit !== null && body.byteLength > limit) {
    const message = `RabbitMQ at ${shownAddress} takes messages of up to ${limit} bytes (max_message_size); got ${body.byteLength}. Raise it, or store the data elsewhere and send its address.`;
    return new SluiceError("BODY_TOO_LARGE", message, { cause: failure });
  }
  // Others of the same channel go down with a message that was too large, and may be sent again.
  const cause = limit === null ? (failure ?? error) : error;
  return toDriverError(cause, { address: shownAddress, doing: "publishing" });
}

/** The broker's limit, which only its text tells. */
function sizeLimit(failure: unknown): number | null {
  if (codeOf(failure) !== preconditionFailed || !(failure instanceof Error)) return null;
  const found = /max size:? (\d+)/.exec(failure.message);
  return found ? Number(found[1]) : null;
}
