import type { QueueDepth } from "../../core/index.ts";
import type { Ending } from "./operations.ts";

/** A message of the model. */
export interface ModelMessage {
  readonly id: string;
  readonly text: string;
  readonly priority: number;
  readonly publishedAt: number;
  readonly sequence: number;
  state: "ready" | "delayed" | "leased" | "dead" | "gone";
  readyAt: number;
  attempts: number;
  failures: number;
  deduplicate: boolean;
  leaseEndsAt: number;
  deadAt: number;
}

/** What the model is told about a new message. */
export interface ModelPublish {
  readonly id: string;
  readonly text: string;
  readonly priority: number;
  readonly delayMs: number;
  readonly deduplicate: boolean;
}

/** How long the model remembers ids: the default of every driver. */
const dedupWindowMs = 600_000;

/**
 * What a queue does, written to be obviously right and nothing else: one list, searched and sorted at every question.
 */
export class ModelQueue {
  readonly #messages: ModelMessage[] = [];
  /** When each chosen id was last stored. */
  readonly #chosenAt = new Map<string, number>();
  #now = 0;

  /** Time passes: delays and leases end. */
  advance(ms: number): void {
    this.#now += ms;
    for (const message of this.#messages) {
      const isDue = message.state === "delayed" && message.readyAt <= this.#now;
      const isLost = message.state === "leased" && message.leaseEndsAt <= this.#now;
      if (isDue || isLost) message.state = "ready";
    }
  }

  publish(message: ModelPublish): void {
    if (message.deduplicate) {
      if (this.#isKnown(message.id)) return;
      this.#chosenAt.set(message.id, this.#now);
    }
    this.#messages.push({
      ...message,
      publishedAt: this.#now,
      sequence: this.#messages.length,
      state: message.delayMs > 0 ? "delayed" : "ready",
      readyAt: this.#now + message.delayMs,
      attempts: 0,
      failures: 0,
      leaseEndsAt: 0,
      deadAt: 0,
    });
  }

  lease(message: ModelMessage, leaseMs: number): void {
    message.state = "leased";
    message.attempts += 1;
    message.leaseEndsAt = this.#now + leaseMs;
  }

  /** Ends a delivery. Every ending that is a failure is told to the driver as one. */
  end(message: ModelMessage, ending: Ending, retryDelayMs: number): void {
    if (ending === "ack") message.state = "gone";
    if (ending === "release") {
      message.state = "ready";
      message.attempts -= 1;
    }
    if (ending === "retry" || ending === "retry later") {
      const delayMs = ending === "retry" ? 0 : retryDelayMs;
      message.state = delayMs > 0 ? "delayed" : "ready";
      message.readyAt = this.#now + delayMs;
      message.failures += 1;
    }
    if (ending === "dead-letter") {
      message.state = "dead";
      message.deadAt = this.#now;
      message.failures += 1;
    }
  }

  redrive(ids: readonly string[] | null): number {
    const chosen = this.#chosenDead(ids);
    for (const message of chosen)
      Object.assign(message, { state: "ready", attempts: 0, deduplicate: false });
    return chosen.length;
  }

  purgeDead(ids: readonly string[] | null): number {
    const chosen = this.#chosenDead(ids);
    for (const message of chosen) message.state = "gone";
    return chosen.length;
  }

  /** In the order of receiving. */
  ready(): readonly ModelMessage[] {
    return this.#in("ready").sort(
      (a, b) => b.priority - a.priority || a.readyAt - b.readyAt || a.sequence - b.sequence,
    );
  }

  /** In the order of coming due. */
  delayed(): readonly ModelMessage[] {
    return this.#in("delayed").sort((a, b) => a.readyAt - b.readyAt || a.sequence - b.sequence);
  }

  /** The oldest first. */
  dead(): readonly ModelMessage[] {
    return this.#in("dead").sort((a, b) => a.deadAt - b.deadAt || a.sequence - b.sequence);
  }

  depth(): QueueDepth & { readonly oldestAgeMs: number } {
    return {
      ready: this.#in("ready").length,
      delayed: this.#in("delayed").length,
      inFlight: this.#in("leased").length,
      dead: this.#in("dead").length,
      oldestAgeMs: Math.max(0, ...this.#in("ready").map(({ readyAt }) => this.#now - readyAt)),
    };
  }

  #in(state: ModelMessage["state"]): ModelMessage[] {
    return this.#messages.filter((message) => message.state === state);
  }

  #chosenDead(ids: readonly string[] | null): readonly ModelMessage[] {
    return this.dead().filter(({ id }) => ids === null || ids.includes(id));
  }

  #isKnown(id: string): boolean {
    const at = this.#chosenAt.get(id);
    if (at !== undefined && at + dedupWindowMs > this.#now) return true;
    const live = this.#messages.filter(({ state }) => state !== "dead" && state !== "gone");
    return live.some((message) => message.deduplicate && message.id === id);
  }
}
