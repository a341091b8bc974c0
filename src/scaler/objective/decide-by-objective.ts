/**
 * Keeps a wait objective with few workers. Each look: what is learnt (`learn.ts`) is set against the deadlines
 * (`envelope.ts`); what is short, and cannot wait, is asked for; workers that were idle through a whole window leave.
 *
 * No busy worker is ever asked to go, except where the maximum is below what runs, or where it is said that busy ones
 * yield to others of a shared cap, or that short jobs let them go. A reading that failed holds the count, or brings the fallback (`without-reading.ts`).
 */

import type { Decide, Observation } from "../decision.ts";
import { windowReplicas } from "../replica-window.ts";
import type { TargetStatus } from "../target.ts";
import { dueDemands, dueEdges, workersForDue } from "./due-jobs.ts";
import { type Demand, type Envelope, type Shortage, worstShortage } from "./envelope.ts";
import { type IdleWindow, idleThroughout, noteIdle, withoutReleased } from "./idle-window.ts";
import { type KeepAlive, keepAliveOf } from "./keep-alive.ts";
import { type Learned, learn, slackOf } from "./learn.ts";
import { type ObjectiveBounds, withPauses } from "./objective-bounds.ts";
import type { ObjectivePolicy } from "./objective-policy.ts";
import { type Figured, recordObjective } from "./objective-record.ts";
import type { ObjectiveState } from "./objective-state.ts";
import { lookAtQueue } from "./queue-look.ts";
import { type OwnDecision, toSharedWish } from "./shared-wish.ts";
import { startsLeft, startsOfLastMinute } from "./start-budget.ts";
import { remainingMs, viewStartups } from "./startup-times.ts";
import { pickJobs } from "./waiting-jobs.ts";
import { withoutReading } from "./without-reading.ts";

/**
 * The policy as a decision function; see the top of this file. Pure, but for a cap that it shares.
 *
 * @example
 * const policy = toObjectivePolicy({ maxWait: "30s" });
 * const decide = decideByObjective(policy);
 * let state = initialObjectiveState(policy);
 */
export function decideByObjective(
  policy: ObjectivePolicy,
  bounds: ObjectiveBounds = {},
): Decide<ObjectiveState> {
  return (state, seen) => {
    const queue = seen.failure === null ? lookAtQueue(seen, policy.concurrency) : null;
    if (queue === null) return withoutReading(policy, bounds, { state, seen });
    const learned = learn(policy, state, seen, queue);
    return decide(policy, bounds, { learned, seen });
  };
}

/** Up to which times from now the policy wants delayed jobs counted: as far ahead as it acts upon them. */
export function dueEdgesOf(
  policy: ObjectivePolicy,
  { startups }: Pick<ObjectiveState, "startups">,
): readonly number[] {
  const { p90: startupMs } = viewStartups(startups, policy.startupMs);
  return dueEdges(startupMs + Math.max(2 * policy.pollingIntervalMs, policy.startCostMs));
}

interface Known {
  readonly learned: Learned;
  readonly seen: Observation;
}

