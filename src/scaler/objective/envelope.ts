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
  /** Set: they are delayed jobs, and none can be started before this time from now. */
  readonly fromMs?: number;
}

/** How long things take. */
export interface EnvelopeTimes {
  /** From the request of a worker to its first job. */
  readonly startupMs: number;
  readonly tickMs: number;
  /** Over how long more work than planned for is made up. */
  readonly recoveryMs: number;
}

/** All that a shortage is worked out from. */
export interface Envelope {
  readonly capacity: Capacity;
  readonly demands: readonly Demand[];
  readonly times: EnvelopeTimes;
}

/** The demand that asks for most. */
export interface Shortage {
  readonly rule: "deadline" | "hopeless" | "due" | "forecast";
  /** Workers that it asks for, as a fraction. */
  readonly workers: number;
  readonly tauMs: number;
  readonly short: number;
  /** A known job whose worker must be asked for now or comes too late. */
  readonly isUrgent: boolean;
}

/** How many jobs can be begun within `tauMs`, and from `fromMs` on. */
export function startsWithin(capacity: Capacity, tauMs: number, fromMs = 0): number {
  const { idleSlots, busySlots, startingIn, concurrency, serviceMs } = capacity;
  let starting = 0;
  for (const inMs of startingIn)
    if (tauMs >= inMs) starting += concurrency * (1 + (tauMs - Math.max(inMs, fromMs)) / serviceMs);
  const idle = 1 + (tauMs - fromMs) / serviceMs;
  // A slot that is busy now has finished what it has, or not.
  const busy = Math.min(tauMs / serviceMs, idle);
  return idleSlots * idle + busySlots * busy + starting;
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
  const { tauMs, due, isKnown, fromMs } = demand;
  const { by, isHopeless, startsOfOne } = plannedFor(capacity, demand, times);
  const short = due - startsWithin(capacity, by, fromMs);
  const workers = Math.max(0, short / startsOfOne);
  return {
    rule: ruleOf(demand, isHopeless),
    workers: canWait(capacity, demand, { short, workers, times }) ? 0 : workers,
    tauMs,
    short,
    isUrgent: isKnown && short >= 1 && tauMs - times.tickMs - times.startupMs <= 0,
  };
}

interface Planned {
  readonly short: number;
  readonly workers: number;
  readonly times: EnvelopeTimes;
}

/**
 * Whether the workers for delayed jobs can as well be asked for at the next look: they would be there before the jobs are, or
 * the same whole number of them would still be enough.
 */
function canWait(capacity: Capacity, demand: Demand, { short, workers, times }: Planned): boolean {
  const { tauMs, fromMs } = demand;
  if (fromMs === undefined) return false;
  const startupMs = times.startupMs + times.tickMs;
  if (tauMs - Math.max(startupMs, fromMs) < times.recoveryMs) return false;
  const later = short / plannedFor(capacity, demand, { ...times, startupMs }).startsOfOne;
  return later <= Math.max(1, workers, Math.floor(workers + 0.5));
}

/** By when the starts of a demand are planned, and how many of them one new worker makes. */
function plannedFor(
  { concurrency, serviceMs }: Capacity,
  { tauMs, fromMs = 0 }: Demand,
  { startupMs, recoveryMs }: EnvelopeTimes,
) {
  const isHopeless = tauMs < startupMs;
  // What no new worker can start in time must not make panic: it is planned for when new workers have come and had a while.
  const by = isHopeless ? startupMs + Math.max(recoveryMs, startupMs / 2) : tauMs;
  const usefulFrom = Math.max(startupMs, fromMs);
  const readyFor = isHopeless ? by - startupMs : Math.max(tauMs - usefulFrom, recoveryMs);
  return { by, isHopeless, startsOfOne: concurrency * (1 + readyFor / serviceMs) };
}

/** So many workers more are needed for the deadline `tauMs` from now. */
export interface WorkerNeed {
  readonly tauMs: number;
  readonly workers: number;
}

/** Ready workers that a capacity leaves out. */
export interface SpareWorkers {
  readonly busy: number;
  readonly idle: number;
}

/**
 * What each deadline needs beyond the capacity: of the spare workers the busy ones first, then the idle ones, then new ones.
 * The earliest deadline first, each with more than all before it.
 */
export function needsBeyond(
  { capacity, demands, times }: Envelope,
  spare: SpareWorkers,
): readonly WorkerNeed[] {
  const { concurrency, serviceMs } = capacity;
  const needs: WorkerNeed[] = [];
  let most = 0;
  for (const demand of demands.toSorted((a, b) => a.tauMs - b.tauMs)) {
    const { by, startsOfOne } = plannedFor(capacity, demand, times);
    const { due, fromMs = 0 } = demand;
    const startsOfIdle = concurrency * (1 + (by - fromMs) / serviceMs);
    const startsOfBusy = Math.min((concurrency * by) / serviceMs, startsOfIdle);
    const short = due - startsWithin(capacity, by, fromMs);
    const withoutBusy = short - spare.busy * startsOfBusy;
    const rest = withoutBusy - spare.idle * startsOfIdle;
    const workers =
      countFor(short, startsOfBusy, spare.busy) +
      countFor(withoutBusy, startsOfIdle, spare.idle) +
      Math.max(0, Math.floor(rest / startsOfOne + 0.5));
    if (workers <= most) continue;
    most = workers;
    needs.push({ tauMs: demand.tauMs, workers });
  }
  return needs;
}

function ruleOf({ isKnown, fromMs }: Demand, isHopeless: boolean): Shortage["rule"] {
  if (!isKnown) return "forecast";
  if (isHopeless) return "hopeless";
  return fromMs === undefined ? "deadline" : "due";
}

/** How many workers, of those that there are, make so many starts. */
function countFor(starts: number, startsOfOne: number, most: number): number {
  return starts <= 0 ? 0 : Math.min(most, Math.ceil(starts / startsOfOne));
}
