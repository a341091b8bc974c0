import { type Cancel, type Clock, formatMs } from "../core/index.ts";
import { noTime } from "./failure.ts";

/** A way that only so many may use at once; the others wait for their turn, first come, first served. */
export interface Lanes {
  /** Runs `work` when it is its turn. Rejects without running it when `signal` aborts before that. */
  pass<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/** `count` lanes. */
export function createLanes(count: number): Lanes {
  const waiting: (() => void)[] = [];
  let free = count;

  async function enter(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw signal.reason;
    if (free > 0) {
      free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const begin = (): void => {
        signal.removeEventListener("abort", giveUp);
        resolve();
      };
      const giveUp = (): void => {
        waiting.splice(waiting.indexOf(begin), 1);
        reject(signal.reason);
      };
      waiting.push(begin);
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }

  /** The lane goes to the next in line, or is free. */
  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }

  return {
    async pass(signal, work) {
      await enter(signal);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}

/** The promise's result, or the reason of the signal as soon as that aborts. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** How long something may take. */
export interface Limit {
  readonly clock: Clock;
  readonly ms: number;
  /** Ends it before. */
  readonly signal?: AbortSignal;
}

/** Runs `work` with a signal that aborts when its time is up, and rejects then at the latest. */
export async function within<T>(
  { clock, ms, signal }: Limit,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const passOn = (): void => controller.abort(signal?.reason);
  if (signal?.aborted) passOn();
  signal?.addEventListener("abort", passOn, { once: true });
  const giveUp = (): void => controller.abort(noTime(`no answer within ${formatMs(ms)}`));
  const cancel: Cancel = clock.after(ms, giveUp);
  try {
    return await untilAborted(work(controller.signal), controller.signal);
  } finally {
    cancel();
    signal?.removeEventListener("abort", passOn);
  }
}
