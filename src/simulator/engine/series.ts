import { type Areas, type Levels, noAreas } from "./levels.ts";
import { RuleColumns } from "./rule-columns.ts";

/** What happened over time, in columns of equal width. Worker and queue figures are means over the column unless they say otherwise. */
export interface Series {
  readonly columnMs: number;
  readonly starting: readonly number[];
  /** Draining ones included. */
  readonly ready: readonly number[];
  /** Jobs that ran. */
  readonly running: readonly number[];
  readonly waiting: readonly number[];
  readonly mostWaiting: readonly number[];
  /** The longest wait that anyone had had, of those that were started in the column or waited at its end. */
  readonly oldestMs: readonly number[];
  /** What the policy asked for, at the end of the column. */
  readonly desired: readonly number[];
  /** By loop that decides, the rule that settled the count; empty before its first decision. */
  readonly rules: Readonly<Record<string, readonly string[]>>;
}

const names = [
  "starting",
  "ready",
  "running",
  "waiting",
  "mostWaiting",
  "oldest",
  "desired",
] as const;
type Name = (typeof names)[number];
const highest: ReadonlySet<Name> = new Set(["mostWaiting", "oldest"]);

/**
 * Records columns. A run lasts longer than its load, by an unknown time: when there are twice as many columns as wanted,
 * neighbours are joined and columns become twice as wide, so that any run has between n and 2n of them.
 */
export class SeriesRecorder {
  readonly #most: number;
  readonly #columns: Readonly<Record<Name, number[]>> = {
    starting: [],
    ready: [],
    running: [],
    waiting: [],
    mostWaiting: [],
    oldest: [],
    desired: [],
  };
  #widthUs: number;
  #last: Areas = noAreas();
  columnEndsAt: number;
  /** Set by the simulation as it goes; begun anew with each column. */
  mostWaiting = 0;
  oldestUs = 0;
  /** How long the oldest of those that wait has done so. */
  ageUs: (now: number) => number = () => 0;
  readonly rules: RuleColumns = new RuleColumns();

  constructor(spanUs: number, columns: number) {
    this.#widthUs = Math.max(1000, Math.ceil(spanUs / columns));
    this.#most = columns * 2;
    this.columnEndsAt = this.#widthUs;
  }

  close(areas: Areas, levels: Levels, now: number): void {
    const last = this.#last;
    const span = Math.max(1, now - (this.columnEndsAt - this.#widthUs));
    const mean = (name: keyof Areas): number => (areas[name] - last[name]) / span;
    this.#columns.starting.push(mean("starting"));
    this.#columns.ready.push(mean("ready") + mean("draining"));
    this.#columns.running.push(mean("slots"));
    this.#columns.waiting.push(mean("queue"));
    this.#columns.mostWaiting.push(Math.max(this.mostWaiting, levels.queue));
    this.#columns.oldest.push(Math.max(this.oldestUs, this.ageUs(now)));
    this.#columns.desired.push(levels.desired);
    this.#last = { ...areas };
    this.mostWaiting = levels.queue;
    this.oldestUs = 0;
    this.rules.close();
    if (this.#columns.ready.length >= this.#most) this.#join();
    this.columnEndsAt = (this.#columns.ready.length + 1) * this.#widthUs;
  }

  #join(): void {
    for (const name of names) {
      const column = this.#columns[name];
      for (let pair = 0; pair < column.length / 2; pair += 1) {
        const [a = 0, b = 0] = column.slice(2 * pair, 2 * pair + 2);
        column[pair] = name === "desired" ? b : highest.has(name) ? Math.max(a, b) : (a + b) / 2;
      }
      column.length = Math.floor(column.length / 2);
    }
    this.rules.join();
    this.#widthUs *= 2;
  }

  take(endUs: number): Series {
    const used = Math.max(1, Math.ceil(endUs / this.#widthUs));
    const column = (name: Name): readonly number[] => this.#columns[name].slice(0, used);
    return {
      columnMs: this.#widthUs / 1000,
      starting: column("starting"),
      ready: column("ready"),
      running: column("running"),
      waiting: column("waiting"),
      mostWaiting: column("mostWaiting"),
      oldestMs: column("oldest").map((us) => us / 1000),
      desired: column("desired"),
      rules: this.rules.take(used),
    };
  }
}
