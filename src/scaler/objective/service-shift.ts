/**
 * Notices that jobs suddenly take longer or shorter than they did, so that the past can be forgotten at once: the two-sided
 * cumulative sum test (E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954) on the logarithm of the mean time
 * of each ten jobs or so. Jobs of one load differ by orders of magnitude, so the sum counts in standard deviations of these
 * logarithms, and a block counts for four of them at most: one giant job is no change.
 *
 * State of each side: quiet (sum 0) → suspicious (sum above 0, jobs since then remembered) → quiet, or an alarm: then the
 * jobs since the suspicion began are what is known of the new time (the usual estimate of the point of change).
 */

import { noteService, type ServiceTime, type WorkDone } from "./service-time.ts";

/** Time spent on jobs that ended, and how many they were. */
interface SpentOnJobs {
  readonly busyMs: number;
  readonly ended: number;
}

interface Suspicion {
  /** In standard deviations. */
  readonly sum: number;
  /** After its first block, in which the change may have come. */
  readonly since: SpentOnJobs;
  /** Of these, the blocks and the sum of the logarithms of their means. */
  readonly blocks: number;
  readonly levels: number;
}

/** See the top of this file. */
export interface ServiceShift {
  /** The jobs of the block that is being filled. */
  readonly block: SpentOnJobs;
  /** Time that the running jobs had taken at the last look. */
  readonly pendingMs: number;
  /** Blocks so far, and mean and variance of the logarithms of their means. */
  readonly blocks: number;
  readonly mean: number;
  readonly variance: number;
  readonly longer: Suspicion;
  readonly shorter: Suspicion;
}

const nothing: SpentOnJobs = { busyMs: 0, ended: 0 };
const quiet: Suspicion = { sum: 0, since: nothing, blocks: 0, levels: 0 };

/** Nothing is known yet. */
export const noShift: ServiceShift = {
  ...{ block: nothing, pendingMs: 0, blocks: 0, mean: 0, variance: 0 },
  ...{ longer: quiet, shorter: quiet },
};

const blockJobs = 10;
/** With fewer blocks there is nothing to compare with. */
const enoughBlocks = 8;
/** Blocks that mean and variance remember. */
const memory = 100;
/** Half of the smallest shift that matters, and the sum that is an alarm: by chance once in some thousand blocks. */
const allowance = 0.5;
const alarm = 8;
const mostPerBlock = 4;
/** Jobs that all take the same time still differ by the measuring. */
const leastDeviation = 0.1;

/** Takes in a look. `since` is set at an alarm: what the jobs took since the change. */
export function noteShift(
  shift: ServiceShift,
  { busyMs, ended, pendingMs }: WorkDone,
): { readonly shift: ServiceShift; readonly since: SpentOnJobs | null } {
  // What the ended jobs took in all: what they had taken before this look counts, what the others have taken does not.
  const block = add(shift.block, { busyMs: busyMs + shift.pendingMs - pendingMs, ended });
  if (block.ended < blockJobs) return { shift: { ...shift, pendingMs, block }, since: null };
  const emptied = { ...shift, pendingMs, block: nothing };
  return noteBlock(emptied, { ...block, busyMs: Math.max(block.busyMs, block.ended) });
}

/** The time of jobs after a look: the estimate goes on, or begins anew with the jobs since a sudden change. */
export function noteServiceOrShift(
  before: { readonly service: ServiceTime; readonly shift: ServiceShift },
  done: WorkDone,
): { readonly service: ServiceTime; readonly shift: ServiceShift } {
  const { shift, since } = noteShift(before.shift, done);
  const { pendingMs } = done;
  const service =
    since === null
      ? noteService(before.service, done)
      : { ...since, pendingMs, usualPendingMs: pendingMs };
  return { service, shift };
}

function noteBlock(shift: ServiceShift, block: SpentOnJobs) {
  const { blocks, mean, variance } = shift;
  const level = Math.log(block.busyMs / block.ended);
  const deviation = Math.max(leastDeviation, Math.sqrt(variance));
  const off = blocks === 0 ? 0 : (level - mean) / deviation;
  const isWarm = blocks >= enoughBlocks;
  const bounded = isWarm ? Math.max(-mostPerBlock, Math.min(mostPerBlock, off)) : off;
  const share = 1 / Math.min(blocks + 1, memory);
  const step = blocks === 0 ? level : bounded * deviation;
  const next: ServiceShift = {
    ...shift,
    blocks: blocks + 1,
    mean: mean + share * step,
    variance: blocks === 0 ? 0 : (1 - share) * (variance + share * step ** 2),
    longer: isWarm ? suspect(shift.longer, bounded, block) : quiet,
    shorter: isWarm ? suspect(shift.shorter, -bounded, block) : quiet,
  };
  const alarmed = [next.longer, next.shorter].find(({ sum }) => sum >= alarm);
  if (alarmed === undefined) return { shift: next, since: null };
  const after = { ...next, mean: alarmed.levels / alarmed.blocks, variance };
  return { shift: { ...after, longer: quiet, shorter: quiet }, since: alarmed.since };
}

function suspect(before: Suspicion, off: number, block: SpentOnJobs): Suspicion {
  const sum = before.sum + off - allowance;
  if (sum <= 0) return quiet;
  if (before.sum === 0) return { ...quiet, sum };
  const since = add(before.since, block);
  const levels = before.levels + Math.log(block.busyMs / block.ended);
  return { sum, since, levels, blocks: before.blocks + 1 };
}

function add(a: SpentOnJobs, b: SpentOnJobs): SpentOnJobs {
  return { busyMs: a.busyMs + b.busyMs, ended: a.ended + b.ended };
}
