/** What an {@link IndexedHeap} holds: the item knows its own place, so that it can be taken out of the middle. */
export interface HeapItem {
  heapIndex: number;
}

/**
 * A binary heap whose items can also leave from the middle. Adding and removing take logarithmic time, adding in order
 * constant time. An item may be in one heap at a time.
 */
export class IndexedHeap<Item extends HeapItem> {
  readonly #items: Item[] = [];
  readonly #isBefore: (a: Item, b: Item) => boolean;

  constructor(isBefore: (a: Item, b: Item) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The first item, which stays. */
  get first(): Item | undefined {
    return this.#items[0];
  }

  /** The first `count` items in order, which stay. */
  firstOf(count: number): readonly Item[] {
    const taken: Item[] = [];
    while (taken.length < count) {
      const item = this.shift();
      if (item === undefined) break;
      taken.push(item);
    }
    for (const item of taken) this.add(item);
    return taken;
  }

  /** The items that fulfil what no item after one that does not can fulfil, in no particular order; few others are looked at. */
  *fulfilling(fulfils: (item: Item) => boolean): Generator<Item> {
    const open = [0];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      const item = this.#items[index];
      if (item === undefined || !fulfils(item)) continue;
      open.push(2 * index + 1, 2 * index + 2);
      yield item;
    }
  }

  add(item: Item): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  /** Takes the first item out. */
  shift(): Item | undefined {
    const item = this.#items[0];
    if (item !== undefined) this.remove(item);
    return item;
  }

  /** Takes out an item that is in this heap. */
  remove(item: Item): void {
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#sink(last, item.heapIndex);
    this.#rise(last, last.heapIndex);
  }

  /** Takes everything out and returns it, in no particular order. */
  clear(): readonly Item[] {
    return this.#items.splice(0);
  }

  #rise(item: Item, from: number): void {
    let index = from;
    while (index > 0) {
      const parent = this.#at((index - 1) >> 1);
      if (!this.#isBefore(item, parent)) break;
      const freed = parent.heapIndex;
      this.#put(parent, index);
      index = freed;
    }
    this.#put(item, index);
  }

  #sink(item: Item, from: number): void {
    let index = from;
    for (;;) {
      const child = this.#firstChild(index);
      if (child === undefined || !this.#isBefore(child, item)) break;
      const freed = child.heapIndex;
      this.#put(child, index);
      index = freed;
    }
    this.#put(item, index);
  }

  #firstChild(index: number): Item | undefined {
    const left = this.#items[index * 2 + 1];
    const right = this.#items[index * 2 + 2];
    if (left === undefined || right === undefined) return left;
    return this.#isBefore(right, left) ? right : left;
  }

  #put(item: Item, index: number): void {
    this.#items[index] = item;
    item.heapIndex = index;
  }

  #at(index: number): Item {
    return this.#items[index] as Item;
  }
}
