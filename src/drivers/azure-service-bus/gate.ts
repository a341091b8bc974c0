/** Lets a number of callers in at a time, in the order in which they came. */
export class Gate {
  readonly #waiting: (() => void)[] = [];
  #room: number;

  constructor(room: number) {
    this.#room = room;
  }

  /** Resolves when it is one's turn; {@link leave} makes room for the next. */
  async enter(): Promise<void> {
    if (this.#room > 0) this.#room -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#room += 1;
  }
}
