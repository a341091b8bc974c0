import type { Random } from "../random.ts";

/** Which free slot takes the next job: the one freed last, any, or the one that waits longest. */
export type Dispatch = "lifo" | "random" | "roundrobin";

/** The free slots, in the order in which they became free: a ring that is taken from either end, or anywhere. */
export class SlotLine {
  readonly #dispatch: Dispatch;
  readonly #random: Random;
  #slots = new Int32Array(64);
  #head = 0;
  size = 0;

  constructor(dispatch: Dispatch, random: Random) {
    this.#dispatch = dispatch;
    this.#random = random;
  }

  add(slot: number): void {
    if (this.size === this.#slots.length) this.#rebuild(() => true, this.size * 2);
    this.#slots[(this.#head + this.size) & (this.#slots.length - 1)] = slot;
    this.size += 1;
  }

  /** The slot that the next job gets. Only when there is one. */
  take(): number {
    const mask = this.#slots.length - 1;
    const first = this.#head;
    const last = (first + this.size - 1) & mask;
    this.size -= 1;
    if (this.#dispatch === "lifo") return this.#slots[last] as number;
    if (this.#dispatch === "roundrobin") {
      this.#head = (first + 1) & mask;
      return this.#slots[first] as number;
    }
    const chosen = (first + Math.floor(this.#random() * (this.size + 1))) & mask;
    const slot = this.#slots[chosen] as number;
    this.#slots[chosen] = this.#slots[last] as number;
    return slot;
  }

  /** Takes out the slots from `from` until before `to`: their worker takes no more. */
  removeWithin(from: number, to: number): void {
    this.#rebuild((slot) => slot < from || slot >= to, this.#slots.length);
  }

  #rebuild(keep: (slot: number) => boolean, capacity: number): void {
    const next = new Int32Array(capacity);
    let kept = 0;
    for (let place = 0; place < this.size; place += 1) {
      const slot = this.#slots[(this.#head + place) & (this.#slots.length - 1)] as number;
      if (keep(slot)) next[kept++] = slot;
    }
    this.#slots = next;
    this.#head = 0;
    this.size = kept;
  }
}
