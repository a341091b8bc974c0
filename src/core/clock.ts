import { SluiceError } from "./errors.ts";

/** Takes back a timer or a subscription; calling it again does nothing. */
export type Cancel = () => void;

/**
 * Where time comes from. Everything that waits or asks for the time takes a clock, so that tests and the simulator
 * run the very same code on a clock of their own.
 */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs `callback` once, `ms` from now; any length, also beyond the 24.8 days of a single Node timer. */
  after(ms: number, callback: () => void): Cancel;
}

const longestTimerMs = 2 ** 31 - 1;

/** The machine's own time. Its timers keep the process alive until they fire or are cancelled. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      const step = Math.min(Math.max(left, 0), longestTimerMs);
      timer = setTimeout(() => (left > step ? arm(left - step) : callback()), step);
    };
    arm(ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`; rejects with `ABORTED` as soon as `signal` aborts. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal));
    const onAbort = (): void => {
      cancel();
      reject(aborted(signal));
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The error of a wait that its signal ended. */
export function aborted(signal?: AbortSignal): SluiceError {
  return new SluiceError("ABORTED", "the wait was given up because its signal was aborted", {
    cause: signal?.reason,
  });
}
