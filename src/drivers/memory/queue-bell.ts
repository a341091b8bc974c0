import type { Cancel, Clock } from "../../core/index.ts";

/** What a {@link QueueBell} needs to know about its queue. */
export interface QueueBellOptions {
  readonly clock: Clock;
  /** When the next delayed or leased message becomes ready; `null` when none will by itself. */
  readonly nextDueAt: () => number | null;
  /** Makes ready what is due, and rings if there was any. */
  readonly onDue: () => void;
}

/**
 * Tells the watchers of a queue that a message became ready. A timer runs only while somebody watches and something
 * is due, so an unwatched queue never keeps a process alive.
 */
export class QueueBell {
  readonly #options: QueueBellOptions;
  readonly #watchers = new Set<{ readonly onReady: () => void }>();
  #isRinging = false;
  #armedFor = Number.POSITIVE_INFINITY;
  #disarm: Cancel = () => undefined;

  constructor(options: QueueBellOptions) {
    this.#options = options;
  }

  watch(onReady: () => void): Cancel {
    const watcher = { onReady };
    this.#watchers.add(watcher);
    this.arm();
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#stop();
    };
  }

  /** Calls all watchers, once for any number of rings of the same turn, and never inside the caller's own call. */
  ring(): void {
    if (this.#isRinging || this.#watchers.size === 0) return;
    this.#isRinging = true;
    queueMicrotask(() => {
      this.#isRinging = false;
      for (const watcher of [...this.#watchers]) {
        if (this.#watchers.has(watcher)) watcher.onReady();
      }
    });
  }

  /** To be called when something may be due earlier than before. A timer that turns out too early arms itself anew. */
  arm(): void {
    if (this.#watchers.size === 0) return;
    const dueAt = this.#options.nextDueAt();
    if (dueAt === null || dueAt >= this.#armedFor) return;
    this.#stop();
    this.#armedFor = dueAt;
    const { clock, onDue } = this.#options;
    this.#disarm = clock.after(Math.max(0, dueAt - clock.now()), () => {
      this.#armedFor = Number.POSITIVE_INFINITY;
      onDue();
      this.arm();
    });
  }

  #stop(): void {
    this.#disarm();
    this.#armedFor = Number.POSITIVE_INFINITY;
  }
}
