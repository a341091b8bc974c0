/**
 * Vacuums the messages while they come and go quickly. Autovacuum looks once a minute at most, and by then a busy queue
 * has a million dead rows in front of its ready ones, which every claim has to pass: it then takes several times as long.
 * Another vacuum that is under way is left alone, and a user who does not own the table leaves it all to autovacuum.
 */
import type { Clock } from "../../core/index.ts";

/** See the top of this file. */
export interface Cleaner {
  /** So many messages are done with. */
  gone(count: number): void;
}

/** About as many dead rows as a claim does not notice. */
const vacuumFrom = 50_000;
/** A large backlog makes vacuums long; at most a tenth of the time goes into them. */
const restFactor = 9;

/** Vacuums by `vacuum`, whose failures are its own matter. */
export function createCleaner(clock: Clock, vacuum: () => Promise<unknown>): Cleaner {
  let dead = 0;
  let isAtWork = false;
  let notBefore = Number.NEGATIVE_INFINITY;

  async function clean(startedAt: number): Promise<void> {
    isAtWork = true;
    dead = 0;
    await vacuum();
    notBefore = clock.now() + restFactor * (clock.now() - startedAt);
    isAtWork = false;
  }

  return {
    gone(count) {
      dead += count;
      const now = clock.now();
      if (dead >= vacuumFrom && !isAtWork && now >= notBefore) void clean(now);
    },
  };
}
