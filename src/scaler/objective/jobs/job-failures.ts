/**
 * Jobs that fail for good are made anew after a pause, as Kubernetes tries a pod again: 10 s, doubling as long as jobs only
 * fail, at most 6 minutes. Until then their places stay taken, so that a job that always crashes brings no endless row of
 * successors; messages that come meanwhile get theirs.
 */
import type { MessagesPerJob } from "../../../specs/index.ts";
import type { EndedJobs, JobStatus, JobTargetStatus } from "../../job-target.ts";

/** Plain data. */
export interface JobFailures {
  /** Jobs that had ended at the last look: the ids of those that were still listed; null: there was none. */
  readonly known: readonly string[] | null;
  /** All that had ended by then, where the target counts them. */
  readonly ended: EndedJobs | null;
  /** Looks in a row that saw jobs fail and none succeed. */
  readonly streak: number;
  /** Places of jobs that failed, and until when each stays taken. */
  readonly held: readonly { readonly until: number; readonly count: number }[];
}

/** Nothing has failed. */
export const noFailures: JobFailures = { known: null, ended: null, streak: 0, held: [] };

const firstPauseMs = 10_000;
const longestPauseMs = 360_000;

/** What a look tells of ended jobs. */
export interface JobEndings {
  readonly failures: JobFailures;
  /** Since the last look. */
  readonly succeeded: number;
  readonly failed: number;
}

/** Takes in a look. What had ended before the first one is no news. */
export function noteEndings(before: JobFailures, status: JobTargetStatus, at: number): JobEndings {
  const over = status.jobs.filter((job) => job.endedAt !== null);
  const { succeeded, failed } = newlyEnded(before, status, over);
  const held = before.held.filter(({ until }) => until > at);
  const streak = failed > 0 ? (succeeded > 0 ? 1 : before.streak + 1) : succeeded > 0 ? 0 : null;
  const known = over.map(({ id }) => id);
  const now = { known, ended: status.ended ?? null, streak: streak ?? before.streak };
  if (failed === 0) return { failures: { ...now, held }, succeeded, failed };
  const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (now.streak - 1));
  const place = { until: at + pauseMs, count: failed };
  return { failures: { ...now, held: [...held, place] }, succeeded, failed };
}

/** By ids and not by times, since not every target's clock is ours. */
function newlyEnded(
  before: JobFailures,
  { ended }: JobTargetStatus,
  over: readonly JobStatus[],
): EndedJobs {
  if (before.known === null) return { succeeded: 0, failed: 0 };
  if (ended !== undefined && before.ended !== null)
    return {
      succeeded: Math.max(0, ended.succeeded - before.ended.succeeded),
      failed: Math.max(0, ended.failed - before.ended.failed),
    };
  const known = new Set(before.known);
  const count = (state: JobStatus["state"]): number =>
    over.filter((job) => job.state === state && !known.has(job.id)).length;
  return { succeeded: count("succeeded"), failed: count("failed") };
}

/**
 * Places that are kept: for jobs that will be made anew, and for those that their target tries again once its own pause is
 * over. Among jobs of many messages the latter are workers that start.
 */
export function placesHeld(
  { held }: JobFailures,
  { jobs }: JobTargetStatus,
  messagesPerJob: MessagesPerJob,
): number {
  const isTrying = ({ state, failures }: JobStatus): boolean => state === "pending" && failures > 0;
  const trying = messagesPerJob === "one" ? jobs.filter(isTrying).length : 0;
  return trying + held.reduce((sum, { count }) => sum + count, 0);
}
