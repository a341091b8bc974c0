/**
 * When each busy slot will be done: a binary heap in typed arrays, the earliest on top; those of equal time in the order
 * in which they were pushed.
 */
export class FinishHeap {
  #at = new Float64Array(64);
  #order = new Float64Array(64);
  #slot = new Int32Array(64);
  #size = 0;
  #pushed = 0;

  /** When the earliest is done; infinity when nothing runs. */
  get topAt(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#at[0] as number);
  }

  get size(): number {
    return this.#size;
  }

  push(at: number, slot: number): void {
    if (this.#size === this.#at.length) this.#grow();
    this.#pushed += 1;
    this.#siftUp(this.#size++, at, this.#pushed, slot);
  }

  /** Takes the earliest off and returns its slot. */
  pop(): number {
    const slot = this.#slot[0] as number;
    this.#size -= 1;
    this.#refill(0);
    return slot;
  }

  /** Takes the entry of a slot out, wherever it is; for the rare case that a worker is killed. */
  remove(slot: number): void {
    const at = this.#slot.subarray(0, this.#size).indexOf(slot);
    if (at < 0) return;
    this.#size -= 1;
    if (at < this.#size) this.#refill(at);
  }

  /** Fills a hole with the last entry, which then finds its place. */
  #refill(hole: number): void {
    const at = this.#at[this.#size] as number;
    const order = this.#order[this.#size] as number;
    const slot = this.#slot[this.#size] as number;
    const settled = this.#siftDown(hole, at, order);
    this.#siftUp(settled, at, order, slot);
  }

  /** Moves earlier children up from a hole and returns where the hole ends. */
  #siftDown(from: number, at: number, order: number): number {
    let hole = from;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= this.#size) return hole;
      const right = child + 1;
      if (
        right < this.#size &&
        this.#isBefore(right, this.#at[child] as number, this.#order[child] as number)
      )
        child = right;
      if (!this.#isBefore(child, at, order)) return hole;
      this.#at[hole] = this.#at[child] as number;
      this.#order[hole] = this.#order[child] as number;
      this.#slot[hole] = this.#slot[child] as number;
      hole = child;
    }
  }

  #siftUp(from: number, at: number, order: number, slot: number): void {
    let hole = from;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (this.#isBefore(parent, at, order)) break;
      this.#at[hole] = this.#at[parent] as number;
      this.#order[hole] = this.#order[parent] as number;
      this.#slot[hole] = this.#slot[parent] as number;
      hole = parent;
    }
    this.#at[hole] = at;
    this.#order[hole] = order;
    this.#slot[hole] = slot;
  }

  #isBefore(entry: number, at: number, order: number): boolean {
    const entryAt = this.#at[entry] as number;
    return entryAt < at || (entryAt === at && (this.#order[entry] as number) < order);
  }

  #grow(): void {
    this.#at = widened(this.#at);
    this.#order = widened(this.#order);
    const slots = new Int32Array(this.#slot.length * 2);
    slots.set(this.#slot);
    this.#slot = slots;
  }
}

function widened(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(values.length * 2);
  wider.set(values);
  return wider;
}
