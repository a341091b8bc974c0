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
   * failure fails them all and is not remembered.
   */
  hold<T>(
    key: string,
    open: () => Promise<T>,
    close: (connection: T) => Promise<void>,
  ): Promise<ConnectionHold<T>>;
  /** The connection behind the key is broken: the next hold opens another. */
  drop(key: string): void;
  close(): Promise<void>;
}
