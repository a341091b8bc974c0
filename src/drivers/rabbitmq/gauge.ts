/** Counts over a channel that is kept for them: a passive declare tells what is ready. */
import type { QueueDepth } from "../../core/index.ts";
import { openChannel } from "./channel.ts";
import type { AmqpChannel } from "./client.ts";
import { codeOf, notFound, toDriverError } from "./errors.ts";
import type { Management } from "./management.ts";
import type { Parts } from "./parts.ts";
import { deadName } from "./topology.ts";

/** Reads the depth of a queue. */
export type Gauge = (queue: string) => Promise<QueueDepth>;

/** `buffered` tells how many messages have arrived in this process that nobody has received. */
export function createGauge(
  parts: Parts,
  management: Management | null,
  buffered: (queue: string) => number,
): Gauge {
  const { consuming, topology, shownAddress } = parts;
  let opening: Promise<AmqpChannel> | null = null;

  async function openKept(): Promise<AmqpChannel> {
    const connection = await consuming.open();
    const channel = await openChannel(connection);
    channel.on("close", () => {
      opening = null;
    });
    return channel;
  }

  function open(): Promise<AmqpChannel> {
    opening ??= openKept().catch((error: unknown) => {
      opening = null;
      throw error;
    });
    return opening;
  }

  async function count(queue: string): Promise<readonly [ready: number, dead: number]> {
    await topology.ensureQueue(queue);
    const channel = await open();
    const main = channel.checkQueue(queue);
    const dead = channel.checkQueue(deadName(queue));
    const [ready, buried] = await Promise.all([main, dead]);
    return [ready.messageCount, buried.messageCount];
  }

  return async (queue) => {
    try {
      const [ready, dead] = await count(queue).catch((error: unknown) => {
        if (codeOf(error) !== notFound) throw error;
        // Somebody deleted it; it comes into being by being named.
        topology.forget(queue);
        return count(queue);
      });
      const known = await management?.statistics(queue);
      const waiting = ready + buffered(queue);
      const estimated = known?.oldestAgeMs ?? null;
      // The statistics lag behind the count.
      const oldestAgeMs = estimated !== null && waiting === 0 ? 0 : estimated;
      return {
        ready: waiting,
        delayed: null,
        inFlight: known?.inFlight ?? null,
        dead,
        oldestAgeMs,
        ...(known && { rates: known.rates }),
      };
    } catch (error) {
      throw toDriverError(error, { address: shownAddress, doing: `counting ${queue}` });
    }
  };
}
