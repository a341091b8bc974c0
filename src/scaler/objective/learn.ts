/** What a look teaches: flows, start-up and service times, the jobs that wait. Pure; no decision is made here. */

import type { Observation } from "../decision.ts";
import { noteArrivals } from "./arrival-rate.ts";
import type { DueJobs } from "./due-jobs.ts";
import { chooseKeepAlive, type KeepAlive, noteDemand } from "./keep-alive.ts";
import { adjustMargins } from "./margins.ts";
import type { ObjectivePolicy } from "./objective-policy.ts";
import type { ObjectiveState, QueueMark, StartedMark } from "./objective-state.ts";
import { flowOf, type QueueLook } from "./queue-look.ts";
import { noteThroughput } from "./saturation.ts";
import { noteServiceOrShift } from "./service-shift.ts";
import { meanServiceMs, serviceMs } from "./service-time.ts";
import { noteStartup, type StartupView, viewStartups } from "./startup-times.ts";
import { addArrivals, keepNewest, type WaitingJobs, withOldest } from "./waiting-jobs.ts";

/** What is known after a look. Times in milliseconds. */
export interface Learned {
  readonly state: ObjectiveState;
  /** Jobs that are known to wait. */
  readonly waitingCount: number;
  /** Delayed jobs and when they become ready. */
  readonly due: readonly DueJobs[];
  /** As many workers as can be active at a time; null: no limit. */
  readonly activeGroups: number | null;
  /** Jobs that run in workers that take more. */
  readonly inFlight: number;
  /** Workers that run nothing. */
  readonly idle: number;
  readonly serviceMs: number;
  readonly startup: StartupView;
  /** How old the reading of the queue is. */
  readonly stalenessMs: number;
  /** From now to the first job of a worker that is asked for: start-up and staleness. */
  readonly startupMs: number;
  /** The wait that is aimed at. */
  readonly aimMs: number;
  readonly keepAlive: KeepAlive;
}

/** Takes in a look. */
export function learn(
  policy: ObjectivePolicy,
  before: ObjectiveState,
  seen: Observation,
  queue: QueueLook,
): Learned {
  const { at, status } = seen;
  const isFirst = before.at === null;
  const elapsedMs = before.at === null ? 0 : Math.max(0, at - before.at);
  const meanMs = meanServiceMs(before.service);
  const times = { at, sinceMs: elapsedMs, serviceMs: meanMs };
  const { workers: memories, waiting, inFlight } = before;
  const flow = flowOf({ status, memories, queue, times, waiting, inFlight });
  // What had ended before the first look is no flow.
  const done = isFirst ? { ended: 0, failed: 0 } : flow;
  const ended = before.ended + done.ended;
  const started = ended + flow.inFlight;
  const starts = noteStarted(before.starts, { at, started });
  const took = takeIn(before, { queue, starts, failed: done.failed });
  const left = keepNewest(took.waiting, Math.max(0, queue.ready - started + took.queue.started));

  const { service, shift } = flow.isMeasured
    ? noteServiceOrShift(before, { ...flow, ended: done.ended })
    : before;
  const startups = flow.startups.reduce(noteStartup, before.startups);
  const startup = viewStartups(startups, policy.startupMs);
  const stalenessMs = at - queue.at;
  const startupMs = startup.p90 + stalenessMs;
  // Without ages, jobs that came just after a look are taken for later ones, by half the time between two on average.
  const untoldMs = queue.ready > 0 && queue.oldestAgeMs === null ? policy.pollingIntervalMs / 2 : 0;
  const unsureMs = startup.spread + untoldMs;
  const aimMs = aimOf(policy, before.margins.theta, { startupMs, unsureMs });
  const late = lateOf([...took.started, ...left.started], at - policy.maxWaitMs);
  const facts = { at, elapsedMs, ended, inFlight: flow.inFlight, startupMs, aimMs, ...late };
  const slow = learnSlowly(policy, before, { ...facts, status, startup, fast: took.rate.fast });
  return {
    state: {
      ...{ ...before, ...slow, at, ended, starts, service, shift, startups },
      firstAt: before.firstAt ?? at,
      longestMs: Math.max(flow.longestMs, before.longestMs * 0.9999 ** done.ended),
      ...{ inFlight: flow.inFlight, workers: flow.memories },
      ...{ queue: took.queue, waiting: left.waiting, rate: took.rate, failures: 0 },
    },
    ...{ startup, stalenessMs, startupMs, aimMs },
    // That silent workers are idle is a guess from readings that may not be of one moment: several must agree.
    keepAlive: slow.keepAlive.map((ms) =>
      Math.max(ms, queue.workersTell ? 0 : 2 * policy.pollingIntervalMs),
    ),
    ...{ due: queue.due, activeGroups: queue.activeGroups },
    waitingCount: left.waiting.reduce((sum, batch) => sum + batch.count, 0),
    inFlight: flow.inFlightReady,
    idle: queue.workersTell
      ? status.idle
      : Math.max(0, status.ready - Math.ceil(flow.inFlight / policy.concurrency)),
    serviceMs: serviceMs(service, {
      runningFor: flow.runningFor,
      begunWithin: (ms) => begunSince(starts, at - ms),
    }),
  };
}

