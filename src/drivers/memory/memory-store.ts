import { MemoryQueue, type MemoryQueueOptions } from "./memory-queue.ts";

/** The queues that connections with one name share. */
export class MemoryStore {
  readonly #queues = new Map<string, MemoryQueue>();
  readonly #options: MemoryQueueOptions;

  constructor(options: Omit<MemoryQueueOptions, "nextReceipt">) {
    let receipts = 0;
    this.#options = {
      ...options,
      nextReceipt() {
        receipts += 1;
        return String(receipts);
      },
    };
  }

  queue(name: string): MemoryQueue {
    const existing = this.#queues.get(name);
    if (existing) return existing;
    const queue = new MemoryQueue(name, this.#options);
    this.#queues.set(name, queue);
    return queue;
  }

  /** Names of the queues that hold or held messages, in alphabetical order. */
  names(): readonly string[] {
    const used = [...this.#queues.values()].filter((queue) => queue.isUsed);
    return used.map((queue) => queue.name).sort();
  }
}

/** A store and the means to leave it. */
export interface StoreAccess {
  readonly store: MemoryStore;
  /** To be called once. The last connection takes the store with it. */
  leave(): void;
}

const shared = new Map<string, { readonly store: MemoryStore; connections: number }>();

/** The store of this name, or one that nobody else sees when there is none. */
export function enterStore(name: string, create: () => MemoryStore): StoreAccess {
  if (name === "") return { store: create(), leave: () => undefined };
  const entry = shared.get(name) ?? { store: create(), connections: 0 };
  entry.connections += 1;
  shared.set(name, entry);
  return {
    store: entry.store,
    leave() {
      entry.connections -= 1;
      if (entry.connections === 0) shared.delete(name);
    },
  };
}
