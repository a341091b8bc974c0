/**
 * Delays of any length from queues whose messages all wait equally long, so that none holds up another.
 *
 * Rung n keeps a message for 2^n ms and hands it to rung n - 1. A delay is a sum of powers of two: its bits are the
 * routing key, and each rung's exchange sends a message into its queue where the bit is 1 and on to the next exchange
 * where it is 0. Delays are rounded up to {@link significantBits} bits, so a message passes at most as many queues,
 * which costs at most 1/32 of the delay and never lets it come early.
 */

/** 2^39 ms are 17 years. */
export const topRung = 38;

/** Ten years, the longest that any driver declares. */
export const maxDelayMs: number = 3650 * 86_400_000;

const significantBits = 6;

/** Where every message leaves the ladder. */
export const dueExchange = "sluice.delay.due";

/** Names the exchange and the queue of a rung. */
export function rungName(rung: number): string {
  return rung < 0 ? dueExchange : `sluice.delay.${String(rung).padStart(2, "0")}`;
}

/** How a delay travels. */
export interface DelayRoute {
  readonly exchange: string;
  readonly routingKey: string;
  /** The rungs whose queues it passes. */
  readonly rungs: readonly number[];
}

/** The delay as it will be: rounded up to a few significant bits. */
export function roundDelay(delayMs: number): number {
  const whole = Math.min(Math.max(1, Math.ceil(delayMs)), maxDelayMs);
  const step = 2 ** Math.max(0, Math.floor(Math.log2(whole)) + 1 - significantBits);
  return Math.ceil(whole / step) * step;
}

/** The way through the ladder for a delay above 0. */
export function delayRoute(queue: string, delayMs: number): DelayRoute {
  // Beyond 32 bits the bitwise operators do not reach; the binary text does.
  const bits = roundDelay(delayMs)
    .toString(2)
    .padStart(topRung + 1, "0");
  const rungs = [...bits].flatMap((bit, index) => (bit === "1" ? [topRung - index] : []));
  const routingKey = `${[...bits].join(".")}.${queueWord(queue)}`;
  return { exchange: rungName(rungs[0] ?? 0), routingKey, rungs };
}

/** The pattern by which a rung's exchange knows the messages whose bit is `bit`. */
export function bitPattern(rung: number, bit: 0 | 1): string {
  return `${"*.".repeat(topRung - rung)}${bit}.#`;
}

/** The pattern by which the last exchange knows a queue's messages. */
export function duePattern(queue: string): string {
  return `#.${queueWord(queue)}`;
}

/** The queue name as one word of a routing key: a dot would make two, and no queue name has a percent sign. */
function queueWord(queue: string): string {
  return queue.replaceAll(".", "%");
}
