/**
 * Keeps a wait objective with jobs that end by themselves. A decision says only how many to create: nothing scales in, so
 * there is no keep-alive and no reserve. What waits, less what pending jobs will take, is set against the deadlines; jobs
 * that failed keep their places for a while (`job-failures.ts`). A reading that failed creates nothing. A shared cap is asked
 * for what would be created.
 */
import type { Decision } from "../../decision.ts";
import type { JobStatus, JobTargetStatus } from "../../job-target.ts";
import type { JobObservation } from "../../keda/index.ts";
import type { TargetStatus } from "../../target.ts";
import { shortageOf, wantedOf } from "../decide-by-objective.ts";
import type { Demand, Shortage } from "../envelope.ts";
import { type Learned, learn } from "../learn.ts";
import type { ObjectiveState } from "../objective-state.ts";
import { lookAtQueue } from "../queue-look.ts";
import { meanServiceMs } from "../service-time.ts";
import type { Occupancy, SharedCapMember, SharedWish } from "../shared-cap.ts";
import { wishMs } from "../shared-wish.ts";
import { type RecentStarts, startsLeft, startsOfLastMinute } from "../start-budget.ts";
import { type StartupView, viewStartups } from "../startup-times.ts";
import type { ArrivalBatch } from "../waiting-jobs.ts";
import { type JobPlace, worstJobShortage } from "./job-capacity.ts";
import { type JobEndings, noteEndings, placesHeld } from "./job-failures.ts";
import type { JobObjectivePolicy } from "./job-objective-policy.ts";
import { type FiguredJobs, holdJobs, recordJobs } from "./job-objective-record.ts";
import type { JobObjectiveState } from "./job-objective-state.ts";
import { jobsAsWorkers, stillTakesMs, takesAt } from "./jobs-as-workers.ts";
import { lookAtOneMessageJobs } from "./observe-job-queue.ts";

/** What a look leads to: `create` jobs more. */
export interface JobObjectiveOutcome {
  readonly state: JobObjectiveState;
  readonly decision: Decision;
  readonly create: number;
}

/** Decides from what `observeJobQueue` saw. Pure. */
export type DecideJobs = (state: JobObjectiveState, seen: JobObservation) => JobObjectiveOutcome;

/**
 * The policy as a decision function; see the top of this file.
 *
 * @example
 * const jobs: Parameters<typeof jobObjectiveOf>[0][] = [];
 * for (const job of jobs) {
 *   const policy = jobObjectiveOf(job);
 *   if (policy === null) continue;
 *   const decide = decideJobsByObjective(policy);
 *   let state = initialJobObjectiveState(policy);
 * }
 */
export function decideJobsByObjective(
  policy: JobObjectivePolicy,
  sharedCap: SharedCapMember | null = null,
): DecideJobs {
  return (state, seen) => {
    const look = seen.failure === null ? lookAtJobs(policy, state, seen) : null;
    if (look !== null) return decide(policy, state, { ...look, sharedCap });
    sharedCap?.hold(seen.at, occupiedBy(seen.jobs), policy.minReplicaCount);
    return { state, decision: holdJobs(policy, seen), create: 0 };
  };
}

/** What a ScaledJob's jobs take of a cap: all that have not ended, none of which is asked to leave. */
export function occupiedBy({ running }: Pick<JobTargetStatus, "running">): Occupancy {
  return { replicas: running, draining: 0 };
}

/** Everything that was seen and is known. */
interface JobLook {
  readonly seen: JobObservation;
  readonly learned: Learned;
  readonly endings: JobEndings;
}

function lookAtJobs(
  policy: JobObjectivePolicy,
  { learned: before, failures, expected }: JobObjectiveState,
  given: JobObservation,
): JobLook | null {
  const { at, jobs } = given;
  const { p90: startupMs } = viewStartups(before.startups, policy.startupMs);
  const { messagesPerJob, concurrency } = policy;
  const status = jobsAsWorkers(jobs, {
    ...{ messagesPerJob, at, startupMs, expected, before: before.workers },
    over: failures.known ?? [],
    usualMs: Math.min(meanServiceMs(before.service), at - (before.at ?? at)),
  });
  const seen = { ...given, status };
  const queue =
    messagesPerJob === "one"
      ? lookAtOneMessageJobs(seen, { startupMs, atLeast: stillWaiting(before, status) })
      : lookAtQueue(seen, concurrency);
  if (queue === null) return null;
  const learned = learn(policy, before, seen, queue);
  return { seen, learned, endings: noteEndings(failures, jobs, at) };
}