interface SlowFacts {
  readonly at: number;
  readonly elapsedMs: number;
  readonly ended: number;
  readonly inFlight: number;
  readonly startupMs: number;
  readonly aimMs: number;
  readonly started: number;
  readonly late: number;
  readonly status: Observation["status"];
  readonly startup: StartupView;
  /** Arrivals per second, as of late. */
  readonly fast: number;
}

/** What changes over many looks: margins, keep-alive, and whether more workers help. */
function learnSlowly(policy: ObjectivePolicy, before: ObjectiveState, facts: SlowFacts) {
  const { at, status, startupMs, aimMs, started, late, elapsedMs, ended } = facts;
  const margins = adjustMargins(before.margins, {
    ...{ started, late, elapsedMs, lateShare: policy.lateShare, isAdaptive: policy.isAdaptive },
    isOutOfReach: startupMs >= aimMs,
    isChange: facts.fast > 2 * before.rate.slow,
  });
  const gaps = noteDemand(before.gaps, {
    at,
    demand: Math.ceil(facts.inFlight / policy.concurrency) + status.starting,
    binMs: policy.pollingIntervalMs,
  });
  const keep = chooseKeep(policy, { ...before, gaps }, facts);
  const saturation = noteThroughput(before.saturation, {
    ...{ at, ended, elapsedMs, ready: status.ready, serviceMs: meanServiceMs(before.service) },
    isBusy: status.ready > 0 && status.idle === 0,
    reactionMs: startupMs + policy.pollingIntervalMs,
  });
  return { margins, gaps, saturation, keepAlive: keep.times, keepAliveAt: keep.at };
}

/**
 * The share of the objective that is aimed at. What starts differ by, and what is not told of arrivals, is left besides, as far
 * as a tenth of the objective. No
 * less than half as long again as a start and a look take, where the objective allows it: an aim below that would call every
 * job hopeless and ask for workers in panic.
 */
function aimOf(
  { maxWaitMs, pollingIntervalMs }: ObjectivePolicy,
  theta: number,
  { startupMs, unsureMs }: { readonly startupMs: number; readonly unsureMs: number },
): number {
  const cautious = 0.9 * maxWaitMs;
  const reachable = Math.min(cautious, 1.5 * (startupMs + pollingIntervalMs));
  const aim = Math.min(theta * maxWaitMs, Math.max(cautious, maxWaitMs - unsureMs));
  return Math.max(aim, reachable);
}

interface TakenIn {
  readonly queue: QueueMark;
  readonly waiting: WaitingJobs;
  readonly started: WaitingJobs;
  readonly rate: ObjectiveState["rate"];
}

