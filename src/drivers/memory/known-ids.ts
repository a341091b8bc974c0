/**
 * The ids that a queue will not store a second time: those of messages that still wait or run, and those published
 * within the window, whatever became of them.
 */
export class KnownIds {
  readonly #windowMs: number;
  readonly #live = new Set<string>();
  /** When each id was published; the oldest first, so that what left the window is cut off at the front. */
  readonly #published = new Map<string, number>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  has(id: string, now: number): boolean {
    this.#prune(now);
    return this.#live.has(id) || this.#published.has(id);
  }

  add(id: string, now: number): void {
    this.#live.add(id);
    this.#published.delete(id);
    this.#published.set(id, now);
  }

  /** The message with this id neither waits nor runs any more. */
  end(id: string): void {
    this.#live.delete(id);
  }

  #prune(now: number): void {
    for (const [id, at] of this.#published) {
      if (at + this.#windowMs > now) return;
      this.#published.delete(id);
    }
  }
}
