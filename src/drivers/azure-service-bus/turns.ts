/**
 * When outcomes may be given on one link. rhea, beneath the SDK, sends the outcomes of one turn of the event loop as
 * ranges of delivery numbers, and takes the first two neighbours of a range together without comparing them: a message
 * that is abandoned right after its neighbour was completed would be completed as well. So completions share a turn, and
 * other outcomes have turns in which no neighbours meet: one for even and one for odd numbers.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();
  readonly #coming = new Map<TurnKind, Promise<void>>();

  /** Resolves when the outcome may be given, in that very turn. */
  take(kind: TurnKind): Promise<void> {
    const coming = this.#coming.get(kind);
    if (coming !== undefined) return coming;
    const turn = this.#last;
    this.#last = turn.then(nextTurn);
    this.#coming.set(kind, turn);
    void turn.then(() => this.#coming.delete(kind));
    return turn;
  }
}

/** Outcomes that may share a turn. */
export type TurnKind = "completions" | "even" | "odd";

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
