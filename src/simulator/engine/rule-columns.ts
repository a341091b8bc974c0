/** Which rule settled the count in each column of time, for each loop that decides. */
export class RuleColumns {
  readonly #byController = new Map<string, Ruled[]>();
  readonly #now = new Map<string, Ruled>();
  #closed = 0;

  /** Within a column the last rule that changed the count stands, else the last of all. */
  note(controller: string, rule: string, isChange: boolean): void {
    if (isChange || this.#now.get(controller)?.isChange !== true)
      this.#now.set(controller, { rule, isChange });
  }

  /** Ends a column. What was not asked for again goes on as it was. */
  close(): void {
    for (const [controller, ruled] of this.#now) {
      const columns = this.#byController.get(controller) ?? [];
      this.#byController.set(controller, columns);
      while (columns.length < this.#closed) columns.push(nothing);
      columns.push(ruled);
      this.#now.set(controller, { ...ruled, isChange: false });
    }
    this.#closed += 1;
  }

  /** Makes one of each two columns. */
  join(): void {
    for (const columns of this.#byController.values()) {
      for (let pair = 0; pair < columns.length / 2; pair += 1) {
        const [a = nothing, b = nothing] = columns.slice(2 * pair, 2 * pair + 2);
        columns[pair] = a.isChange && !b.isChange ? a : b;
      }
      columns.length = Math.floor(columns.length / 2);
    }
    this.#closed = Math.floor(this.#closed / 2);
  }

  /** The first `used` columns: a rule each, empty before the first decision. */
  take(used: number): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(
      [...this.#byController].map(([controller, columns]) => [
        controller,
        columns.slice(0, used).map(({ rule }) => rule),
      ]),
    );
  }
}

interface Ruled {
  readonly rule: string;
  readonly isChange: boolean;
}

const nothing: Ruled = { rule: "", isChange: false };
