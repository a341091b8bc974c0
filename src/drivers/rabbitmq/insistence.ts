/**
 * RabbitMQ shows a quorum queue to everybody before its processes run. Whoever declares or consumes from it at that moment
 * loses the connection to an internal error, with all its channels; a moment later the same works. So that is tried again,
 * for a short while. A broker that is away stays away longer, and is not waited for.
 */
import type { Clock } from "../../core/index.ts";
import { codeOf, internalError } from "./errors.ts";
import type { Link } from "./link.ts";

/** How long it is tried again, and how much later each time. */
export const insistMs = 1500;
export const retryMs = 150;

/** Tells those who wait on `link` whether to go on although the connection is lost; see the top of this file. */
export class Insistence {
  readonly #link: Link;
  readonly #clock: Clock;
  #since = Number.NEGATIVE_INFINITY;

  constructor(link: Link, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
  }

  /** `true` after an internal error, unless such errors have gone on for too long. */
  goesOn(): boolean {
    if (codeOf(this.#link.failure) !== internalError) return false;
    const now = this.#clock.now();
    // What comes long after is another queue's.
    if (now - this.#since > 4 * insistMs) this.#since = now;
    return now - this.#since < insistMs;
  }
}
