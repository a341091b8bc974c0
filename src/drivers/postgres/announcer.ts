/**
 * Tells other processes of ready messages with NOTIFY: the first time at once, then at most every 5 ms per queue,
 * and always once after the last time, so that no message goes unannounced.
 *
 * A NOTIFY is a transaction of its own. Inside of the one that stores messages it would hold a lock of the whole
 * database while that one waits for the disk, and all publishers would wait in line; on its own it has nothing to wait
 * for. A process that dies in between leaves the message to the listeners' regular look.
 */
import type { Cancel, Clock } from "../../core/index.ts";

/** See the top of this file. */
export interface Announcer {
  announce(queue: string): void;
  /** Says what is still to be said and resolves when it is sent. */
  close(): Promise<void>;
}

const quietMs = 5;

/** Announces by `notify`, whose failures are its own matter. */
export function createAnnouncer(clock: Clock, notify: (queue: string) => Promise<void>): Announcer {
  /** Queues announced lately, and whether there is more to say. */
  const recent = new Map<string, { hasMore: boolean; readonly cancel: Cancel }>();
  const sending = new Set<Promise<void>>();

  function send(queue: string): void {
    const sent = notify(queue).finally(() => sending.delete(sent));
    sending.add(sent);
    recent.set(queue, { hasMore: false, cancel: clock.after(quietMs, () => quietIsOver(queue)) });
  }

  function quietIsOver(queue: string): void {
    const hasMore = recent.get(queue)?.hasMore === true;
    recent.delete(queue);
    if (hasMore) send(queue);
  }

  return {
    announce(queue) {
      const entry = recent.get(queue);
      if (entry === undefined) send(queue);
      else entry.hasMore = true;
    },
    async close() {
      for (const [queue, { hasMore, cancel }] of [...recent]) {
        cancel();
        if (hasMore) send(queue);
      }
      for (const { cancel } of recent.values()) cancel();
      recent.clear();
      await Promise.allSettled(sending);
    },
  };
}