/** What waited at the last look and has been taken by no job since. */
function stillWaiting({ waiting, workers }: ObjectiveState, status: TargetStatus): number {
  const took = status.workers.filter(
    ({ id, inFlight = 0, completed = 0, failed = 0 }) =>
      inFlight + completed + failed > 0 && workers[id]?.isReady !== true,
  );
  return waiting.reduce((sum, { count }) => sum + count, 0) - took.length;
}

function decide(
  policy: JobObjectivePolicy,
  before: JobObjectiveState,
  look: JobLook & { readonly sharedCap: SharedCapMember | null },
) {
  const { seen, learned, endings, sharedCap } = look;
  const { at, jobs } = seen;
  const current = jobs.running;
  const shortage =
    policy.messagesPerJob === "one"
      ? shortageOfPlaces(policy, look)
      : shortageOf(policy, learned, seen);
  const eager = policy.isEager && current === 0 && learned.waitingCount >= 1 ? 1 : 0;
  const wanted =
    policy.messagesPerJob === "one"
      ? current + Math.max(shortage?.workers ?? 0, eager)
      : wantedOf(policy, learned, seen, shortage);
  const held = placesHeld(endings.failures, jobs, policy.messagesPerJob);
  const recent = startsOf(policy, look);
  const room = roomOf(policy, seen);
  const asked = Math.max(0, Math.min(wanted - current - held, room));
  const guarded = guard(policy, look, { asked, recent });
  const lacking = lackingOf(policy, before, { at, current, held });
  const alone = Math.min(Math.max(guarded.create, lacking), room);
  const needed = Math.min(guarded.create, room);
  const grant = sharedCap?.grant(toJobWish(policy, look, { shortage, needed, alone })) ?? null;
  const create = grant === null ? alone : Math.max(0, grant.replicas - current);
  const figured: FiguredJobs = {
    ...{ policy, seen, learned, shortage, wanted, held, lacking, alone, create, grant },
    guard: guarded.by,
  };
  const state: JobObjectiveState = {
    learned: {
      ...learned.state,
      recentStarts: create > 0 ? [...recent, { at, count: create }] : recent,
    },
    failures: endings.failures,
    expected: current + create,
    minimumAt: lacking > 0 ? at : before.minimumAt,
  };
  return { state, decision: recordJobs(figured), create };
}

/** What would be created, as a wish to those who share a cap. */
function toJobWish(
  policy: JobObjectivePolicy,
  { seen: { at, jobs } }: JobLook,
  {
    shortage,
    needed,
    alone,
  }: {
    readonly shortage: Shortage | null;
    readonly needed: number;
    readonly alone: number;
  },
): SharedWish {
  const wanted = jobs.running + alone;
  return {
    ...{ at, ...occupiedBy(jobs), locked: jobs.running, wanted },
    minReplicaCount: Math.min(policy.minReplicaCount, wanted),
    needs: needed > 0 ? [{ by: at + (shortage?.tauMs ?? 0), replicas: jobs.running + needed }] : [],
    validMs: wishMs(policy),
  };
}

/** How many jobs more may be. */
function roomOf({ maxReplicaCount }: JobObjectivePolicy, { jobs }: JobObservation): number {
  const most = maxReplicaCount - jobs.running;
  return Math.max(0, Math.min(jobs.room ?? most, most));
}

