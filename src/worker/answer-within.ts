import type { Cancel, Clock } from "../core/index.ts";

/** How long to wait for an answer. */
export interface AnswerLimit {
  readonly clock: Clock;
  readonly ms: number;
  /** After it aborts, the answer has at most `obeyMs` more. */
  readonly signal?: AbortSignal;
  readonly obeyMs?: number;
  /** The error instead of an answer; called when the wait is given up. */
  readonly late: () => Error;
}

/**
 * The answer, or a rejection when it does not come in time: a broker behind a connection that is open only on our side
 * never answers, and a driver has no time limits of its own.
 */
export async function answerWithin<T>(answer: Promise<T>, limit: AnswerLimit): Promise<T> {
  const { clock, signal } = limit;
  const timers: Cancel[] = [];
  let onAbort = (): void => undefined;
  const givenUp = new Promise<never>((_, reject) => {
    const giveUp = (): void => reject(limit.late());
    timers.push(clock.after(limit.ms, giveUp));
    onAbort = () => {
      timers.push(clock.after(limit.obeyMs ?? 0, giveUp));
    };
  });
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([answer, givenUp]);
  } finally {
    for (const cancel of timers) cancel();
    signal?.removeEventListener("abort", onAbort);
  }
}
