import { setMaxListeners } from "node:events";
import type { Cancel, Clock } from "./clock.ts";
import type { Delivery } from "./message.ts";

/** What {@link receiveWithin} needs to know about one receive. */
export interface ReceiveWithinOptions {
  /** Leases what is ready now; resolves empty when nothing is. Never waits. */
  readonly attempt: () => Promise<readonly Delivery[]>;
  /** Calls back after a message may have become ready, from the moment it returns. */
  readonly watch: (onReady: () => void) => Cancel;
  /** How long to wait for the first message; 0 = one attempt, no watch. */
  readonly waitMs: number;
  readonly clock: Clock;
  /** The caller's wish to end the wait. */
  readonly signal?: AbortSignal | undefined;
  /** The driver's own end, which ends the wait in the same way. */
  readonly closing?: AbortSignal | undefined;
}

/**
 * A receive that waits: resolves with the first attempt that yields something, or empty when the wait is over, a signal
 * aborts, or the driver closes. What was leased is always handed out, also when a signal aborts meanwhile. Rejects only
 * as `attempt` and `watch` do. Leaves no timer, listener or watch behind.
 *
 * No wake-up is lost: the watch stands before the attempt that decides to sleep, and a call that comes while an attempt
 * is under way is remembered and leads to another one. The very first attempt goes without a watch, so that a receive
 * from a busy queue costs neither watch nor timer.
 */
export async function receiveWithin(options: ReceiveWithinOptions): Promise<readonly Delivery[]> {
  if (isEnded(options)) return [];
  const endsAt = options.clock.now() + options.waitMs;
  const first = await options.attempt();
  if (first.length > 0 || options.waitMs <= 0 || isEnded(options)) return first;

  const bell = createBell();
  let isOver = false;
  const end = (): void => {
    isOver = true;
    bell.ring();
  };
  const undo = [options.watch(bell.ring)];
  try {
    undo.push(options.clock.after(endsAt - options.clock.now(), end));
    undo.push(onAbort(options.signal, end), onAbort(options.closing, end));
    while (!isOver) {
      const taken = await options.attempt();
      if (taken.length > 0) return taken;
      await bell.rung();
    }
    return [];
  } finally {
    for (const cancel of undo) cancel();
  }
}

function isEnded({ signal, closing }: ReceiveWithinOptions): boolean {
  return signal?.aborted === true || closing?.aborted === true;
}

function onAbort(signal: AbortSignal | undefined, callback: () => void): Cancel {
  if (signal === undefined) return () => undefined;
  // One signal may end any number of waits: more than ten are no leak, of which Node would warn.
  setMaxListeners(0, signal);
  signal.addEventListener("abort", callback, { once: true });
  return () => signal.removeEventListener("abort", callback);
}

interface Bell {
  readonly ring: () => void;
  /** Resolves at once when the bell rang since the last time, else with the next ring. */
  rung(): Promise<void>;
}

function createBell(): Bell {
  let hasRung = false;
  let wake = (): void => undefined;
  return {
    ring() {
      hasRung = true;
      wake();
    },
    async rung() {
      if (!hasRung) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      hasRung = false;
    },
  };
}
