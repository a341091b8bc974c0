/**
 * When outcomes may be given on one link. rhea, beneath the SDK, sends the outcomes of one turn of the event loop as
 * ranges, and takes the first two of neighbouring deliveries together without comparing them: a message that is abandoned
 * right after another was completed would be completed as well. So completions share a turn, and any other outcome has
 * one to itself.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();
  #completing: Promise<void> | null = null;

  /** Resolves when the outcome may be given, in that very turn. */
  take(isCompletion: boolean): Promise<void> {
    if (isCompletion && this.#completing !== null) return this.#completing;
    const turn = this.#last;
    this.#last = turn.then(nextTurn);
    this.#completing = isCompletion ? turn : null;
    void turn.then(() => {
      if (this.#completing === turn) this.#completing = null;
    });
    return turn;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
