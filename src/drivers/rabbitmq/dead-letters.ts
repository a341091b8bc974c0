/**
 * The dead-letter queue of each queue, `NAME.dead`. AMQP can only look at messages by taking them, so a look takes the
 * first ones and gives all of them back, in their order; for that moment nobody else sees them.
 */
import type { DeadLetterSelection, DeadLetters } from "../../core/index.ts";
import { getMessage, onChannel } from "./channel.ts";
import type { AmqpChannel, AmqpMessage } from "./client.ts";
import { toDriverError } from "./errors.ts";
import { fromAmqp, toDeadLetter, toPublishOptions } from "./message-codec.ts";
import type { Parts } from "./parts.ts";
import { deadName } from "./topology.ts";

/** How many are moved between two confirmations. */
const chunkSize = 200;
/** How long it may take until what was given back is counted again, when nobody else takes it meanwhile. */
const mostLooks = 100;
const lookEveryMs = 5;

/** Looks after dead letters over the consuming connection. */
export function createDeadLetters(parts: Parts): DeadLetters {
  const { clock, publisher, topology } = parts;

  /** `work` on a channel of its own, whose messages go back when it is closed. */
  async function onQueue<T>(
    queue: string,
    doing: string,
    work: (channel: AmqpChannel, count: number) => Promise<T>,
  ): Promise<T> {
    await topology.ensureQueue(queue);
    const connection = await parts.consuming.open();
    try {
      return await onChannel(connection, async (channel) => {
        const { messageCount } = await channel.checkQueue(deadName(queue));
        return work(channel, messageCount);
      });
    } catch (error) {
      throw toDriverError(error, { address: parts.shownAddress, doing: `${doing} ${queue}` });
    }
  }

  async function revive(queue: string, messages: readonly AmqpMessage[]): Promise<void> {
    const now = clock.now();
    const copies = messages.map((message) => {
      const { reason: _reason, deadAt: _deadAt, ...parcel } = fromAmqp(message, now);
      const options = toPublishOptions({ ...parcel, attempts: 0, readyAt: now }, now);
      return { exchange: "", routingKey: queue, body: parcel.body, options };
    });
    await publisher.send(copies);
  }

  return {
    deadLetters: (queue, { limit }) =>
      onQueue(queue, "listing the dead letters of", async (channel, count) => {
        const taken = await takeUpTo(channel, deadName(queue), Math.min(limit, count));
        await putBack(channel, deadName(queue), taken.length);
        const now = clock.now();
        return taken.map((message) => toDeadLetter(fromAmqp(message, now), queue, now));
      }),
    redrive: (queue, selection) =>
      onQueue(queue, "redriving the dead letters of", (channel, count) =>
        takeChosen(
          { channel, name: deadName(queue), count, selection, now: clock.now() },
          (chosen) => revive(queue, chosen),
        ),
      ),
    purgeDeadLetters: (queue, selection) =>
      onQueue(queue, "purging the dead letters of", async (channel, count) => {
        if (selection.ids === undefined)
          return (await channel.purgeQueue(deadName(queue))).messageCount;
        const name = deadName(queue);
        return takeChosen(
          { channel, name, count, selection, now: clock.now() },
          async () => undefined,
        );
      }),
  };
}

async function takeUpTo(
  channel: AmqpChannel,
  name: string,
  count: number,
): Promise<readonly AmqpMessage[]> {
  const taken: AmqpMessage[] = [];
  while (taken.length < count) {
    const message = await getMessage(channel, name);
    if (message === false) break;
    taken.push(message);
  }
  return taken;
}

/** Gives back all that was taken, and waits until it can be seen there: the next look must not come too early. */
async function putBack(channel: AmqpChannel, name: string, count: number): Promise<void> {
  if (count === 0) return;
  channel.nackAll(true);
  for (let look = 0; look < mostLooks; look += 1) {
    const { messageCount } = await channel.checkQueue(name);
    if (messageCount >= count) return;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

interface Choice {
  readonly channel: AmqpChannel;
  readonly name: string;
  /** How many there were at the start: what dies meanwhile is left alone. */
  readonly count: number;
  readonly selection: DeadLetterSelection;
  readonly now: number;
}

/** Takes the chosen ones for good once `use` is done with them; the others go back to their places at the end. */
async function takeChosen(
  { channel, name, count, selection, now }: Choice,
  use: (messages: readonly AmqpMessage[]) => Promise<void>,
): Promise<number> {
  const wanted = selection.ids === undefined ? null : new Set(selection.ids);
  if (wanted?.size === 0) return 0;
  let total = 0;
  let seen = 0;
  let isMore = true;
  while (isMore && seen < count) {
    const ask = Math.min(chunkSize, count - seen);
    const taken = await takeUpTo(channel, name, ask);
    const chosen = taken.filter((message) => wanted?.has(fromAmqp(message, now).id) ?? true);
    await use(chosen);
    for (const message of chosen) channel.ack(message, false);
    total += chosen.length;
    seen += taken.length;
    isMore = taken.length === ask;
  }
  await putBack(channel, name, seen - total);
  return total;
}
