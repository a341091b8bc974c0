/**
 * Channels of amqplib without its gaps: promises of its that never settle, and events that come before anybody can listen,
 * when a connection ends at that moment.
 */
import type { AmqpChannel, AmqpConfirmChannel, AmqpConnection, AmqpMessage } from "./client.ts";

/** A new channel, which is open. */
export async function openChannel(connection: AmqpConnection): Promise<AmqpChannel> {
  return stillOpen(connection, await connection.createChannel());
}

/** A new channel with confirmations, which is open. */
export async function openConfirmChannel(connection: AmqpConnection): Promise<AmqpConfirmChannel> {
  return stillOpen(connection, await connection.createConfirmChannel());
}

/** Whether a connection is over: the broker's goodbye may stand right behind the answer that opened it. */
export function isOver({ connection }: AmqpConnection): boolean {
  return connection.stream.writableEnded === true;
}

function stillOpen<T extends AmqpChannel>(connection: AmqpConnection, channel: T): T {
  if (isOver(connection)) throw new Error("the connection ended");
  // Without a listener an "error" event would end the process; "close" follows it.
  channel.on("error", () => undefined);
  return channel;
}

/** Closes a channel, if nobody was faster. Resolves as well when the connection ends before it answers. */
export function closeChannel(channel: AmqpChannel): Promise<void> {
  return new Promise((resolve) => {
    channel.on("close", resolve);
    channel.close().then(
      () => resolve(),
      () => resolve(), // it was closed already
    );
  });
}

/**
 * Fetches one message. Rejects when the channel closes meanwhile; amqplib's own never settles when that happens between
 * the first frame of the answer and the last.
 */
export function getMessage(channel: AmqpChannel, queue: string): Promise<AmqpMessage | false> {
  return new Promise((resolve, reject) => {
    const onClose = (): void => reject(new Error("the channel was closed"));
    channel.on("close", onClose);
    channel
      .get(queue)
      .then(resolve, reject)
      .finally(() => channel.off("close", onClose));
  });
}

/** `work` on a channel of its own, which is closed behind it; nobody waits for that. */
export async function onChannel<T>(
  connection: AmqpConnection,
  work: (channel: AmqpChannel) => Promise<T>,
): Promise<T> {
  const channel = await openChannel(connection);
  try {
    return await work(channel);
  } finally {
    void closeChannel(channel);
  }
}
