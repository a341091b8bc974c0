/**
 * The deadline envelope where each job takes one message and ends. A job brings one start, when it is ready; its place
 * brings another when the job has ended, its end was seen at a look, and a new one has started. All jobs cost the same
 * whenever they are created, so what is sought is the fewest places at a time that meet every deadline, as late as that
 * allows.
 */
import type { Demand, Shortage } from "../envelope.ts";

/** A job that has not ended, in milliseconds from now. */
export interface JobPlace {
  /** When it takes its message; null: it has. */
  readonly takesInMs: number | null;
  /** When it ends. */
  readonly freeInMs: number;
}

/** What there is, and how long things take, in milliseconds. */
export interface JobCapacity {
  readonly places: readonly JobPlace[];
  /** How many more may be. */
  readonly room: number;
  /** From the creation of a job to its message. */
  readonly startupMs: number;
  /** From there to its end. */
  readonly serviceMs: number;
  readonly tickMs: number;
}

/** How many messages can be taken within `tauMs` by the places that there are. */
export function takenWithin(capacity: JobCapacity, tauMs: number): number {
  let taken = 0;
  for (const { takesInMs, freeInMs } of capacity.places) {
    if (takesInMs !== null && takesInMs <= tauMs) taken += 1;
    taken += takenByNew(capacity, tauMs - freeInMs - capacity.tickMs);
  }
  return taken;
}

/** How many messages a place takes within `tauMs` of the creation of its first job. */
function takenByNew({ startupMs, serviceMs, tickMs }: JobCapacity, tauMs: number): number {
  if (tauMs < startupMs) return 0;
  return 1 + Math.floor((tauMs - startupMs) / (startupMs + serviceMs + tickMs));
}

/** The jobs to be created now, by the demand that asks for most; `workers` are whole ones. Null where there is no demand. */
export function worstJobShortage(
  capacity: JobCapacity,
  demands: readonly Demand[],
): Shortage | null {
  let worst: Shortage | null = null;
  for (const demand of demands) {
    const shortage = jobShortage(capacity, demand);
    if (worst === null || isWorse(shortage, worst)) worst = shortage;
  }
  return worst;
}

function isWorse(a: Shortage, b: Shortage): boolean {
  return a.workers > b.workers || (a.workers === b.workers && a.short > b.short);
}

function jobShortage(capacity: JobCapacity, { tauMs, due }: Demand): Shortage {
  const { startupMs, tickMs, room } = capacity;
  const isHopeless = tauMs < startupMs;
  // What is late in any case is not spread over places: a job for each at once costs no more.
  const by = isHopeless ? startupMs : tauMs;
  const short = due - takenWithin(capacity, by);
  const perPlace = takenByNew(capacity, by);
  const isUrgent = short >= 1 && tauMs - tickMs - startupMs <= 0;
  // One job for each can wait for the last moment, as long as no more wait than half of the room that there will be then.
  const waits = perPlace === 1 && !isUrgent ? Math.min(short, room / 2) : 0;
  const workers = Math.max(0, Math.floor((short - waits) / perPlace + 1e-9));
  return { rule: isHopeless ? "hopeless" : "deadline", workers, tauMs, short, isUrgent };
}
