/**
 * What comes first among events of the same microsecond, besides completions, which come before all of them. An arrival
 * that a policy tick of the same moment should see has arrived, and one that a worker of the same moment should take too.
 */
export const turn = { ready: 0, arrival: 1, metric: 2, tick: 3, kill: 4 } as const;

/** One of {@link turn}. */
export type Turn = (typeof turn)[keyof typeof turn];

interface Entry {
  readonly at: number;
  readonly turn: Turn;
  readonly order: number;
  readonly action: () => void;
}

/** The events that are not completions or first arrivals, in order of time, turn, and the order in which they were added. */
export class Agenda {
  readonly #heap: Entry[] = [];
  #added = 0;
  /** Time of the next; infinity when there is none. */
  topAt: number = Number.POSITIVE_INFINITY;
  topTurn: Turn = turn.kill;

  add(at: number, when: Turn, action: () => void): void {
    this.#added += 1;
    const entry = { at, turn: when, order: this.#added, action };
    const heap = this.#heap;
    let hole = heap.length;
    heap.push(entry);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, entry)) break;
      heap[hole] = above;
      hole = parent;
    }
    heap[hole] = entry;
    this.#look();
  }

  /** Takes the next off and runs it. */
  runTop(): void {
    const [top] = this.#heap;
    const last = this.#heap.pop();
    if (top === undefined || last === undefined) return;
    if (this.#heap.length > 0) this.#settle(last);
    this.#look();
    top.action();
  }

  #settle(entry: Entry): void {
    const heap = this.#heap;
    let hole = 0;
    for (;;) {
      const left = heap[2 * hole + 1];
      if (left === undefined) break;
      const right = heap[2 * hole + 2];
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (!isBefore(child, entry)) break;
      heap[hole] = child;
      hole = 2 * hole + (isRight ? 2 : 1);
    }
    heap[hole] = entry;
  }

  #look(): void {
    const [top] = this.#heap;
    this.topAt = top?.at ?? Number.POSITIVE_INFINITY;
    this.topTurn = top?.turn ?? turn.kill;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  if (a.at !== b.at) return a.at < b.at;
  return a.turn !== b.turn ? a.turn < b.turn : a.order < b.order;
}