/** The arrivals since the last reading: what wait more, and what has been started meanwhile. */
function takeIn(
  before: ObjectiveState,
  now: {
    readonly queue: QueueLook;
    readonly starts: readonly StartedMark[];
    readonly failed: number;
  },
): TakenIn {
  const { at, ready, oldestAgeMs } = now.queue;
  const last = before.queue;
  const started = startedAt(now.starts, at);
  const oldestAt = oldestAgeMs === null ? null : at - oldestAgeMs;
  if (last === null) {
    const all = addArrivals([], { from: oldestAt ?? at, to: at, count: ready });
    const waiting = withOldest(all, oldestAt);
    return { queue: { at, ready, started, debt: 0 }, waiting, started: [], rate: before.rate };
  }
  if (at <= last.at)
    return { queue: last, waiting: before.waiting, started: [], rate: before.rate };
  const raw = ready + started - last.ready - last.started + last.debt;
  const count = Math.max(0, raw);
  // Readings of queue and workers are not of one moment: what they contradict each other by is made up for once.
  const debt = Math.max(-5, Math.min(0, raw));
  const grown = addArrivals(before.waiting, { from: last.at, to: at, count });
  const split = keepNewest(grown, ready);
  // Jobs that are tried again are no new load.
  const fresh = Math.max(0, count - now.failed);
  return {
    queue: { at, ready, started, debt },
    waiting: withOldest(split.waiting, oldestAt),
    started: split.started,
    rate: noteArrivals(before.rate, fresh, at - last.at),
  };
}

const mostMarks = 128;

function noteStarted(marks: readonly StartedMark[], mark: StartedMark): readonly StartedMark[] {
  return [...marks.slice(1 - mostMarks), mark];
}

/** How many jobs had been started at a time that is not long ago. */
function startedAt(marks: readonly StartedMark[], at: number): number {
  // From the end, where it is nearly always.
  const earlier = marks.findLastIndex((mark) => mark.at < at);
  const [before, after] = [marks[earlier], marks[earlier + 1]];
  if (after === undefined || before === undefined) return (after ?? before)?.started ?? 0;
  return (
    before.started + ((after.started - before.started) * (at - before.at)) / (after.at - before.at)
  );
}

/** How many jobs were started since `from`; before the first mark as many in a time as after it. */
function begunSince(marks: readonly StartedMark[], from: number): number {
  const [first, last] = [marks[0], marks.at(-1)];
  if (first === undefined || last === undefined || last.at <= first.at) return 0;
  if (from >= first.at) return last.started - startedAt(marks, from);
  return ((last.started - first.started) * (last.at - from)) / (last.at - first.at);
}

/** Those of the started jobs that had arrived before `limit`. */
function lateOf(
  jobs: WaitingJobs,
  limit: number,
): { readonly started: number; readonly late: number } {
  let [started, late] = [0, 0];
  for (const { from, to, count } of jobs) {
    started += count;
    if (to <= limit) late += count;
    else if (from < limit) late += (count * (limit - from)) / (to - from);
  }
  return { started, late };
}

/** The choice is made anew every twelve looks. */
function chooseKeep(
  policy: ObjectivePolicy,
  { gaps, keepAlive, keepAliveAt }: ObjectiveState,
  { at, startup, startupMs, aimMs }: SlowFacts,
): { readonly times: KeepAlive; readonly at: number } {
  const { pollingIntervalMs: binMs } = policy;
  if (keepAlive !== null && keepAliveAt !== null && at - keepAliveAt < 12 * binMs)
    return { times: keepAlive, at: keepAliveAt };
  const startCostMs = startup.mean + policy.startCostMs;
  const slackMs = slackOf(policy, aimMs, startupMs);
  const terms = { binMs, startupMs: startup.p90, startCostMs, slackMs };
  return { times: chooseKeepAlive(gaps, terms), at };
}

/** Once a job has come, it can wait for so long before the start that it needs is asked for. */
export function slackOf(policy: ObjectivePolicy, aimMs: number, startupMs: number): number {
  return policy.isEager ? 0 : Math.max(0, aimMs - startupMs - policy.pollingIntervalMs);
}
