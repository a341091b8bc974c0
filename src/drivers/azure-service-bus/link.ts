/**
 * The AMQP connection: down → (somebody needs it) up → (lost, or silent for too long) down. The SDK opens it when it is
 * first used and again after it closed; what it does not notice is a socket that is open only on our side, and calls that
 * were under way when a connection broke, for which it waits until their time is over. So every call has a limit here,
 * and a client that let one pass is replaced by a new one; whatever else waits on the old one is rejected at once.
 */
import { setMaxListeners } from "node:events";
import {
  type Cancel,
  type Clock,
  describeError,
  type Logger,
  type SluiceError,
} from "../../core/index.ts";
import type { BusClient, Clients } from "./client.ts";
import { closedError, isConnectionError, unreachable } from "./errors.ts";

/** One client, of which everything that is made through it dies with it. */
export interface Session {
  readonly client: BusClient;
  /** Aborts when the client is given up. */
  readonly lost: AbortSignal;
}

/** See the top of this file. */
export interface Link {
  /** The client of now. Throws `CLOSED`. */
  session(): Session;
  /**
   * The result of `call` on the session. Rejects with what the SDK throws, or `STORE_UNAVAILABLE` when the answer is
   * overdue by `timeoutMs` after `waitMs`, or when the session is given up meanwhile.
   */
  call<T>(session: Session, call: () => Promise<T>, waitMs?: number): Promise<T>;
  /** Gives a session up, unless that happened already. */
  renew(session: Session, why: unknown): void;
  readonly closed: AbortSignal;
  /** Closes for good; idempotent. */
  close(): Promise<void>;
}

/** How a {@link Link} connects. */
export interface LinkOptions {
  readonly clients: Clients;
  /** As it may be shown. */
  readonly namespace: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The SDK's own limit comes first where it has one. */
const graceMs = 1000;
/** How long closing waits for the other side's goodbye. */
const goodbyeMs = 2000;

/** A link that is down until it is needed. */
export function createLink(options: LinkOptions): Link {
  const { clients, namespace, timeoutMs, clock, logger } = options;
  const closed = new AbortController();
  const leaving = new Set<Promise<void>>();
  let current: (Session & { readonly end: AbortController }) | null = null;

  function hangUp(client: BusClient): void {
    const goodbye = sayGoodbye(client, clock).finally(() => leaving.delete(goodbye));
    leaving.add(goodbye);
  }

  function renew(session: Session, why: unknown): void {
    if (current === null || current !== session || closed.signal.aborted) return;
    const { client, end } = current;
    current = null;
    logger.warn("the connection to Service Bus was lost", {
      namespace,
      reason: describeError(why),
    });
    end.abort();
    hangUp(client);
  }

  async function call<T>(session: Session, work: () => Promise<T>, waitMs = 0): Promise<T> {
    if (session.lost.aborted) throw lostError();
    const ms = waitMs + timeoutMs + graceMs;
    const limit = limitOf(session, { ms, clock, lostError }, () => {
      const error = unreachable(namespace, `no answer within ${ms} ms`);
      renew(session, error);
      return error;
    });
    try {
      return await Promise.race([work(), limit.given]);
    } catch (error) {
      if (isConnectionError(error)) renew(session, error);
      throw error;
    } finally {
      limit.cancel();
    }
  }

  function lostError(): SluiceError {
    return closed.signal.aborted
      ? closedError(namespace)
      : unreachable(namespace, "the connection broke");
  }

  return {
    closed: closed.signal,
    renew,
    session() {
      if (closed.signal.aborted) throw closedError(namespace);
      if (current) return current;
      const end = new AbortController();
      setMaxListeners(0, end.signal);
      current = { client: clients.connect(timeoutMs), lost: end.signal, end };
      return current;
    },
    call,
    async close() {
      if (!closed.signal.aborted) {
        closed.abort();
        current?.end.abort();
        if (current) hangUp(current.client);
      }
      await Promise.all(leaving);
    },
  };
}

/** Closes a client, and does not wait for long for an answer that may never come. */
function sayGoodbye(client: BusClient, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(goodbyeMs, resolve);
    const end = (): void => {
      cancel();
      resolve();
    };
    client.close().then(end, end);
  });
}

/** Rejects when the session is lost, or with what `onOverdue` returns when `ms` are over. */
function limitOf(
  session: Session,
  options: { readonly ms: number; readonly clock: Clock; readonly lostError: () => SluiceError },
  onOverdue: () => SluiceError,
): { readonly given: Promise<never>; readonly cancel: Cancel } {
  let cancel: Cancel = () => undefined;
  const given = new Promise<never>((_, reject) => {
    const onLost = (): void => reject(options.lostError());
    const cancelTimer = options.clock.after(options.ms, () => reject(onOverdue()));
    session.lost.addEventListener("abort", onLost, { once: true });
    cancel = () => {
      cancelTimer();
      session.lost.removeEventListener("abort", onLost);
    };
  });
  // A call that throws before it waits leaves nobody to listen.
  given.catch(() => undefined);
  return { given, cancel };
}
