import { type Areas, type Levels, noAreas } from "./levels.ts";
import type { Series, SeriesRecorder } from "./series.ts";

/** Integrates the levels over time. Call `advance` before any of them changes. */
export class Meter {
  readonly areas: Areas = noAreas();
  now = 0;
  peak = 0;
  readonly #levels: Levels;
  readonly #series: SeriesRecorder | null;
  #columnEndsAt: number;

  constructor(levels: Levels, series: SeriesRecorder | null) {
    this.#levels = levels;
    this.#series = series;
    this.#columnEndsAt = series?.columnEndsAt ?? Number.POSITIVE_INFINITY;
  }

  advance(to: number): void {
    while (to >= this.#columnEndsAt) this.#closeColumn();
    if (to > this.now) this.#integrate(to);
  }

  #integrate(to: number): void {
    const { areas } = this;
    const levels = this.#levels;
    const span = to - this.now;
    areas.queue += levels.queue * span;
    areas.slots += levels.slots * span;
    areas.starting += levels.starting * span;
    areas.ready += levels.ready * span;
    areas.draining += levels.draining * span;
    const workers = levels.starting + levels.ready + levels.draining;
    if (workers === 0) areas.zero += span;
    this.now = to;
  }

  /** To be called after workers were added. */
  notePeak(): void {
    const { starting, ready, draining } = this.#levels;
    this.peak = Math.max(this.peak, starting + ready + draining);
  }

  #closeColumn(): void {
    if (this.#series === null) return;
    this.#integrate(Math.max(this.now, this.#columnEndsAt));
    this.#series.close(this.areas, this.#levels, this.now);
    this.#columnEndsAt = this.#series.columnEndsAt;
  }

  /** What happened in each span of time; null where it was not recorded. */
  finish(): Series | null {
    if (this.#series === null) return null;
    this.#series.close(this.areas, this.#levels, this.now);
    return this.#series.take(this.now);
  }
}