/** The worst that the deadlines ask for where each job takes one message. */
function shortageOfPlaces(policy: JobObjectivePolicy, { seen, learned }: JobLook): Shortage | null {
  const { at, jobs } = seen;
  const { startup, startupMs, aimMs, serviceMs, state } = learned;
  let due = 0;
  const demands: Demand[] = state.waiting.map((batch) => {
    due += batch.count;
    return { tauMs: earliestOf(batch, policy) + aimMs - at, due, isKnown: true };
  });
  const unfinished = jobs.jobs.filter(({ endedAt }) => endedAt === null);
  const capacity = {
    places: unfinished.flatMap((job) => placeOf(job, { at, startup, serviceMs })),
    room: roomOf(policy, seen),
    ...{ startupMs, serviceMs, tickMs: policy.pollingIntervalMs },
  };
  return worstJobShortage(capacity, demands);
}

/**
 * Of the time between two looks the beginning counts, also where the first of a batch have been taken: a job that is created
 * earlier costs no more.
 */
function earliestOf(
  { from, to }: ArrivalBatch,
  { pollingIntervalMs }: Pick<JobObjectivePolicy, "pollingIntervalMs">,
): number {
  return from === to ? from : Math.min(from, to - pollingIntervalMs);
}

/** None for a job that waits to be tried again, whose place is held, and for one that does not get to start. */
function placeOf(
  job: JobStatus,
  now: { readonly at: number; readonly startup: StartupView; readonly serviceMs: number },
): readonly JobPlace[] {
  const { at, startup, serviceMs } = now;
  if (job.state === "pending" && job.failures > 0) return [];
  const takenAt = takesAt(job, startup.p90);
  if (takenAt !== null && takenAt <= at) {
    const age = at - takenAt;
    // One that takes longer than most may take as long again.
    return [{ takesInMs: null, freeInMs: age < serviceMs ? serviceMs - age : serviceMs }];
  }
  const takesInMs = stillTakesMs(job, { at, startup });
  return takesInMs === null ? [] : [{ takesInMs, freeInMs: takesInMs + serviceMs }];
}

/** The starts of the last minute. A job of one message that ended well gives its start back: the next message needs one more. */
function startsOf(
  { messagesPerJob }: JobObjectivePolicy,
  { seen, learned, endings }: JobLook,
): RecentStarts {
  const starts = startsOfLastMinute(learned.state.recentStarts, seen.at);
  let back = messagesPerJob === "one" ? endings.succeeded : 0;
  return starts.flatMap(({ at, count }) => {
    const returned = Math.min(back, count);
    back -= returned;
    return count > returned ? [{ at, count: count - returned }] : [];
  });
}

interface Guarded {
  readonly create: number;
  readonly by: FiguredJobs["guard"];
}

/** What the guards leave of a wish for more. */
function guard(
  policy: JobObjectivePolicy,
  look: JobLook,
  wish: { readonly asked: number; readonly recent: RecentStarts },
): Guarded {
  const { seen, learned } = look;
  const { asked, recent } = wish;
  const { running } = seen.jobs;
  const most = learned.activeGroups === null ? asked : learned.activeGroups - running;
  if (asked > most) {
    const within = { ...look, learned: { ...learned, activeGroups: null } };
    const guarded = guard(policy, within, { asked: Math.max(0, most), recent });
    return { ...guarded, by: guarded.by ?? "groups" };
  }
  const { frozenUntil, limit, seen: times } = learned.state.saturation;
  if (asked > 0 && times > 0 && frozenUntil !== null && limit !== null) {
    // Jobs end by themselves, so a count is frozen at what it was and not at what is left of it.
    const upTo = seen.at < frozenUntil ? Math.floor(limit / 1.5) : limit;
    const create = Math.max(0, Math.min(asked, upTo - running));
    if (create < asked) return { create, by: "saturated" };
  }
  const left = startsLeft(recent, policy.maxStartsPerMinute);
  const create = Math.min(asked, left, policy.maxStepUp);
  return { create, by: left < asked ? "budget" : null };
}

/** What is missing for the minimum: made up as seldom as KEDA does, since jobs that find nothing may end at once. */
function lackingOf(
  { minReplicaCount, minimumEveryMs }: JobObjectivePolicy,
  { minimumAt }: JobObjectiveState,
  now: { readonly at: number; readonly current: number; readonly held: number },
): number {
  if (minimumAt !== null && now.at < minimumAt + minimumEveryMs) return 0;
  return Math.max(0, minReplicaCount - now.current - now.held);
}