function decide(policy: ObjectivePolicy, bounds: ObjectiveBounds, { learned, seen }: Known) {
  const { at, status } = seen;
  const current = status.replicas;
  const envelope = envelopeOf(policy, learned, seen);
  const shortage = worstShortage(envelope.capacity, envelope.demands, envelope.times);
  const guarded = guard(policy, learned, {
    at,
    current,
    wanted: wantedOf(policy, learned, seen, shortage),
  });
  const reserved = Math.round(
    (learned.state.margins.reserve * learned.state.rate.slow * learned.serviceMs) /
      1000 /
      policy.concurrency,
  );
  const prewarmed = prewarmedAt(policy, learned.startupMs, at);
  const floor = Math.max(policy.minReplicaCount, current > 0 ? reserved : 0, prewarmed);
  const upTo = Math.min(Math.max(guarded.allowed, floor), policy.maxReplicaCount);

  const sample = { at, idle: spareOf(policy, learned, status) };
  const window = noteIdle(learned.state.idle, sample, Math.max(...learned.keepAlive));
  const surplus = surplusOf(learned.keepAlive, window, { at, current });
  const mayLeave = upTo <= current && learned.waitingCount < 1;
  const kept = Math.max(floor, neededSoon(policy, learned));
  const released = mayLeave ? Math.max(0, Math.min(surplus, current - kept)) : 0;
  const decided = Math.min(Math.max(upTo, current) - released, policy.maxReplicaCount);
  const alone = withPauses(decided, current, bounds);
  const grant = bounds.sharedCap?.grant(
    toSharedWish(
      { policy, learned, seen, envelope },
      { wanted: alone, needed: guarded.allowed, prewarmed, yields: yieldsOf(bounds) },
    ),
  );
  const replicas = grant?.replicas ?? alone;

  const figured: Figured = {
    ...{ policy, learned, seen, current, shortage, reserved, prewarmed, floor, surplus, released },
    ...{ decided, alone, grant: grant ?? null, replicas },
    wanted: guarded.wanted,
    guard: guarded.by,
  };
  const added = Math.max(0, replicas - current);
  const starts = startsOfLastMinute(learned.state.recentStarts, at);
  return {
    state: {
      ...learned.state,
      idle: withoutReleased(window, Math.min(learned.idle, Math.max(0, current - replicas))),
      recentStarts: added > 0 ? [...starts, { at, count: added }] : starts,
    },
    decision: recordObjective(figured),
  };
}

function yieldsOf({ pausedScaleIn, yieldsBusy }: ObjectiveBounds): OwnDecision["yields"] {
  if (pausedScaleIn) return "none";
  return yieldsBusy ? "busy" : "idle";
}

/** With fewer ended jobs, or before so many graces have passed, it is not known how long jobs can be. */
const enoughEnded = 50;
const enoughGraces = 10;

/**
 * Workers that are not needed: the idle ones. Under `drainBusy`, where any job ends long before a worker's grace does, and jobs can wait for
 * the next start, also those that can finish what they have and go: as many as the free slots of all make up, the nearest
 * whole number, and the last one as soon as nothing waits.
 */
function spareOf(policy: ObjectivePolicy, learned: Learned, status: TargetStatus): number {
  const { concurrency, graceMs, pollingIntervalMs } = policy;
  const { idle, inFlight, keepAlive, state } = learned;
  const seenMs = (state.at ?? 0) - (state.firstAt ?? 0);
  const isKnown = state.ended >= enoughEnded && seenMs >= enoughGraces * graceMs;
  const isShort =
    policy.drainsBusy && isKnown && 2 * (state.longestMs + pollingIntervalMs) <= graceMs;
  if (!isShort || keepAliveOf(keepAlive, status.replicas) > 0) return idle;
  const free = status.ready === 1 ? 1 : Math.floor(status.ready - inFlight / concurrency + 0.5);
  return Math.max(idle, Math.min(free, status.ready));
}

/** The workers of the highest layers that were idle for as long as those of their layer are kept. */
function surplusOf(
  keep: KeepAlive,
  window: IdleWindow,
  { at, current }: { readonly at: number; readonly current: number },
): number {
  let surplus = 0;
  while (
    surplus < current &&
    idleThroughout(window, at, keepAliveOf(keep, current - surplus)) > surplus
  )
    surplus += 1;
  return surplus;
}

const mostPoints = 32;

/** The worst that the deadlines ask for. */
export function shortageOf(
  policy: ObjectivePolicy,
  learned: Learned,
  seen: Observation,
): Shortage | null {
  const { capacity, demands, times } = envelopeOf(policy, learned, seen);
  return worstShortage(capacity, demands, times);
}

