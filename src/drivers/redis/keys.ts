import { checkQueueName, SluiceError, showValue } from "../../core/index.ts";

/**
 * The keys of one queue:
 *
 * | key | type | holds |
 * | --- | --- | --- |
 * | ready | zset | receivable messages by place: priority, then the time they became ready, then publishing order |
 * | delayed | zset | messages by the time they become ready |
 * | leased | zset | messages in a consumer's hands by the end of their lease |
 * | dead | zset | dead letters by the time they died |
 * | messages | hash | record of every message that is not dead; its length is the unfinished work |
 * | buried | hash | record of every dead letter |
 * | states | hash | leases, releases, place, time of the last lease, chosen id; only of messages that were received before |
 * | history | hash | failures, one JSON object per line |
 * | reasons | hash | why a message died |
 * | ids | zset | chosen ids by the end of their window; expires |
 * | live | set | chosen ids of messages that are neither done nor dead |
 * | sequence | string | the number of the last message |
 * | wake | stream | one entry: who sleeps until there is another one misses nothing |
 */
export const keyNames = [
  "ready",
  "delayed",
  "leased",
  "dead",
  "messages",
  "buried",
  "states",
  "history",
  "reasons",
  "ids",
  "live",
  "sequence",
  "wake",
] as const;

/** The name of a key of a queue, without the queue. */
export type KeyName = (typeof keyNames)[number];

/** Where one queue lives. */
export interface QueueKeys {
  /** In the given order. Cheap for a list that was asked for before. */
  namesOf(keys: readonly KeyName[]): readonly string[];
  readonly wake: string;
}

/** The names of all keys under one prefix. */
export interface KeySpace {
  /** Throws `QUEUE_NAME_INVALID`. */
  of(queue: string): QueueKeys;
  /** The set of all queue names. The only key that belongs to no queue. */
  readonly queues: string;
}

const prefixForm = /^[A-Za-z0-9._:/-]{0,64}$/;

/**
 * Names keys `prefix{queue}:name`. The queue's name is the hash tag, so a cluster keeps all keys of a queue in one slot;
 * neither part can hold a brace. Throws `OPTION_INVALID` for a prefix that could.
 */
export function createKeySpace(prefix: string): KeySpace {
  if (!prefixForm.test(prefix)) {
    throw new SluiceError(
      "OPTION_INVALID",
      `prefix must be at most 64 letters, digits or . _ - : /; got ${showValue(prefix)}.`,
    );
  }
  const known = new Map<string, QueueKeys>();
  return {
    queues: `${prefix}queues`,
    of(queue) {
      const found = known.get(queue);
      if (found) return found;
      const base = `${prefix}{${checkQueueName(queue)}}:`;
      const lists = new Map<readonly KeyName[], readonly string[]>();
      const keys: QueueKeys = {
        namesOf(names) {
          const list = lists.get(names) ?? names.map((name) => base + name);
          lists.set(names, list);
          return list;
        },
        wake: `${base}wake`,
      };
      if (known.size < 10_000) known.set(queue, keys);
      return keys;
    },
  };
}
