/**
 * When the jobs that wait have arrived, from counts alone: arrivals are noted in batches, and as many as have been started
 * leave at the front. This takes the queue as first in, first out; where the broker tells the age of the oldest message, the
 * older of the two counts.
 */

/** Jobs that arrived after `from`, up to `to`: spread evenly, for want of better knowledge. */
export interface ArrivalBatch {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Waiting jobs, the oldest first. */
export type WaitingJobs = readonly ArrivalBatch[];

/** Beyond this many batches the oldest neighbours become one. */
const mostBatches = 256;

/** Adds a batch at the end. */
export function addArrivals(waiting: WaitingJobs, batch: ArrivalBatch): WaitingJobs {
  if (batch.count <= 0) return waiting;
  const [first, second, ...rest] = waiting;
  if (waiting.length < mostBatches || first === undefined || second === undefined)
    return [...waiting, batch];
  const joined = { from: first.from, to: second.to, count: first.count + second.count };
  return [joined, ...rest, batch];
}

/** Those that are left when only `count` wait, and when those that were started had arrived. */
export function keepNewest(
  waiting: WaitingJobs,
  count: number,
): { readonly waiting: WaitingJobs; readonly started: WaitingJobs } {
  let surplus = waiting.reduce((sum, batch) => sum + batch.count, 0) - count;
  const started: ArrivalBatch[] = [];
  let index = 0;
  for (; index < waiting.length; index += 1) {
    const batch = waiting[index] as ArrivalBatch;
    if (batch.count > surplus) break;
    surplus -= batch.count;
    started.push(batch);
  }
  const split = waiting[index];
  if (split === undefined || surplus <= 0) return { waiting: waiting.slice(index), started };
  const at = split.from + ((split.to - split.from) * surplus) / split.count;
  started.push({ from: split.from, to: at, count: surplus });
  const left = { from: at, to: split.to, count: split.count - surplus };
  return { waiting: [left, ...waiting.slice(index + 1)], started };
}

/** The first job is no younger than the broker says. */
export function withOldest(waiting: WaitingJobs, oldestAt: number | null): WaitingJobs {
  const [first, ...rest] = waiting;
  if (oldestAt === null || first === undefined) return waiting;
  const { from, to, count } = first;
  if (from + (to - from) / Math.max(1, count) <= oldestAt) return waiting;
  if (count <= 1) return [{ from: oldestAt, to: oldestAt, count }, ...rest];
  const others = { from: Math.max(from, oldestAt), to, count: count - 1 };
  return [{ from: oldestAt, to: oldestAt, count: 1 }, others, ...rest];
}

/** A job's place in the queue, from 1, and when it arrived. */
export interface WaitingJob {
  readonly place: number;
  readonly arrivedAt: number;
}

/**
 * At most `most` jobs, evenly spaced over the queue, the last always among them. The k-th of n jobs that came at any time
 * within a batch is expected at k/(n + 1) of it.
 */
export function pickJobs(waiting: WaitingJobs, most: number): readonly WaitingJob[] {
  const total = Math.floor(waiting.reduce((sum, batch) => sum + batch.count, 0) + 1e-9);
  const wanted = Math.min(total, most);
  const jobs: WaitingJob[] = [];
  let before = 0;
  let index = 0;
  for (let pick = 1; pick <= wanted; pick += 1) {
    const place = Math.round((pick * total) / wanted);
    let batch = waiting[index];
    while (batch !== undefined && before + batch.count < place - 1e-9) {
      before += batch.count;
      index += 1;
      batch = waiting[index];
    }
    if (batch === undefined) break;
    const { from, to, count } = batch;
    jobs.push({ place, arrivedAt: from + ((to - from) * (place - before)) / (count + 1) });
  }
  return jobs;
}