/** The deadlines, and who can start jobs by them. */
function envelopeOf(policy: ObjectivePolicy, learned: Learned, seen: Observation): Envelope {
  const { startup, startupMs, aimMs, serviceMs, waitingCount, stalenessMs } = learned;
  const { at, status } = seen;
  const { concurrency } = policy;
  const startingIn: number[] = [];
  for (const worker of status.workers) {
    if (worker.state === "crashed") startingIn.push(startup.p90);
    if (worker.state !== "starting") continue;
    const inMs = remainingMs(startup, at - worker.startedAt);
    if (inMs !== null) startingIn.push(inMs);
  }
  const slots = status.ready * concurrency;
  const busySlots = Math.min(slots, Math.max(status.ready - learned.idle, learned.inFlight));
  const capacity = {
    ...{ startingIn, concurrency, serviceMs, busySlots },
    idleSlots: slots - busySlots,
  };
  const demands: Demand[] = pickJobs(learned.state.waiting, mostPoints).map((job) => ({
    tauMs: job.arrivedAt + aimMs - at,
    due: job.place,
    isKnown: true,
  }));
  if (status.replicas > 0)
    for (const aheadMs of [startupMs / 2, startupMs])
      demands.push({
        tauMs: aimMs + aheadMs,
        due: waitingCount + (learned.state.rate.fast * (aheadMs + stalenessMs)) / 1000,
        isKnown: false,
      });
  const withinMs = startupMs + policy.pollingIntervalMs;
  demands.push(...dueDemands(learned.due, { waiting: waitingCount, aimMs, withinMs }));
  const times = {
    // When a job came is known, however old the reading that told of it: only the start stands between.
    startupMs: startup.p90,
    tickMs: policy.pollingIntervalMs,
    recoveryMs: 0.25 * policy.maxWaitMs,
  };
  return { capacity, demands, times };
}

/** What windows ask for now, so that its workers are ready when they open. */
function prewarmedAt(policy: ObjectivePolicy, startupMs: number, at: number): number {
  return windowReplicas(policy.windows, at, startupMs + policy.pollingIntervalMs);
}

/** Workers for delayed jobs that become ready so soon that another start would cost more than waiting for them. */
function neededSoon(policy: ObjectivePolicy, learned: Learned): number {
  const { due, aimMs, serviceMs, startup, startupMs } = learned;
  const startCostMs = startup.p90 + policy.startCostMs;
  const slackMs = slackOf(policy, aimMs, startupMs);
  const { concurrency } = policy;
  return workersForDue(due, { aimMs, serviceMs, startCostMs, slackMs, concurrency });
}

/** How many there shall be by the deadlines alone. */
export function wantedOf(
  policy: ObjectivePolicy,
  { waitingCount }: Learned,
  { status }: Observation,
  shortage: Shortage | null,
): number {
  const eager = policy.isEager && status.replicas === 0 && waitingCount >= 1 ? 1 : 0;
  if (shortage === null) return status.replicas + eager;
  const urgent = shortage.isUrgent ? 1 : 0;
  return status.replicas + Math.max(Math.floor(shortage.workers + 0.5), urgent, eager);
}

interface Guarded {
  readonly wanted: number;
  readonly allowed: number;
  readonly by: Figured["guard"];
}

/** What the guards leave of a wish for more. */
function guard(
  policy: ObjectivePolicy,
  { state, activeGroups }: Pick<Learned, "state" | "activeGroups">,
  wish: { readonly at: number; readonly current: number; readonly wanted: number },
): Guarded {
  const { at, current, wanted } = wish;
  if (wanted <= current) return { wanted, allowed: wanted, by: null };
  if (activeGroups !== null && wanted > activeGroups) {
    const most = Math.max(current, activeGroups);
    const guarded = guard(policy, { state, activeGroups: null }, { ...wish, wanted: most });
    return { wanted, allowed: guarded.allowed, by: guarded.by ?? "groups" };
  }
  const { frozenUntil, limit } = state.saturation;
  if (frozenUntil !== null && limit !== null) {
    const allowed = at < frozenUntil ? current : Math.max(current, Math.min(wanted, limit));
    if (allowed < wanted) return { wanted, allowed, by: "saturated" };
  }
  const left = startsLeft(startsOfLastMinute(state.recentStarts, at), policy.maxStartsPerMinute);
  const allowed = Math.min(wanted, current + left, current + policy.maxStepUp);
  return {
    wanted,
    allowed,
    by: current + left < Math.min(wanted, policy.maxReplicaCount) ? "budget" : null,
  };
}
