import { type Cancel, type Clock, SluiceError, systemClock } from "../core/index.ts";

/** A hold on a shared connection. */
export interface ConnectionHold<T> {
  readonly connection: T;
  /** Gives the hold back, idempotently; the connection closes some time after the last one. */
  release(): void;
}

/**
 * Connections shared between all triggers: one for each server and credential, opened at the first hold and closed when
 * nobody holds it any more. One that turned out broken is dropped by its user and opened anew at the next hold.
 */
export interface Connections {
  /**
   * `key` names server and credential (it is never printed). `open` runs once for any number of concurrent holds; its
   * failure fails them all and is not remembered. Rejects with `CLOSED` after `close`.
   */
  hold<T>(
    key: string,
    open: () => Promise<T>,
    close: (connection: T) => Promise<void>,
  ): Promise<ConnectionHold<T>>;
  /**
   * The connection behind the key is broken: it is closed, whoever holds it, and the next hold opens another. Given the
   * broken `connection` itself, nothing happens when another has taken its place, so that many users of one broken
   * connection open one new one and not many.
   */
  drop(key: string, connection?: unknown): void;
  /** Closes all, idempotently; resolves when they are closed, or after two seconds where a server does not answer. */
  close(): Promise<void>;
}

/** What shared connections may be given. */
export interface ConnectionsOptions {
  /** Default: the machine's time. */
  readonly clock?: Clock;
  /** How long a connection stays open that nobody holds. Default: 30 s. */
  readonly idleMs?: number;
  /** Told of a connection that could not be closed in an orderly way; nobody waits for that. Default: nobody. */
  readonly onCloseError?: (error: unknown) => void;
}

/** One connection. States: opening, open and held, open and idle (a timer runs), gone (not in the table any more). */
interface Entry {
  readonly opening: Promise<unknown>;
  readonly close: () => Promise<void>;
  /** Undefined while it opens. */
  connection: unknown;
  holds: number;
  cancelIdle: Cancel;
}

/**
 * The table of shared connections.
 *
 * @example
 * const connections = createConnections();
 */
export function createConnections(options: ConnectionsOptions = {}): Connections {
  const { clock = systemClock, idleMs = 30_000, onCloseError = () => undefined } = options;
  const entries = new Map<string, Entry>();
  const closing = new Set<Promise<void>>();
  let isClosed = false;

  function remove(key: string, entry: Entry): void {
    if (entries.get(key) !== entry) return;
    entries.delete(key);
    entry.cancelIdle();
    const closed = entry.close().catch(onCloseError);
    closing.add(closed);
    void closed.then(() => closing.delete(closed));
  }

  function add(key: string, entry: Entry): Entry {
    entries.set(key, entry);
    entry.opening.catch(() => {
      if (entries.get(key) === entry) entries.delete(key);
    });
    return entry;
  }

  function release(key: string, entry: Entry): void {
    entry.holds -= 1;
    if (entry.holds > 0 || entries.get(key) !== entry) return;
    entry.cancelIdle = clock.after(idleMs, () => remove(key, entry));
  }

  return {
    async hold<T>(
      key: string,
      open: () => Promise<T>,
      close: (connection: T) => Promise<void>,
    ): Promise<ConnectionHold<T>> {
      if (isClosed) throw closedError();
      const entry = entries.get(key) ?? add(key, createEntry(open, close));
      entry.cancelIdle();
      entry.holds += 1;
      const connection = (await entry.opening) as T; // one key, one kind of connection
      if (isClosed) throw closedError();
      let isHeld = true;
      return {
        connection,
        release() {
          if (isHeld) release(key, entry);
          isHeld = false;
        },
      };
    },
    drop(key, connection) {
      const entry = entries.get(key);
      if (entry === undefined) return;
      if (connection === undefined || entry.connection === connection) remove(key, entry);
    },
    async close() {
      isClosed = true;
      const limit = startLimit(clock);
      for (const [key, entry] of [...entries]) remove(key, entry);
      await Promise.race([Promise.all(closing), limit.passed]);
      limit.cancel();
    },
  };
}

/** How long servers get to say good-bye. */
const closeTimeoutMs = 2000;

function startLimit(clock: Clock): { readonly passed: Promise<void>; readonly cancel: Cancel } {
  let cancel: Cancel = () => undefined;
  const passed = new Promise<void>((resolve) => {
    cancel = clock.after(closeTimeoutMs, resolve);
  });
  return { passed, cancel };
}

function createEntry<T>(open: () => Promise<T>, close: (connection: T) => Promise<void>): Entry {
  const opening = open();
  const entry: Entry = {
    opening,
    // One that is dropped while it opens is closed once it is open; one that never opened needs no closing.
    close: () => opening.then(close, () => undefined),
    connection: undefined,
    holds: 0,
    cancelIdle: () => undefined,
  };
  opening.then(
    (connection) => {
      entry.connection = connection;
    },
    () => undefined, // told to whoever waits for it
  );
  return entry;
}

function closedError(): SluiceError {
  return new SluiceError("CLOSED", "the shared connections of the triggers were closed.");
}
