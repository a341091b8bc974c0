import type { ConnectionHold, Connections } from "../scaler/index.ts";
import { isLasting } from "./failure.ts";

/** How one kind of connection is made; those with the same key are one. */
export interface ConnectionPlan<T> {
  /** Server and credential. */
  readonly key: string;
  open(): Promise<T>;
  close(connection: T): Promise<void>;
  /** A connection that mends itself when it breaks is never dropped. */
  readonly healsItself?: true;
}

/** A trigger's part in a connection that many triggers share. */
export interface SharedConnection<T> {
  /**
   * Runs `work` on the connection, opening it first where need be. When that fails in a way that a new connection might
   * mend, or `signal` aborts, the connection is dropped (unless it heals itself), and the next use opens another.
   */
  use<Result>(signal: AbortSignal, work: (connection: T) => Promise<Result>): Promise<Result>;
  /** Gives the hold back, idempotently. */
  release(): void;
}

/** States: without a hold, with one (or waiting for it), released for good. */
export function shareConnection<T>(
  connections: Connections,
  plan: ConnectionPlan<T>,
): SharedConnection<T> {
  let held: Promise<ConnectionHold<T>> | null = null;

  function hold(): Promise<ConnectionHold<T>> {
    const holding = held ?? connections.hold(plan.key, plan.open, plan.close);
    held = holding;
    holding.catch(() => giveUp(holding));
    return holding;
  }

  function giveUp(holding: Promise<ConnectionHold<T>>): void {
    if (held === holding) held = null;
  }

  return {
    async use(signal, work) {
      const holding = hold();
      const { connection, release } = await untilAborted(holding, signal);
      try {
        return await untilAborted(work(connection), signal);
      } catch (error) {
        if (!isLasting(error) && !plan.healsItself) {
          connections.drop(plan.key, connection);
          giveUp(holding);
          release();
        }
        throw error;
      }
    },
    release() {
      const holding = held;
      held = null;
      holding?.then(
        ({ release }) => release(),
        () => undefined, // told to whoever waited for it
      );
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
