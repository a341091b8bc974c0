/**
 * What lies between two jobs of a worker: the outcome is settled and the next message fetched. A worker is taken by a job
 * until it can begin another, which is longer than the handler ran; in a backlog of short jobs the difference adds up.
 */

/** One attempt, in milliseconds. */
export interface TimedAttempt {
  /** From 1. When a later one could be received is not known. */
  readonly attempt: number;
  readonly readyAt: number;
  readonly startedAt: number;
  readonly endedAt: number;
}

/**
 * The pause after each attempt of one worker, until the same slot began the next: null where nothing waited that it could
 * have begun, or none followed. Slots are not recorded: the one that was free for longest is taken to begin the next.
 */
export function pausesAfter(attempts: readonly TimedAttempt[]): readonly (number | null)[] {
  const byEnd = [...attempts.keys()].toSorted((a, b) => end(attempts, a) - end(attempts, b));
  const byStart = attempts.toSorted((a, b) => a.startedAt - b.startedAt);
  const pauses: (number | null)[] = attempts.map(() => null);
  let next = 0;
  for (const { attempt, readyAt, startedAt } of byStart) {
    const ended = byEnd[next];
    if (ended === undefined) break;
    const endedAt = end(attempts, ended);
    if (endedAt > startedAt) continue; // a slot that had no job before
    next += 1;
    if (attempt === 1 && readyAt <= endedAt) pauses[ended] = startedAt - endedAt;
  }
  return pauses;
}

function end(attempts: readonly TimedAttempt[], place: number): number {
  return attempts[place]?.endedAt ?? Number.POSITIVE_INFINITY;
}

/** The middle of the pauses that there are; 0 where there are none. */
export function medianPause(pauses: readonly (number | null)[]): number {
  const there = pauses.flatMap((pause) => (pause === null ? [] : [pause]));
  return there.toSorted((a, b) => a - b)[Math.floor(there.length / 2)] ?? 0;
}
