/**
 * The deadline envelope: how many workers must be asked for now so that every job is started in time. The k-th waiting job
 * must be started by its deadline, so k starts must fit before it. Compared are the starts that idle, busy and starting
 * workers can make by then; what is short, and cannot wait one more look, is asked for.
 *
 * A worker that is ready s before a deadline can begin 1 + s/S jobs by then, not s/S: the first it begins at once.
 */

/** Who can start jobs: slots of ready workers, and when starting workers are ready. Times in milliseconds from now. */
export interface Capacity {
  readonly idleSlots: number;
  readonly busySlots: number;
  readonly startingIn: readonly number[];
  /** Slots of one worker. */
  readonly concurrency: number;
  readonly serviceMs: number;
}

/** So many starts must be possible within `tauMs` from now. */
export interface Demand {
  readonly tauMs: number;
  readonly due: number;
  readonly isKnown: boolean;
}

/** How long things take. */
export interface EnvelopeTimes {
  /** From the request of a worker to its first job. */
  readonly startupMs: number;
  readonly tickMs: number;
  /** Over how long more work than planned for is made up. */
  readonly recoveryMs: number;
}

/** The demand that asks for most. */
export interface Shortage {
  readonly rule: "deadline" | "hopeless" | "forecast";
  /** Workers that it asks for, as a fraction. */
  readonly workers: number;
  readonly tauMs: number;
  readonly short: number;
  /** A known job whose worker must be asked for now or comes too late. */
  readonly isUrgent: boolean;
}

/** How many jobs can be begun within `tauMs`. */
export function startsWithin(capacity: Capacity, tauMs: number): number {
  const { idleSlots, busySlots, startingIn, concurrency, serviceMs } = capacity;
  let starting = 0;
  for (const inMs of startingIn)
    if (tauMs >= inMs) starting += concurrency * (1 + (tauMs - inMs) / serviceMs);
  return idleSlots * (1 + tauMs / serviceMs) + (busySlots * tauMs) / serviceMs + starting;
}

/** What is short, by the worst of the demands; null when there is none. */
export function worstShortage(
  capacity: Capacity,
  demands: readonly Demand[],
  times: EnvelopeTimes,
): Shortage | null {
  let worst: Shortage | null = null;
  let isUrgent = false;
  for (const demand of demands) {
    const shortage = shortageOf(capacity, demand, times);
    isUrgent ||= shortage.isUrgent;
    if (worst === null || shortage.workers > worst.workers) worst = shortage;
  }
  return worst === null ? null : { ...worst, isUrgent };
}

function shortageOf(capacity: Capacity, demand: Demand, times: EnvelopeTimes): Shortage {
  const { startupMs, tickMs, recoveryMs } = times;
  const { tauMs, due, isKnown } = demand;
  const isHopeless = tauMs < startupMs;
  // What no new worker can start in time must not make panic: it is planned for when new workers have come and had a while.
  const by = isHopeless ? startupMs + Math.max(recoveryMs, startupMs / 2) : tauMs;
  const short = due - startsWithin(capacity, by);
  const readyFor = isHopeless ? by - startupMs : Math.max(tauMs - startupMs, recoveryMs);
  const perWorker = capacity.concurrency * (1 + readyFor / capacity.serviceMs);
  return {
    rule: isKnown ? (isHopeless ? "hopeless" : "deadline") : "forecast",
    workers: Math.max(0, short / perWorker),
    tauMs,
    short,
    isUrgent: isKnown && short >= 1 && tauMs - tickMs - startupMs <= 0,
  };
}
