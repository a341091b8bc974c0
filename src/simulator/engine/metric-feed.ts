import { millisecond } from "../loads/load.ts";
import type { Random } from "../random.ts";
import type { DecidedBroker } from "./models.ts";

/** The queue as the broker showed it at `at`. */
export interface QueueFigures {
  readonly at: number;
  readonly ready: number;
  readonly inFlight: number;
  readonly delayed: number;
  readonly oldestAgeUs: number;
}

/** What can be read of a broker at a time: figures that may be old, or nothing. */
export class MetricFeed {
  readonly #broker: DecidedBroker;
  readonly #random: Random;
  readonly #measure: (now: number) => QueueFigures;
  /** Taken and not yet replaced by a younger one that can be read; the oldest first. */
  #taken: QueueFigures[] = [];

  constructor(broker: DecidedBroker, random: Random, measure: (now: number) => QueueFigures) {
    this.#broker = broker;
    this.#random = random;
    this.#measure = measure;
  }

  /** The time between two refreshes, or null where figures are live. */
  get refreshEveryUs(): number | null {
    const { metricIntervalMs, metricLagMs } = this.#broker;
    if (metricIntervalMs > 0) return metricIntervalMs * millisecond;
    return metricLagMs > 0 ? Math.min(metricLagMs, 1000) * millisecond : null;
  }

  refresh(now: number): void {
    this.#taken.push(this.#measure(now));
  }

  /** Null when the reading fails. */
  read(now: number): QueueFigures | null {
    const { errorRate, outages, metricLagMs } = this.#broker;
    const nowMs = now / millisecond;
    if (outages.some(({ fromMs, toMs }) => nowMs >= fromMs && nowMs < toMs)) return null;
    if (errorRate > 0 && this.#random() < errorRate) return null;
    if (this.refreshEveryUs === null) return this.#measure(now);
    const readable = this.#taken.findLastIndex(
      (figures) => figures.at + metricLagMs * millisecond <= now,
    );
    if (readable < 0) return { at: now, ready: 0, inFlight: 0, delayed: 0, oldestAgeUs: 0 };
    this.#taken = this.#taken.slice(readable);
    return this.#taken[0] ?? null;
  }
}
